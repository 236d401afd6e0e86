"""The job that writes the indexes of a tree."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from modferry_agent.core import trie
from modferry_agent.errors import AgentError
from modferry_agent.jobs import indexes, tree
from support import elfwriter, rootfs


class _Context:
    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def progress(self, done: int, total: int, what: str) -> None:
        self.told.append((done, total))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return rootfs.make_tree(tmp_path, rootfs.rtai_files(), links=rootfs.rtai_links())


def test_the_reply_says_all_and_a_second_run_changes_nothing(
    folder: Path, tmp_path: Path
):
    context = _Context()

    first = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), context=context)
    second = indexes.write_indexes(rootfs.RELEASE, f"{tmp_path}/")

    assert first["release"] == rootfs.RELEASE
    assert first["directory"] == str(folder)
    assert first["modules"] == 10
    assert sorted(first["changed"]) == sorted(rootfs.index_files(folder))
    assert (first["warnings"], first["conflicts"], first["dry_run"]) == ([], [], False)
    assert context.told[-1] == (10, 10)
    assert second["changed"] == []
    assert sorted(second["unchanged"]) == sorted(first["changed"])


def test_a_link_is_another_name_of_its_file(folder: Path, tmp_path: Path):
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))

    lines = dict(
        line.split(":") for line in (folder / "modules.dep").read_text().splitlines()
    )
    assert lines["rtai/rtai_sem.ko"] == (
        " rtai/rtai_sched.ko rtai/rtai_malloc.ko rtai/rtai_hal.ko"
    )
    assert lines["rtai/rtai_ksched.ko"] == lines["rtai/rtai_sched.ko"]
    index = trie.Index((folder / "modules.dep.bin").read_bytes())
    assert index.lookup("rtai_ksched")[0].startswith("rtai/rtai_ksched.ko: ")


def test_fingerprints_are_of_the_files_as_stored(folder: Path, tmp_path: Path):
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))

    record = tmp_path / "var" / "lib" / "modferry" / f"{rootfs.RELEASE}.sha256"
    lines = record.read_text().splitlines()
    content = (folder / "rtai" / "rtai_hal.ko").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert f"{digest}  {len(content)}  rtai/rtai_hal.ko" in lines
    assert len(lines) == 10


def test_a_dry_run_writes_nothing(folder: Path, tmp_path: Path):
    before = sorted(tmp_path.rglob("*"))

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), dry_run=True)

    assert reply["dry_run"] is True
    assert "modules.dep" in reply["changed"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_lines_that_come_and_go_are_told(
    folder: Path, tmp_path: Path, dry_run: bool
):
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))
    dep = folder / "modules.dep"
    right = next(line for line in dep.read_text().splitlines() if "sem.ko:" in line)
    # As an old kmod's depmod lost it, after which others appended lines.
    wrong = "rtai/rtai_sem.ko: rtai/rtai_hal.ko"
    dep.write_text(dep.read_text().replace(right, wrong))
    more = [f"rtai/gone{number}.ko:" for number in range(300)]
    dep.write_text(dep.read_text() + "\n".join(more) + "\n")

    reply = indexes.write_indexes(
        rootfs.RELEASE, str(tmp_path), dry_run=dry_run, differences=True
    )

    assert reply["differences"] == {
        "modules.dep": {
            "removed": [wrong, *more[:199]],
            "added": [right],
            "more": 101,
        }
    }
    again = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), differences=True)
    assert bool(again["differences"]) is dry_run


def test_a_bad_module_is_named_and_the_others_keep_their_lines(
    folder: Path, tmp_path: Path
):
    (folder / "rtai" / "bad.ko").write_bytes(b"this is no module")
    (folder / "rtai" / "cut.ko.xz").write_bytes(b"\xfd7zXZ\0cut")

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), fingerprints=False)

    told = {warning["path"]: warning["reason"] for warning in reply["warnings"]}
    assert sorted(told) == ["rtai/bad.ko", "rtai/cut.ko.xz"]
    assert told["rtai/bad.ko"] == "not an ELF file"
    text = (folder / "modules.dep").read_text()
    assert "rtai/bad.ko:\n" in text
    assert "rtai/rtai_malloc.ko: rtai/rtai_hal.ko\n" in text


@pytest.mark.parametrize("links", indexes.LINKS)
def test_two_files_with_one_symbol_are_named(tmp_path: Path, links: str):
    rootfs.make_tree(
        tmp_path,
        {
            "k/a.ko": elfwriter.kernel_module("a", exports=["both", "one"]),
            "k/b.ko": elfwriter.kernel_module("b", exports=["both"]),
        },
        links={"k/c.ko": "a.ko"},
        order=["k/b.ko", "k/c.ko", "k/a.ko"],
    )

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), links=links)

    others = ["k/b.ko", "k/c.ko"] if links == "kmod" else ["k/b.ko"]
    assert reply["conflicts"] == [
        {"symbol": "both", "owner": "k/a.ko", "others": others}
    ]


def test_a_cycle_leaves_the_old_set(folder: Path, tmp_path: Path):
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))
    before = rootfs.index_files(folder)
    for name, other in (("x", "y"), ("y", "x")):
        octets = elfwriter.kernel_module(
            exports=[f"of_{name}"], imports=[f"of_{other}"]
        )
        (folder / "rtai" / f"{name}.ko").write_bytes(octets)

    with pytest.raises(AgentError) as caught:
        indexes.write_indexes(rootfs.RELEASE, str(tmp_path))

    assert caught.value.code == "dependency-cycle"
    assert rootfs.index_files(folder) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"release": "9.9"}, "no-module-tree"),
        ({"like": "new"}, "bad-request"),
        ({"links": "none"}, "bad-request"),
    ],
)
def test_what_cannot_be_done_is_told(
    folder: Path, tmp_path: Path, arguments: dict[str, str], code: str
):
    with pytest.raises(AgentError) as caught:
        indexes.write_indexes(
            **{"release": rootfs.RELEASE, "basedir": str(tmp_path), **arguments}
        )

    assert caught.value.code == code


def test_too_many_modules_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexes, "_MOST_MODULES", 3)

    with pytest.raises(AgentError):
        indexes.write_indexes(rootfs.RELEASE, str(tmp_path))


def test_the_running_kernels_tree_is_the_default():
    assert tree.running_release()
    assert tree.directory_of("6.1") == "/lib/modules/6.1"
    assert tree.directory_of("6.1", "/r", "/m/") == "/r/m/6.1"


SYMVERS = "0x00000001\t{}\tvmlinux\tEXPORT_SYMBOL\n"


def test_what_nobody_exports_is_warned_of_by_what_the_kernel_exports(
    folder: Path, tmp_path: Path
):
    symbols = tmp_path / "symbols"
    symbols.write_text("short line\n00 T __ksymtab_printk\n")

    plain = indexes.write_indexes(rootfs.RELEASE, str(tmp_path))
    told = indexes.write_indexes(
        rootfs.RELEASE, str(tmp_path), filesyms=str(symbols), errsyms=True
    )
    quiet = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), filesyms=str(symbols))

    bad = {"path": str(symbols), "reason": "line 1: a bad line"}
    assert plain["warnings"] == []
    assert quiet["warnings"] == [bad]
    assert told["warnings"][0] == bad
    assert {each["reason"].split(" symbol ")[0] for each in told["warnings"][1:]} <= {
        "needs unknown"
    }
    assert told["changed"] == quiet["changed"] == []


def test_a_symbol_built_against_another_crc_is_warned_of(folder: Path, tmp_path: Path):
    tree_read = indexes.read_tree(rootfs.RELEASE, str(tmp_path))
    symbol = tree_read.modules[-1].imports[0][0]
    symbols = tmp_path / "symvers"
    symbols.write_text(SYMVERS.format(symbol))

    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))
    before = rootfs.index_files(folder)
    told = indexes.write_indexes(
        rootfs.RELEASE, str(tmp_path), symvers=str(symbols), errsyms=True
    )

    reasons = {each["reason"] for each in told["warnings"]}
    assert f"disagrees about version of symbol {symbol}" in reasons
    assert rootfs.index_files(folder) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"symvers": "/none/x"}, "file-error"),
        ({"symvers": "/a", "filesyms": "/b"}, "bad-request"),
        ({"errsyms": True}, "bad-request"),
    ],
)
def test_what_says_no_exports_is_refused(
    folder: Path, tmp_path: Path, arguments: dict[str, str | bool], code: str
):
    with pytest.raises(AgentError) as caught:
        indexes.write_indexes(rootfs.RELEASE, str(tmp_path), **arguments)

    assert caught.value.code == code
    assert rootfs.index_files(folder) == {}
