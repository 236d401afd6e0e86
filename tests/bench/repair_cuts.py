"""Cut the power before every single change of repairs, on ext4, and look.

    sudo env PYTHONPATH=host:agent:tests python tests/bench/repair_cuts.py [KIND:WAY...]

KIND: indexes, aliases, divert, hook; WAY: repair, undo; all of them if none is named.

The site of a repair is a file system of its own, on a loop device. While the repair
stands before a change, the file below the device is copied: it has what ext4 has
written by then, and nothing of what only its cache knows. The copy is mounted, which
replays the journal, and looked at as `against_faults/in_repaired_box.py` does. Exit
status 1 if anything was wrong after one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

from against_faults import repair_disks, repair_site, test_repair_cut
from against_faults.in_repaired_box import Case, judge, prepare
from against_faults.repairs_in_site import Repairs
from modferry.bundle import build_agent
from support import rootfs

ROOT = Path(__file__).parents[2]
ALL = [f"{kind}:{way}" for kind in repair_disks.KINDS for way in repair_disks.WAYS]
NAMES = dict(test_repair_cut.CASES)


def main(words: list[str]) -> int:
    """Do it; return the exit status."""
    if words[:1] != ["--inside"]:
        command = ["unshare", "--mount", sys.executable, __file__, "--inside", *words]
        return subprocess.run(command, check=False).returncode
    repairs = Repairs(rootfs.RELEASE, build_agent(ROOT / "agent/modferry_agent"))
    wrong = 0
    for word in words[1:] or ALL:
        kind, _, way = word.partition(":")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
            wrong += _cut_all(repairs, Path(name), kind, way)
    return 1 if wrong else 0


def _cut_all(repairs: Repairs, place: Path, kind: str, way: str) -> int:
    began = time.monotonic()
    test_repair_cut.start(place, NAMES[kind])
    prepare(repairs, Case(place, kind, way, 0))
    _make_disk(place)
    lost: Counter[bool] = Counter()
    wrong = 0
    for number in count(1):
        case = Case(place, kind, way, number)
        lacks = _cut(repairs, case)
        if lacks is None:
            break
        lost[lacks] += 1
        _run("mount", "-o", "loop", place / "cut", place / "root")
        complaints = judge(repairs, case)
        _run("umount", place / "root")
        if complaints:
            wrong += 1
            print(f"{kind}, {way}, no. {number}:", *complaints, sep="\n  ")
    took_s = time.monotonic() - began
    print(
        f"{kind}, {way}: cut before {lost.total()} calls, of which {lost[True]} lost"
        f" some of what was done; {wrong} wrong; {took_s:.0f} s",
        flush=True,
    )
    return wrong


def _make_disk(place: Path) -> None:
    # The ready site becomes the image of a disk, and its place a place to mount one.
    repair_disks.make(place, 1)[0].rename(place / "ready")
    (place / "disk").mkdir()
    _run("mount", "-o", "loop", place / "ready", place / "disk")
    (place / "disk/lost+found").rmdir()
    _run("cp", "-a", f"{place}/root/.", place / "disk")
    _run("umount", place / "disk")
    _run("rm", "-rf", place / "root")
    (place / "root").mkdir()


def _cut(repairs: Repairs, case: Case) -> bool | None:
    # Say whether the disk lacks something of what the run could read when it stood;
    # None: it ended before.
    place = case.place
    for name in ("now", "cut"):
        # Another file each time: a namespace that is ending may still have the old one.
        (place / name).unlink(missing_ok=True)
    _run("cp", "--sparse=always", place / "ready", place / "now")
    _run("mount", "-o", "loop", place / "now", place / "disk")
    waiting, ready = os.pipe()
    write, pause = os.write, signal.pause

    def stand() -> None:
        write(ready, b".")
        while True:
            pause()

    pid = os.fork()
    if pid == 0:
        try:
            repair_site.enter(place / "disk")
            complaint = repairs.run_counted(case.kind, case.way, case.number, [], stand)
            os._exit(1 if complaint else 0)
        finally:
            os._exit(1)
    os.close(ready)
    stood = os.read(waiting, 1)
    os.close(waiting)
    if stood != b".":
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, str(case)
        _run("umount", place / "disk")
        return None
    _run("cp", "--sparse=always", place / "now", place / "cut")
    known = repair_site.digest(place / "disk")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    _run("umount", place / "disk")
    _run("mount", "-o", "loop", place / "cut", place / "root")
    found = repair_site.digest(place / "root")
    _run("umount", place / "root")
    return found != known


def _run(*words: str | Path) -> None:
    subprocess.run([*map(str, words)], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
