"""deploy.sh under every shell at hand: what it would install, run and refuse.

apt, dpkg and Python are stand-ins that write down how they were called.
"""

import os
import shutil
import subprocess

import pytest

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}

STANDS_IN = {
    # Everything is installed but what the file "missing" names.
    "dpkg-query": """for name; do :; done
grep -q -x -- "$name" "$STAGE/missing" || echo installed""",
    "apt-get": """echo "apt-get $*" >> "$STAGE/calls"
case "$*" in
*install*) "$POLICY_RC_D" || echo "services held" >> "$STAGE/calls" ;;
esac""",
    "systemctl": 'echo "systemctl $*" >> "$STAGE/calls"',
    "sudo": 'echo sudo >> "$STAGE/calls"; exec "$@"',
    "id": 'cat "$STAGE/uid"',
    "python3": """case "$*" in
*ensurepip*) exit 0 ;;
*"-m venv"*) mkdir -p .venv/bin && cp "$STAGE/bin/python3" .venv/bin/python &&
    cp "$STAGE/bin/modferry" .venv/bin/modferry ;;
esac
echo "python $*" >> "$STAGE/calls" """,
    "modferry": 'echo "modferry in $(pwd): $*" >> "$STAGE/calls"; exit 4',
}


@pytest.fixture(params=SHELLS)
def shell(request):
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


class Stage:
    """A checkout with stand-ins for what would change this machine."""

    def __init__(self, folder, root, shell):
        self.folder = folder
        self.checkout = folder / "checkout"
        self.shell = shell
        (folder / "bin").mkdir()
        self.checkout.mkdir()
        for name in ("deploy.sh", "pyproject.toml"):
            shutil.copy(root / name, self.checkout)
        for name, text in STANDS_IN.items():
            path = folder / "bin" / name
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        (folder / "uid").write_text("0\n")
        (folder / "missing").write_text("")

    def run(self, *arguments, cwd=None):
        return subprocess.run(
            [*self.shell, str(self.checkout / "deploy.sh"), *arguments],
            cwd=cwd or self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "POLICY_RC_D": str(self.folder / "policy-rc.d"),
                "STAGE": str(self.folder),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def called(self, *words):
        return [line for line in self.calls() if all(word in line for word in words)]


@pytest.fixture
def stage(tmp_path, root, shell):
    return Stage(tmp_path, root, shell)


def test_help_is_printed(stage):
    ran = stage.run("--help")

    assert ran.returncode == 0
    assert ran.stdout.startswith("usage: ./deploy.sh demo")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--what"], ["--undo"], ["--undo", "-n"], ["--divert"], ["needs", "--what"]],
)
def test_wrong_use_is_refused_and_changes_nothing(stage, arguments):
    ran = stage.run(*arguments)

    assert ran.returncode == 2
    assert "usage:" in ran.stderr
    assert stage.calls() == []


def test_needs_installs_what_is_missing_and_no_more(stage):
    (stage.folder / "missing").write_text("mmdebstrap\nqemu-system-x86\n")

    ran = stage.run("needs")

    assert ran.returncode == 0, ran.stderr
    (install,) = stage.called("apt-get", "install")
    assert install.endswith("--no-install-recommends mmdebstrap qemu-system-x86")
    assert stage.called("apt-get", "update")
    assert stage.called("python", "pip install", "-e .")


def test_no_server_of_a_package_is_started(stage):
    (stage.folder / "missing").write_text("openssh-server\n")

    ran = stage.run("needs", "--tests")

    assert ran.returncode == 0, ran.stderr
    assert stage.called("services held")
    assert stage.called("systemctl", "disable ssh")
    assert not stage.called("systemctl", "ser2net")
    assert not (stage.folder / "policy-rc.d").exists()


def test_a_package_that_does_the_same_is_not_replaced(stage):
    (stage.folder / "missing").write_text("busybox\n")

    stage.run("needs", "--check")

    assert stage.called("apt-get", "install") == []


def test_another_checkouts_environment_behind_a_link_is_left_alone(stage):
    other = stage.folder / "other"
    other.mkdir()
    (other / "kept").write_text("")
    (stage.checkout / ".venv").symlink_to(other)

    stage.run("saw3")

    assert [path.name for path in other.iterdir()] == ["kept"]
    assert not (stage.checkout / ".venv").is_symlink()
    assert (stage.checkout / ".venv/bin/python").exists()


def test_who_is_not_root_uses_sudo(stage):
    if stage.shell[0] == "busybox":
        pytest.skip("does not apply: busybox sh has an id of its own, not a stand-in's")
    (stage.folder / "missing").write_text("mmdebstrap\n")
    (stage.folder / "uid").write_text("1000\n")

    ran = stage.run("needs")

    assert ran.returncode == 0, ran.stderr
    assert stage.called("sudo")
    assert stage.called("apt-get", "install", "mmdebstrap")


def test_tests_install_the_groups_with_a_pip_that_knows_them(stage):
    stage.run("needs", "--tests")

    assert stage.called("pip>=25.1")
    assert stage.called("--group docs --group lint --group test")


def test_the_second_time_installs_nothing(stage):
    stage.run("needs")
    before = len(stage.called("pip"))

    stage.run("needs")

    assert len(stage.called("pip install")) <= before


def test_a_box_gets_the_agent_with_the_callers_fleet_file(stage, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    ran = stage.run("press", "-n", cwd=elsewhere)

    assert ran.returncode == 4
    assert stage.calls()[-1] == f"modferry in {elsewhere}: deploy --on press -n"


def test_undo_removes_it(stage):
    stage.run("--undo", "ssh://root@box7")

    assert stage.calls()[-1].endswith(": deploy --undo --on ssh://root@box7")


def test_a_diversion_is_asked_for_with_the_agent(stage):
    stage.run("--divert", "press", "-n")

    assert stage.calls()[-1].endswith(": deploy --divert --on press -n")


def test_the_demo_has_modferrys_exit_status(stage):
    ran = stage.run("demo", "--keep")

    assert ran.returncode == 4
    assert stage.calls()[-1].endswith(": lab demo --keep")


def test_pips_own_words_are_shown_when_it_fails(stage):
    python = stage.folder / "bin" / "python3"
    python.write_text(
        python.read_text() + 'case "$*" in *"pip install"*) echo woe; exit 1; esac\n'
    )

    ran = stage.run("needs")

    assert ran.returncode == 1
    assert "woe" in ran.stderr
    assert "pip install did not end well" in ran.stderr
