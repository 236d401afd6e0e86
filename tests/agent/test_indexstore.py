"""Index files, published as a set or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from modferry_agent.errors import FileError
from modferry_agent.system import indexstore, moduletree, publication

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


def _hidden(folder: Path) -> Path:
    return folder / publication.HIDDEN


def test_a_publication_that_did_not_get_far_is_removed(folder: Path):
    _hidden(folder).mkdir()
    (_hidden(folder) / "new").mkdir()
    (_hidden(folder) / "new" / "modules.dep").write_bytes(b"litter")
    (_hidden(folder) / "next").symlink_to("new")

    assert indexstore.tidy(str(folder))
    assert _set(folder) == OLD
    assert not indexstore.tidy(str(folder))
    assert not indexstore.tidy(str(folder / "none"))


def _stop_at(call: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(os, call)
    calls: list[object] = []

    def failing(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) >= number:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(os, call, failing)


@pytest.mark.parametrize(
    ("renames", "expected"), [(1, OLD), (2, OLD), (3, OLD), (4, NEW), (5, NEW)]
)
def test_one_rename_is_the_switch(
    folder: Path,
    renames: int,
    expected: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
):
    """Two diversions, the switch, two files put in place; stopped at each of them."""
    _stop_at("rename", renames, monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        indexstore.publish(str(folder), NEW)

    monkeypatch.undo()
    contents = [(name, (folder / name).read_bytes()) for name, _ in NEW]
    assert contents == expected
    indexstore.tidy(str(folder))
    assert _set(folder) == expected
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_the_first_set_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _stop_at("rename", 4, monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        indexstore.publish(str(tmp_path), NEW)

    monkeypatch.undo()
    assert not any((tmp_path / name).exists() for name, _ in NEW)
    indexstore.tidy(str(tmp_path))
    assert _set(tmp_path) == []


def test_links_of_somebody_else_come_back_when_it_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "elsewhere").write_bytes(b"old")
    (folder / "modules.dep").unlink()
    (folder / "modules.dep").symlink_to("elsewhere")
    (folder / "modules.dep.bin").unlink()
    (folder / "modules.dep.bin").symlink_to("nowhere")
    real = os.rename

    def failing(old: bytes, new: bytes) -> None:
        if new.endswith(b"/current"):
            assert (folder / "modules.dep").read_bytes() == b"old"
            raise OSError(errno.EIO, "broken")
        real(old, new)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(FileError):
        indexstore.publish(str(folder), NEW)

    monkeypatch.undo()
    assert (folder / "modules.dep").readlink() == Path("elsewhere")
    assert (folder / "modules.dep.bin").readlink() == Path("nowhere")
    assert not _hidden(folder).exists()
    indexstore.publish(str(folder), NEW)
    assert not (folder / "modules.dep").is_symlink()


@pytest.mark.parametrize("call", ["link", "symlink"])
def test_file_systems_without_links_do(
    folder: Path, call: str, monkeypatch: pytest.MonkeyPatch
):
    def refusing(*_: object) -> None:
        raise OSError(errno.EPERM, "no such links here")

    monkeypatch.setattr(os, call, refusing)

    indexstore.publish(str(folder), NEW)

    assert _set(folder) == NEW


def test_a_directory_in_the_place_of_a_file_is_told(folder: Path):
    (folder / "modules.dep").unlink()
    (folder / "modules.dep").mkdir()

    with pytest.raises(FileError):
        indexstore.publish(str(folder), NEW)

    assert (folder / "modules.dep.bin").read_bytes() == b"old bin"
    assert not _hidden(folder).exists()


def test_what_another_depmod_wrote_meanwhile_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    real = publication.settle

    def late(directory: str, meanwhile: object = None) -> bool:
        done = real(directory)
        if done:
            (folder / "modules.dep").write_bytes(b"other")
        return done

    monkeypatch.setattr(publication, "settle", late)

    with pytest.raises(FileError) as caught:
        indexstore.publish(str(folder), NEW)

    assert caught.value.code == "index-overwritten"


def test_links_that_cannot_be_made_files_again_still_lead_to_the_new_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    real = os.rename

    def failing(old: bytes, new: bytes) -> None:
        if old.endswith(b".placed"):
            raise OSError(errno.EIO, "broken")
        real(old, new)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(FileError) as caught:
        indexstore.publish(str(folder), NEW)

    monkeypatch.undo()
    assert caught.value.code == "index-untidy"
    assert (folder / "modules.dep").read_bytes() == b"new"
    indexstore.publish(str(folder), NEW)
    assert _set(folder) == NEW


def test_bytes_that_read_otherwise_are_not_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publication, "_content_of", lambda _handle: b"garbage")

    with pytest.raises(FileError):
        indexstore.publish(str(folder), NEW)

    assert _set(folder) == OLD


def test_what_is_done_meanwhile_finds_the_new_set_in_place(folder: Path):
    seen = []

    def look() -> None:
        seen.append([(name, (folder / name).read_bytes()) for name, _new in NEW])

    indexstore.publish(str(folder), NEW, look)
    indexstore.publish(str(folder), NEW, look)

    assert seen == [NEW]  # The second time nothing is changed, nor waited for.
    assert _set(folder) == NEW


def test_an_unchanged_set_is_marked_as_fresh(folder: Path):
    os.utime(folder / "modules.dep", (1000, 1000))

    indexstore.publish(str(folder), OLD)

    assert (folder / "modules.dep").stat().st_mtime > 1000


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
