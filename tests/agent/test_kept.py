"""The index files before a repair: kept with bytes, modes and times, and put back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modferry_agent.core import depfiles
from modferry_agent.errors import RequestError
from modferry_agent.jobs import indexes, repair
from modferry_agent.system import indexstore
from modferry_agent.system.kept import PLACE, Kept, kinds
from support import rootfs

NAMES = [row[0] for row in depfiles.TABLE]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a module tree with old indexes, one of them lacking, one by hand."""
    tree = rootfs.make_tree(tmp_path, rootfs.rtai_files(), links=rootfs.rtai_links())
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path), links="kmod")
    (tree / "modules.weakdep").unlink()
    (tree / "modules.dep").chmod(0o600)
    for path in tree.glob("modules.*"):
        os.utime(path, ns=(1_234_567_891_234_567_891, 1_234_567_891_234_567_891))
    return tree


def state(folder: Path):
    return {
        str(path.relative_to(folder)): (
            path.read_bytes(),
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def publish(folder: Path) -> None:
    root = str(folder.parents[2])
    indexes.write_indexes(rootfs.RELEASE, root)


def restore(kept: Kept) -> None:
    indexstore.publish(kept.directory, kept.contents())
    kept.put_back(NAMES)
    kept.forget()


def test_everything_comes_back_to_the_byte_and_the_nanosecond(folder):
    before = state(folder)
    kept = Kept(str(folder), "indexes")
    kept.keep(NAMES, [("number", "1")])

    publish(folder)
    changed = state(folder)
    restore(kept)

    assert (folder / "modules.weakdep").exists() is False
    assert changed != before
    assert state(folder) == before
    assert not (folder / PLACE).exists()


@pytest.mark.parametrize("cut", range(4))
@pytest.mark.parametrize("comes_again", [False, True])
def test_after_a_restoring_that_was_cut_short_another_or_a_repair_goes_on(
    folder, cut, comes_again, monkeypatch
):
    before = state(folder)
    kept = Kept(str(folder), "indexes")
    kept.keep(NAMES, [])
    publish(folder)
    indexstore.publish(kept.directory, kept.contents())
    real, calls = os.rename, []

    def rename(*paths):
        if len(calls) == cut:
            raise KeyboardInterrupt
        calls.append(paths)
        real(*paths)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        kept.put_back(NAMES)
    monkeypatch.setattr(os, "rename", real)
    if comes_again:
        publish(folder)
    restore(kept)

    assert state(folder) == before


def test_an_index_that_stays_as_it_is_keeps_its_time(folder):
    root = str(folder.parents[2])
    indexes.write_indexes(rootfs.RELEASE, root)
    os.utime(folder / "modules.dep", ns=(1_234_567_891_234_567_891,) * 2)
    (folder / "modules.alias").write_text("others\n")
    before = state(folder)
    kept = Kept(str(folder), "indexes")
    kept.keep(NAMES, [])

    indexes.write_indexes(rootfs.RELEASE, root)
    restore(kept)

    assert state(folder) == before


def test_a_keeping_that_was_cut_short_is_none(folder):
    kept = Kept(str(folder), "indexes")
    Path(kept.place + ".new").mkdir(parents=True)
    Path(kept.place + ".new/modules.dep").write_text("half")

    begun = kept.is_begun
    kept.keep(NAMES, [])

    assert (begun, kept.is_begun) == (False, True)
    assert dict(kept.contents())["modules.dep"] != b"half"


def test_notes_are_read_back_and_repairs_have_an_order(folder):
    Kept(str(folder), "b").keep(NAMES, [("number", "2"), ("stamp", "x y")])
    Kept(str(folder), "c").keep(NAMES, [("number", "10")])
    Kept(str(folder), "a").keep(NAMES, [("number", "3")])

    assert kinds(str(folder)) == ["b", "a", "c"]
    assert Kept(str(folder), "b").about()["stamp"] == ["x y"]


def test_a_repair_on_which_another_rests_is_undone_last(folder, monkeypatch):
    monkeypatch.setattr(repair, "directory_of", lambda *_: str(folder))
    Kept(str(folder), "indexes").keep(NAMES, [("number", "1")])
    Kept(str(folder), "aliases").keep(NAMES, [("number", "2")])
    before = state(folder)

    with pytest.raises(RequestError) as caught:
        repair.undo("indexes", rootfs.RELEASE)

    assert caught.value.code == "repair-order"
    assert "aliases --undo" in caught.value.hint
    assert state(folder) == before


def test_an_unknown_kind_is_refused():
    for change in (repair.repair, repair.undo):
        with pytest.raises(RequestError):
            change("magic")
