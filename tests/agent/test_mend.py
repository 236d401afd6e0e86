"""diagnose --fix: what is safe is done, said, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.jobs import linkalias, mend
from support.fakekernel import LEGACY, Box, rtai_files


def mended(box: Box, **more: object) -> dict:
    return mend.mend_module("rtai_sem", **box.given, **more)  # type: ignore[arg-type]


def depmod_of(folder: Path, words: str) -> str:
    program = folder / "depmod"
    program.write_text(f"#!/bin/sh\necho '{words}'\n")
    program.chmod(0o755)
    return str(program)


def test_a_stale_index_is_written_anew(tmp_path):
    box = Box(tmp_path, rtai_files(), indexes_by="kmod 9")

    got = mended(box, with_log=False, depmod="/nothere")

    assert [one["code"] for one in got["fixed"]] == ["left-out-of-modules-dep"]
    assert got["fixed"][0]["error"] is None
    assert "modules.dep" in got["fixed"][0]["did"]
    assert got["loadable"]
    assert got["findings"] == []


def test_a_dry_run_says_it_and_changes_nothing(tmp_path):
    box = Box(tmp_path, rtai_files(), indexes_by="kmod 9")
    before = (box.tree / "modules.dep").read_bytes()

    got = mended(box, with_log=False, dry_run=True, depmod="/nothere")

    assert [one["did"].split()[0] for one in got["fixed"]] == ["write"]
    assert not got["loadable"]
    assert (box.tree / "modules.dep").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "links"),
    [
        ("kmod version 9", 0),
        ("kmod version 17", 0),
        ("kmod version 30", len(LEGACY)),
        ("module-init-tools 3.12", len(LEGACY)),
    ],
)
def test_links_go_where_the_boxs_own_depmod_would_lose_them_again(
    words: str, links: int, tmp_path: Path
):
    box = Box(tmp_path / "root", rtai_files(), indexes_by="kmod 9")

    got = mended(box, with_log=False, depmod=depmod_of(tmp_path, words))

    left = [path for path in (box.tree / "rtai").iterdir() if path.is_symlink()]
    assert len(left) == links
    codes = [one["code"] for one in got["fixed"]]
    aliased = ["alias-instead-of-link"] if not links else []
    assert codes == [*aliased, "left-out-of-modules-dep"]
    assert got["loadable"]
    linkalias.restore_links(str(box.root))
    left = [path for path in (box.tree / "rtai").iterdir() if path.is_symlink()]
    assert len(left) == len(LEGACY)


def test_a_missing_owner_is_loaded(tmp_path, monkeypatch):
    box = Box(tmp_path, rtai_files())
    lines = ["rtai_sem: Unknown symbol rt_register (err -2)"]
    monkeypatch.setattr(mend.diagnose.klog, "recent_texts", lambda: lines)

    got = mended(box)

    assert [one["code"] for one in got["fixed"]] == ["owner-not-loaded"]
    assert "rtai_sched" in got["fixed"][0]["did"]
    assert "rtai_sched" in got["fixed"][0]["undo"]
    assert box.loaded() == ["rtai_hal", "rtai_malloc", "rtai_sched"]


def test_what_fails_is_said_and_ends_it(tmp_path, monkeypatch):
    box = Box(tmp_path, rtai_files())
    lines = ["rtai_sem: Unknown symbol rt_register (err -2)"]
    monkeypatch.setattr(mend.diagnose.klog, "recent_texts", lambda: lines)
    box.loader.refusals["rtai_hal"] = (12, [])

    got = mended(box)

    assert "rtai_hal" in got["fixed"][0]["error"]
