"""Runs that remember the last one: their results do not depend on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modferry_agent.core import depfiles, modulefacts
from modferry_agent.errors import AgentError
from modferry_agent.jobs import indexes, reading
from modferry_agent.system import factcache, forked
from support import elfwriter, rootfs


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # As if everything was there for long: what is new is not kept.
    monkeypatch.setattr(factcache, "_TICK_S", -60.0)
    files = rootfs.rtai_files()
    files["rtai/twin.ko"] = elfwriter.kernel_module(exports=["rt_printk"])
    files["rtai/cut.ko"] = files["rtai/rtai_hal.ko"][:100]
    return rootfs.make_tree(tmp_path / "root", files, links=rootfs.rtai_links())


def _run(tree: Path) -> tuple[dict[str, bytes], object]:
    reply = indexes.write_indexes(tree.name, str(tree.parents[2]), fingerprints=False)
    del reply["changed"], reply["unchanged"]
    return rootfs.index_files(tree), reply


def _anew(tree: Path) -> tuple[dict[str, bytes], object]:
    Path(factcache.path_of(str(tree))).unlink(missing_ok=True)
    rootfs.remove_indexes(tree)
    return _run(tree)


def _is_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    # How many module files are read by a run.
    sizes: list[int] = []
    facts_of = modulefacts.facts_of

    def counted(octets):
        sizes.append(len(octets))
        return facts_of(octets)

    with monkeypatch.context() as patched:
        patched.setattr(modulefacts, "facts_of", counted)
        _run(tree)
    return sizes


def test_a_second_run_reads_what_could_not_be_kept_alone(
    tree: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = _run(tree)

    assert _is_read(tree, monkeypatch) == [100]  # The broken one is told again.
    assert _run(tree) == expected
    (tree / "rtai/cut.ko").unlink()
    whole = _run(tree)
    assert _is_read(tree, monkeypatch) == []
    assert _run(tree) == whole == _anew(tree)


def _removed(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def _garbled(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2 :: 7] = b"!" * len(octets[len(octets) // 2 :: 7])
    path.write_bytes(octets)


def _taken(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [_removed, _cut, _garbled, _taken])
def test_what_becomes_of_the_cache_changes_no_result(tree: Path, harm):
    expected = _run(tree)
    assert _run(tree) == expected

    harm(Path(factcache.path_of(str(tree))))

    assert _run(tree) == expected


def test_a_disk_that_takes_no_cache_changes_no_result(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = _anew(tree)
    (tmp_path / "file").touch()
    monkeypatch.setattr(factcache, "_home", lambda: str(tmp_path / "file"))
    rootfs.remove_indexes(tree)

    assert _run(tree) == expected
    assert _run(tree) == expected


def _changed(tree: Path) -> None:
    path = tree / "rtai/rtai_mbx.ko"
    path.write_bytes(elfwriter.kernel_module(imports=["rt_printk"]))


def _changed_in_place(tree: Path) -> None:
    # The same size, and the old time put back: ctime tells.
    path = tree / "rtai/rtai_mbx.ko"
    before = path.stat()
    octets = path.read_bytes()
    path.write_bytes(octets.replace(b"rt_sem_wait", b"rt_sem_waiT"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _swapped(tree: Path) -> None:
    one, other = tree / "rtai/rtai_mbx.ko", tree / "rtai/rtai_sem.ko"
    one.rename(tree / "x")
    other.rename(one)
    (tree / "x").rename(other)


def _added(tree: Path) -> None:
    (tree / "rtai/more.ko").write_bytes(elfwriter.kernel_module(aliases=["more"]))


def _lost(tree: Path) -> None:
    (tree / "rtai/rtai_hal.ko").unlink()


def _reordered(tree: Path) -> None:
    (tree / "modules.order").write_text("rtai/twin.ko\nrtai/rtai_hal.ko\n")


def _builtin(tree: Path) -> None:
    (tree / "modules.builtin").write_text("kernel/other.ko\n")


def _index_overwritten(tree: Path) -> None:
    path = tree / "modules.dep.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _kept_index_overwritten(tree: Path) -> None:
    path = tree / "modules.alias.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(tree / "rtai/rtai_hal.ko")


def _relinked(tree: Path) -> None:
    (tree / "rtai/rtai_up.ko").unlink()
    (tree / "rtai/rtai_up.ko").symlink_to("rtai_sem.ko")


CHANGES = [
    _changed,
    _changed_in_place,
    _swapped,
    _added,
    _lost,
    _reordered,
    _builtin,
    _index_overwritten,
    _kept_index_overwritten,
    _relinked,
]


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(
    tree: Path, monkeypatch: pytest.MonkeyPatch, change, processors: int
):
    monkeypatch.setattr(forked, "processors", lambda: processors)
    monkeypatch.setattr(reading, "_MANY", 2)
    for _ in range(2):
        _run(tree)

    change(tree)

    got = _run(tree)
    assert got == _anew(tree)


ALWAYS = {"modules.dep", "modules.dep.bin", "modules.softdep", "modules.weakdep"}
OF_ALIASES = {"modules.alias", "modules.alias.bin", "modules.devname"}


def _touched(tree: Path) -> None:
    os.utime(tree / "rtai/rtai_hal.ko")


def _alias_added(tree: Path) -> None:
    octets = elfwriter.kernel_module(exports=["rt_printk"], aliases=["new"])
    (tree / "rtai/twin.ko").write_bytes(octets)


def _symbol_added(tree: Path) -> None:
    octets = elfwriter.kernel_module(exports=["rt_printk", "rt_new"])
    (tree / "rtai/twin.ko").write_bytes(octets)


@pytest.mark.parametrize(
    ("change", "made"),
    [
        (_touched, set()),
        (_alias_added, OF_ALIASES),
        (_symbol_added, {"modules.symbols", "modules.symbols.bin"}),
        (_builtin, {"modules.builtin.bin"}),
    ],
)
def test_what_is_made_of_the_same_is_not_made_again(
    tree: Path, monkeypatch: pytest.MonkeyPatch, change, made: set[str]
):
    (tree / "modules.builtin").write_text("kernel/one.ko\n")
    (tree / "modules.builtin.modinfo").write_bytes(b"one.alias=first\0")
    _run(tree)
    change(tree)
    names: set[str] = set()
    encode_files = depfiles.encode_files

    def noted(contents, only=None):
        names.update(only or ())
        return encode_files(contents, only)

    monkeypatch.setattr(depfiles, "encode_files", noted)
    got = _run(tree)

    assert names == ALWAYS | made
    assert got == _anew(tree)


def test_what_there_was_to_warn_of_is_told_each_time(tree: Path):
    octets = elfwriter.kernel_module(aliases=["pci:[0-"])
    (tree / "rtai/bracket.ko").write_bytes(octets)

    expected = _run(tree)

    assert "pci:[0-" in str(expected[1])
    assert _run(tree) == expected


def test_within_the_clocks_granularity_nothing_is_trusted(
    tree: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(factcache, "_TICK_S", 2.0)
    _run(tree)

    # The files are new: one more write could leave all of their times as they are.
    assert len(_is_read(tree, monkeypatch)) == len(rootfs.rtai_files()) + 2


def test_with_strict_a_remembered_warning_counts(tree: Path):
    (tree / "rtai/cut.ko").unlink()
    for _ in range(2):
        _run(tree)

    with pytest.raises(AgentError) as caught:
        indexes.write_indexes(
            tree.name, str(tree.parents[2]), strict=True, fingerprints=False
        )

    assert caught.value.code == "strict"
