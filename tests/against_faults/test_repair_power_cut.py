"""The power goes, in the practice box, while repairs are made and undone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from against_faults import repair_disks
from modferry.lab.image import Image
from support.practice import box_up


def _after(calls: list[str], *names: str) -> int:
    """Return the number of the last of the first calls that follow each other so."""
    for start in range(len(calls)):
        if tuple(calls[start : start + len(names)]) == names:
            return start + len(names)
    raise AssertionError(names)


def _stops(kind: str, way: str, calls: list[str]) -> list[int]:
    """Return before which calls to stop: around what decides."""
    if kind == "hook":
        called = calls.index("update-rc.d") + 1
        return [called - 1, called] if way == "repair" else [called + 1, called + 3]
    if way == "undo":
        # One index file of several is back in its place; what was kept is half gone.
        back = _after(calls, "link", "rename") + 1
        gone = len(calls) - calls[::-1].index("rename") + 3
        return [back, gone]
    switch = _after(calls, "rename", "fsync", "rename", "fsync", "rename") - 2
    if kind == "indexes":
        return [switch, switch + 1]
    if kind == "aliases":
        links = _after(calls, "rename", "unlink", "unlink")
        return [links - 1, links]
    said = calls.index("dpkg-divert") + 1
    put = said + calls[said:].index("rename") + 1
    return [said + 1, put]


@pytest.mark.practice_box
@pytest.mark.slow
def test_after_a_power_cut_the_box_loads_and_the_repair_goes_either_way(
    root: Path, practice_image: Image, tmp_path: Path
):
    if not shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/sbin:/usr/sbin"):
        pytest.skip("mkfs.ext4 is not installed")
    disks = repair_disks.make(tmp_path, repair_disks.MOST)

    with box_up(practice_image, tmp_path / "lab", disks=tuple(disks)) as box:
        bench = repair_disks.Bench(box, root, [disk.name for disk in disks], tmp_path)
        stops = []
        for kind in repair_disks.KINDS:
            for way in repair_disks.WAYS:
                calls = bench.calls(kind, way)
                for number in _stops(kind, way, calls):
                    stops.append((kind, way, number))
                    print(f"{kind}, {way}: before {calls[number - 1]}, no. {number}")
        judged = bench.cut(stops)

    assert len(judged) == len(stops)
    assert {case: wrong for case, wrong in judged.items() if wrong} == {}
