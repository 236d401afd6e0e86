"""Indexes that are cut or changed: kmod 30's modprobe crashes on them, ours tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.errors import AgentError
from modferry_agent.jobs import diagnose, load, probing
from modferry_agent.system import indexstore, publication
from modferry_agent.tools import modprobe
from support import fakekernel
from support.fakekernel import RELEASE, Box

NAMES = ("modules.dep.bin", "modules.alias.bin", "modules.symbols.bin")
CODES = {"index-damaged", "index-missing"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    return Box(tmp_path_factory.mktemp("box"), fakekernel.rtai_files())


@pytest.mark.parametrize("name", NAMES)
def test_an_index_cut_anywhere_is_told_and_nothing_crashes(
    box: Box, name: str, capfd: pytest.CaptureFixture[str]
):
    path = box.tree / name
    whole = path.read_bytes()
    codes: set[str] = set()
    try:
        for size in (0, 4, 11, *range(12, len(whole), max(1, len(whole) // 12))):
            path.write_bytes(whole[:size])
            try:
                value = load.load_modules("rtai_sem", dry_run=True, **box.given)
                assert value["steps"]
            except AgentError as error:
                codes.add(error.code)
            reply = diagnose.diagnose_module(
                "rtai_sem", False, str(box.root), box.kernel
            )
            codes.update(one["code"] for one in reply["findings"])
            words = ["modprobe", "-n", "-d", str(box.root), "-S", RELEASE]
            assert modprobe.main([*words, "rtai_sem"]) in (0, 1)
            assert modprobe.main([*words, "-R", "no-such-alias"]) in (0, 1)
    finally:
        path.write_bytes(whole)
    capfd.readouterr()
    if name == "modules.dep.bin":
        assert codes >= CODES
    assert codes - {"module-missing"} <= CODES | {"not-in-index"}


def test_a_reader_among_publications_has_all_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    box = Box(tmp_path, fakekernel.rtai_files())
    files = [(name, (box.tree / name).read_bytes()) for name in NAMES]
    real = probing.read_index
    reads: list[str] = []

    def slow(directory: str, name: str):
        found = real(directory, name)
        reads.append(name)
        if len(reads) == 1:
            # A publication between the first file and the second one.
            changed = [(one, content + b"\0") for one, content in files]
            indexstore.publish(str(box.tree), changed)
        return found

    monkeypatch.setattr(probing, "read_index", slow)

    sources = probing.read_sources(box.kernel, str(box.tree))

    assert reads.count("modules.dep.bin") == 2
    assert sources.dep is not None
    assert sources.dep.data == files[0][1] + b"\0"


def test_a_publication_that_waits_to_be_settled_is_a_whole_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    box = Box(tmp_path, fakekernel.rtai_files())
    files = [(name, (box.tree / name).read_bytes() + b"\0") for name in NAMES]
    monkeypatch.setattr(publication, "settle", lambda *_: False)
    indexstore.publish(str(box.tree), files)
    monkeypatch.undo()
    assert (box.tree / NAMES[0]).is_symlink()

    reply = load.load_modules("rtai_sem", dry_run=True, **box.given)

    assert reply["steps"]
    indexstore.tidy(str(box.tree))
    assert not (box.tree / NAMES[0]).is_symlink()
    assert (box.tree / NAMES[0]).read_bytes() == files[0][1]
