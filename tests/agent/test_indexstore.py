"""Index files, published as a set or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modferry_agent.errors import FileError
from modferry_agent.system import indexstore, moduletree

OLD = [("modules.dep", b"old"), ("modules.dep.bin", b"old bin"), ("modules.x", b"same")]
NEW = [("modules.dep", b"new"), ("modules.dep.bin", b"new bin"), ("modules.x", b"same")]


def _set(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    indexstore.publish(str(tmp_path), OLD)
    return tmp_path


def test_only_what_changed_is_written(folder: Path):
    before = (folder / "modules.x").stat().st_ino

    changed, unchanged = indexstore.publish(str(folder), NEW)

    assert (changed, unchanged) == (["modules.dep", "modules.dep.bin"], ["modules.x"])
    assert _set(folder) == NEW
    assert (folder / "modules.x").stat().st_ino == before
    assert indexstore.compare(str(folder), NEW) == ([], [name for name, _ in NEW])


def test_the_umask_has_no_say(folder: Path):
    old = os.umask(0o077)
    try:
        indexstore.publish(str(folder), NEW)
    finally:
        os.umask(old)

    assert (folder / "modules.dep").stat().st_mode & 0o777 == 0o644


def test_leftovers_of_a_killed_run_are_removed(folder: Path):
    (folder / f"modules.old{indexstore.NEW}").write_bytes(b"litter")

    assert indexstore.remove_leftovers(str(folder)) == [f"modules.old{indexstore.NEW}"]
    assert _set(folder) == OLD
    assert indexstore.remove_leftovers(str(folder / "none")) == []


CALLS = ("open", "write", "fsync", "fchmod", "read")


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_what_fails_before_the_renames_leaves_the_old_set(
    folder: Path, call: str, number: int, code: int, monkeypatch: pytest.MonkeyPatch
):
    real = getattr(os, call)
    calls = []

    def failing(*arguments: object) -> object:
        if call != "open" or indexstore.NEW in str(arguments[0]):
            calls.append(arguments)
            if len(calls) == number + 1:
                raise OSError(code, os.strerror(code))
        return real(*arguments)

    files = [(name, content * 2) for name, content in NEW]
    assert moduletree.read_if_there(str(folder / "modules.dep")) == b"old"
    unread = indexstore.compare(str(folder), files)
    monkeypatch.setattr(indexstore, "compare", lambda *_: unread)
    monkeypatch.setattr(os, call, failing)

    with pytest.raises(FileError) as caught:
        indexstore.publish(str(folder), files)

    monkeypatch.undo()
    assert caught.value.code == ("disk-full" if code == errno.ENOSPC else "file-error")
    assert _set(folder) == OLD


def test_bytes_that_read_otherwise_are_not_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexstore, "_content_of", lambda _handle: b"garbage")

    with pytest.raises(FileError):
        indexstore.publish(str(folder), NEW)

    assert _set(folder) == OLD


def test_a_run_that_is_killed_leaves_the_old_set(folder: Path):
    script = f"""if 1:
        import os, signal
        from modferry_agent.system import indexstore
        def killed(old, new):
            os.kill(os.getpid(), {int(signal.SIGKILL)})
        os.rename = killed
        indexstore.publish({str(folder)!r}, {NEW!r})
    """
    agent = Path(indexstore.__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        env={"PYTHONPATH": str(agent)},
        check=False,
    )

    assert done.returncode == -signal.SIGKILL
    assert len(_set(folder)) == len(OLD) + 2
    indexstore.publish(str(folder), OLD)
    assert _set(folder) == OLD


def test_a_second_run_waits_and_then_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexstore, "_LOCK_WAIT_S", -1)
    first = indexstore.Lock(str(folder))

    with pytest.raises(FileError) as caught:
        indexstore.Lock(str(folder))

    assert caught.value.code == "index-busy"
    first.release()
    first.release()
    indexstore.Lock(str(folder)).release()
    assert _set(folder) == OLD


def test_the_lock_makes_the_directory_or_tells(tmp_path: Path):
    indexstore.Lock(str(tmp_path / "a" / "b")).release()
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(FileError):
        indexstore.Lock(str(tmp_path / "file" / "b"))


def test_newer_modules_are_seen(tmp_path: Path):
    tree = str(tmp_path)
    (tmp_path / "a.ko").write_bytes(b"x")
    os.utime(tmp_path / "a.ko", (1000, 1000))
    entries = moduletree.walk(tree)
    assert indexstore.is_newer(tree, entries) is None
    (tmp_path / "modules.dep").write_bytes(b"")

    os.utime(tmp_path / "modules.dep", (1000, 1000))
    assert indexstore.is_newer(tree, entries) is False
    os.utime(tmp_path / "modules.dep", (999, 999))
    assert indexstore.is_newer(tree, entries) is True
