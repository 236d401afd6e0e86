"""The scripts that stay on a box: they never fail who calls them, under each shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modferry_agent.jobs import shellfiles

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
SCRIPTS = {
    "depmod": shellfiles.depmod_script("/lib/modferry/own/depmod"),
    "check": shellfiles.hook_files()[0][1],
    "init": shellfiles.hook_files()[1][1],
}


@pytest.fixture(params=SHELLS)
def shell(request):
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a depmod of the box's own, in place of that of /lib."""
    own = tmp_path / "own"
    own.write_text('#!/bin/sh\necho "own: $*"\nexit 3\n')
    own.chmod(0o755)
    return tmp_path


def script(place: Path, name: str, *, python: str = sys.executable, limit_s: int = 900):
    text = SCRIPTS[name].replace("/lib/modferry/own/depmod", str(place / "own"))
    text = text.replace(shellfiles.ARCHIVE, str(place / "agent.py"))
    text = text.replace(shellfiles.CHECK, str(place / "check"))
    for limit in (shellfiles.DEPMOD_LIMIT_S, shellfiles.CHECK_LIMIT_S):
        text = text.replace(f"timeout {limit}", f"timeout {limit_s}")
    text = text.replace(f"in {sys.executable} ", f"in {python} ")
    path = place / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def agent(place: Path, body: str) -> None:
    (place / "agent.py").write_text(f"import os, sys, time\n{body}\n")


def run(shell, path: Path, *arguments: str):
    return subprocess.run(
        [*shell, str(path), *arguments],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_nothing_to_say(name, tmp_path):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    path = tmp_path / name
    path.write_text(SCRIPTS[name])

    ran = subprocess.run(["shellcheck", path], capture_output=True, text=True)

    assert ran.stdout == ""


def test_the_agents_output_and_arguments_are_handed_on(shell, place):
    agent(place, "print(sys.argv[1:]); print(); print()")

    ran = run(shell, script(place, "depmod"), "-n", "6.1.0 x")

    assert ran.returncode == 0
    assert ran.stdout == "['depmod', '-n', '6.1.0 x']\n\n\n"


@pytest.mark.parametrize(
    "body",
    [
        "print('half'); sys.exit(1)",
        "print('half'); sys.stdout.flush(); os.kill(os.getpid(), 9)",
        "raise SyntaxError",
        "this is no Python",
        "sys.exit(0) if sys.stdin.read(1) else time.sleep(60)",
    ],
)
def test_the_boxs_own_runs_where_the_agent_fails(shell, place, body):
    agent(place, body)

    ran = run(shell, script(place, "depmod", limit_s=2), "-a", "6.1.0")

    assert ran.stdout == "own: -a 6.1.0\n"
    assert ran.returncode == 3
    assert "the box's own runs" in ran.stderr


def test_the_boxs_own_runs_where_the_agent_is_gone(shell, place):
    ran = run(shell, script(place, "depmod"), "-a")

    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "own: -a\n", "")


def test_another_python_takes_the_place_of_one_that_is_gone(shell, place):
    agent(place, "print(sys.argv[1])")

    ran = run(shell, script(place, "depmod", python="/nowhere/python"))

    pythons = ("/usr/bin/python3", "/usr/bin/python2", "/usr/bin/python")
    found = any(os.access(path, os.X_OK) for path in pythons)
    assert ran.stdout == ("depmod\n" if found else "own: \n")


@pytest.mark.parametrize("body", ["sys.exit(0)", "sys.exit(5)", "time.sleep(60)"])
def test_a_check_never_fails_a_boot_or_a_package_run(shell, place, body):
    agent(place, body)
    script(place, "check", limit_s=2)

    checked = run(shell, place / "check")
    started = run(shell, script(place, "init"), "start")

    assert (checked.returncode, started.returncode) == (0, 0)


def test_an_unknown_word_is_refused_by_the_init_script(shell, place):
    ran = run(shell, script(place, "init"), "dance")

    assert ran.returncode == 3
    assert "usage:" in ran.stderr
