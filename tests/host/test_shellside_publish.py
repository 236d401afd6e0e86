"""Index files changed as a set by a plain shell, which may die at any command."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from modferry.core import events
from modferry.errors import ReplyError, TransportError
from modferry.shellside.pipe import Pipe
from modferry.shellside.publish import Publisher
from modferry.shellside.talk import Shell
from modferry.transport.local import ChildTransport
from modferry_agent.system import indexstore
from support.sshd import needed

NAMES = ("modules.alias", "modules.dep", "modules.dep.bin", "modules.symbols")
OLD = {name: f"old {name}\n".encode() * 50 for name in NAMES}
NEW = {name: bytes(range(256)) + f"new {name}\n".encode() * 300 for name in NAMES}
CHANGING = ("chmod", "ln", "mkdir", "mv", "rm", "sync", "touch")

# Counts the calls, and ends the shell that made the one of the given number.
DYING = """\
#!/bin/sh
n=$(($(cat {count} 2>/dev/null || echo 0) + 1))
echo $n >{count}
if [ $n = {last} ]; then
    {busybox} kill -9 -$(cat {group})
    sleep 10
fi
exec {program} "$@"
"""


def shell_in(folder: Path, shell: list[str], path: str = os.defpath) -> Shell:
    """Start a shell, as a box's behind a pipe, and begin with it."""
    words = ["env", "-i", f"PATH={path}", *shell]
    transport = ChildTransport("box", words, 10.0)
    (folder / "group").write_text(str(transport._child.pid))
    way = Pipe(transport, lambda _direction, _octets: None, "box")
    begun = Shell(way, "box", events.ignore)
    begun.begin()
    return begun


def shells() -> list[list[str]]:
    return [[needed("busybox"), "sh"], [needed("dash")]]


@pytest.fixture(params=[0, 1], ids=["busybox", "dash"])
def words(request) -> list[str]:
    return shells()[request.param]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree with a blank"
    folder.mkdir()
    for name, content in OLD.items():
        (folder / name).write_bytes(content)
    (folder / "modules.order").write_text("kernel/a.ko\n")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what a reader finds by the names, links or not."""
    return {name: (folder / name).read_bytes() for name in NAMES
            if (folder / name).exists()}  # fmt: skip


def test_the_set_is_the_new_one_as_ordinary_files(tmp_path, tree, words):
    shell = shell_in(tmp_path, words)

    got = Publisher(shell, str(tree)).publish(NEW)

    assert got == (list(NAMES), [])
    assert files_of(tree) == NEW
    assert sorted(path.name for path in tree.iterdir()) == [*NAMES[:3], "modules.order",
                                                            NAMES[3]]  # fmt: skip
    assert not any(path.is_symlink() for path in tree.iterdir())
    assert {(tree / name).stat().st_mode & 0o777 for name in NAMES} == {0o644}


def test_what_is_the_same_is_not_written(tmp_path, tree):
    shell = shell_in(tmp_path, shells()[0])
    new = {**OLD, "modules.alias": b"other\n"}
    before = (tree / "modules.symbols").stat().st_ino

    changed, unchanged = Publisher(shell, str(tree)).publish(new)

    assert (changed, unchanged) == (["modules.alias"], list(NAMES[1:]))
    assert files_of(tree) == new
    assert (tree / "modules.symbols").stat().st_ino == before


def test_names_without_a_file_and_a_link_of_somebodys_own(tmp_path, tree, words):
    (tree / "modules.alias").unlink()
    (tree / "modules.dep").unlink()
    (tree / "modules.dep").symlink_to("modules.order")
    shell = shell_in(tmp_path, words)

    Publisher(shell, str(tree)).publish(NEW)

    assert files_of(tree) == NEW
    assert not (tree / "modules.dep").is_symlink()
    assert (tree / "modules.order").read_text() == "kernel/a.ko\n"


def test_without_the_optional_tools(tmp_path, tree):
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("cat", "cp", "ls", "md5sum", "sleep", "find", *CHANGING):
        (path / name).symlink_to(needed("busybox"))
    # The system's own directories are looked through as well, behind these.
    for name in ("sha256sum", "sha1sum", "head", "gzip", "stat", "flock"):
        (path / name).write_text("#!/bin/sh\nexit 127\n")
        (path / name).chmod(0o755)
    shell = shell_in(tmp_path, [needed("dash")], str(path))
    assert set(shell.tools) == {"sum"}

    Publisher(shell, str(tree)).publish(NEW)

    assert files_of(tree) == NEW


def test_a_shell_killed_at_any_command_leaves_the_old_set_or_the_new(tmp_path, tree):
    outcomes = []
    for last in range(1, 200):
        for name, content in OLD.items():
            (tree / name).write_bytes(content)
        path = tmp_path / f"bin{last}"
        path.mkdir()
        for name in CHANGING:
            program = f"{needed('busybox')} {name}"
            text = DYING.format(count=tmp_path / f"count{last}", last=last,
                                group=tmp_path / "group", program=program,
                                busybox=needed("busybox"))  # fmt: skip
            (path / name).write_text(text)
            (path / name).chmod(0o755)
        shell = shell_in(tmp_path, [needed("dash")], f"{path}:{os.defpath}")

        try:
            Publisher(shell, str(tree)).publish(NEW)
        except TransportError:
            ended = True
        else:
            ended = False

        found = files_of(tree)
        assert found in (OLD, NEW), (last, sorted(found))
        outcomes.append("old" if found == OLD else "new")
        if not ended:
            break
        # The agent ends what the shell began.
        indexstore.tidy(str(tree))
        assert files_of(tree) == found, last
        assert not (tree / ".modferry").exists(), last
    assert outcomes == sorted(outcomes, reverse=True)
    assert not ended
    assert {"old", "new"} == set(outcomes)
    killed = outcomes[:-1]
    print(f"killed at each of {len(killed)} commands: "
          f"{killed.count('old')} old, {killed.count('new')} new")  # fmt: skip


@pytest.mark.parametrize("place", ["/dev/full", "/no/such/folder/file"])
@pytest.mark.parametrize("tool", ["gzip", "no gzip"])
def test_what_cannot_be_written_is_not_run_as_commands(tmp_path, words, place, tool):
    shell = shell_in(tmp_path, words)
    if tool == "no gzip":
        shell.tools.pop("gzip")
    touched = tmp_path / "touched"
    line = f"\ntouch {touched}\n".encode()
    content = b"".join(os.urandom(30_000) + line * 3 for _ in range(40))

    with pytest.raises(ReplyError):
        shell.write_file(place, content, limit_s=30)

    assert shell.run("echo well", limit_s=30) == (0, b"well\n")
    assert not touched.exists()


@pytest.mark.parametrize("moment", ["change", "settle"])
def test_the_shell_ends_what_the_agent_began(tmp_path, tree, moment):
    # The agent is killed before or after its switch.
    code = f"""if 1:
        import os, sys
        from modferry_agent.system import publication
        rename = publication._rename
        def dying(path, other):
            if other.endswith("/current"):
                if {moment == "settle"}:
                    rename(path, other)
                os.kill(os.getpid(), 9)
            rename(path, other)
        publication._rename = dying
        names = {list(NAMES)!r}
        publication.replace({str(tree)!r}, {NEW!r}, names)
    """
    done = subprocess.run(
        [os.sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(os.sys.path)},
    )
    assert done.returncode == -signal.SIGKILL
    expected = NEW if moment == "settle" else OLD
    assert files_of(tree) == expected
    assert (tree / "modules.dep").is_symlink()
    shell = shell_in(tmp_path, shells()[0])

    changed, unchanged = Publisher(shell, str(tree)).publish(expected)

    assert (changed, unchanged) == ([], list(NAMES))
    assert files_of(tree) == expected
    assert not (tree / ".modferry").exists()
    assert not (tree / "modules.dep").is_symlink()


def test_a_full_disk_changes_nothing(tmp_path, tree):
    # /dev/full takes no byte; it is where the second file is to be written.
    shell = shell_in(tmp_path, shells()[0])
    publisher = Publisher(shell, str(tree))
    write = shell.write_file

    def onto_full(path: str, content: bytes, *, limit_s: float) -> None:
        if path.endswith("modules.dep"):
            Path(path).symlink_to("/dev/full")
        write(path, content, limit_s=limit_s)

    shell.write_file = onto_full

    with pytest.raises(ReplyError) as caught:
        publisher.publish(NEW)

    assert caught.value.code == "disk-full"
    assert files_of(tree) == OLD
    assert not (tree / ".modferry").exists()


def test_a_shell_that_hangs_is_given_up(tmp_path):
    shell = shell_in(tmp_path, shells()[0])

    with pytest.raises(TransportError, match="does not answer"):
        shell.run("sleep 100", limit_s=0.5)


def test_what_a_command_prints_comes_as_it_is(tmp_path, words):
    octets = bytes(range(256)) * 400 + b"\n@@MF-0 0\n"
    (tmp_path / "file").write_bytes(octets)
    shell = shell_in(tmp_path, words)

    assert shell.run(f"cat '{tmp_path}/file'; exit 7", limit_s=30) == (7, octets)
    assert shell.read_file(f"{tmp_path}/file", limit_s=30) == octets
    assert shell.read_file(f"{tmp_path}/none", limit_s=30) is None
    shell.write_file(f"{tmp_path}/it's", octets, limit_s=30)
    assert (tmp_path / "it's").read_bytes() == octets


def test_the_scratch_directory_goes_with_the_shell(tmp_path, words):
    shell = shell_in(tmp_path, words)
    shell.run(f"mkdir {shell.scratch}; echo >{shell.scratch}/x", limit_s=30)
    assert Path(shell.scratch).is_dir()

    shell._way._transport.close()

    assert not Path(shell.scratch).exists()
