"""Repairs, and their undoing, that are killed before each thing that they change."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from against_faults import in_repaired_box, repair_site
from modferry.bundle import build_agent
from modferry.lab import oldindexes
from support import elfwriter, rootfs

# Names of rtai_sched, with its own: kmod 9 to 17 lose all symbols of an even number,
# and give those of an odd number to one that may be a link.
CASES = [
    ("indexes", 6),
    ("aliases", 5),
    ("divert", 6),
    ("hook", 6),
]
PARTS = 2
"""Of the runs, one for each processor."""

SHARE = 3
"""Each test kills before one call of so many: the first is drawn, and printed."""


def start(place: Path, names: int) -> None:
    """Make the site as it is before all, with the indexes of an old kmod."""
    repair_site.build(place / "start")
    links = dict(list(rootfs.rtai_links().items())[: names - 1])
    files = {"kernel/one.ko": elfwriter.kernel_module("one"), **rootfs.rtai_files()}
    folder = rootfs.make_tree(place / "start", files, links=links)
    assert rootfs.run_depmod(place / "start").returncode == 0
    oldindexes.write_as_kmod9(folder, ["rtai"])
    for path in folder.glob("modules.*"):
        os.utime(path, ns=(1_234_567_891_234_567_891, 1_234_567_891_234_567_891))


def begun(place: Path, *words: str) -> subprocess.Popen[str]:
    """Begin the script on this machine."""
    what, *others = words
    archive = place / "agent.pyz"
    return subprocess.Popen(
        [
            *(sys.executable, "-B", in_repaired_box.__file__),
            *(what, rootfs.RELEASE, archive, place, *others),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("way", ["repair", "undo"])
@pytest.mark.parametrize(("kind", "names"), CASES)
def test_after_a_kill_before_any_change_the_box_is_whole_and_can_go_either_way(
    root: Path, scratch: Path, kind: str, names: int, way: str
):
    _require_namespaces()
    first = random.randrange(SHARE)
    print(f"the calls {first} + {SHARE} * n")
    runs = []
    for part in range(PARTS):
        place = scratch / str(part)
        place.mkdir()
        (place / "agent.pyz").write_bytes(build_agent(root / "agent/modferry_agent"))
        start(place, names)
        runs.append(
            begun(place, "every", kind, way, f"{first + SHARE * part}/{SHARE * PARTS}")
        )

    steps = [
        json.loads(line) for run in runs for line in run.communicate()[0].splitlines()
    ]

    wrong = [step for step in steps if step["wrong"]]
    print(f"{kind}, {way}: killed before {len(steps)} calls, {len(wrong)} wrong")
    assert [run.returncode for run in runs] == [0] * PARTS
    assert wrong == []
    assert len(steps) >= (2 if kind == "hook" else 100 // SHARE)


def _require_namespaces() -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("a mount namespace of its own needs root")
