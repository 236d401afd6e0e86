"""Runs on a box: repairs that stop before one of their changes, and what is then left.

    in_repaired_box.py start RELEASE ARCHIVE SITE...           sites like the box
    in_repaired_box.py calls RELEASE ARCHIVE SITE KIND WAY     the changing calls
    in_repaired_box.py every RELEASE ARCHIVE SITE KIND WAY I/N stop before each
    in_repaired_box.py cut   RELEASE ARCHIVE CASE...           stop all; the power goes
    in_repaired_box.py look  RELEASE ARCHIVE CASE...           what is on the disks then

SITE: a directory with a site, ``start``, as it is before all; see `repair_site`
KIND: indexes, aliases, divert or hook; WAY: repair or undo
A case is SITE:KIND:WAY:NUMBER, the number of the call before which the run stops.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

try:
    from against_faults import repair_site
    from against_faults.repairs_in_site import Repairs
    from modferry.lab import oldindexes
except ImportError:  # On a box the files lie in one directory.
    import oldindexes  # type: ignore[import-not-found,no-redef]
    import repair_site  # type: ignore[import-not-found,no-redef]
    from repairs_in_site import Repairs  # type: ignore[import-not-found,no-redef]

# What a hook writes of the indexes at once is no part of it, nor undone with it.
_BY_HOOK = ("usr/lib/modules/", "var/cache", "var/lib/modferry")
_STOPPED = 33
_LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Case:
    """One repair, or its undoing, that stops.

    place: the directory of the site
    number: of the call that changes something before which it stops
    """

    place: Path
    kind: str
    way: str
    number: int

    def __str__(self) -> str:
        """Return it as the command line has it."""
        return f"{self.place}:{self.kind}:{self.way}:{self.number}"


def start(release: str, sites: list[Path]) -> None:
    """Make sites with the box's RTAI and a few others of its modules."""
    first = sites[0] / "start"
    repair_site.build(first)
    repair_site.copy(Path("/usr/realtime"), first / "usr/realtime")
    whole, tree = (top / "lib/modules" / release for top in (Path("/"), first))
    for pattern in ("rtai", "modules.[bo]*", "extra/*", "kernel/**/virtio*"):
        for path in whole.glob(pattern):
            place = tree / path.relative_to(whole)
            place.parent.mkdir(parents=True, exist_ok=True)
            repair_site.copy(path, place)
    subprocess.run(["depmod", "-b", first, release], check=True)
    oldindexes.write_as_kmod9(tree, ["rtai", "extra"])
    for site in sites[1:]:
        repair_site.copy(first, site / "start")


def prepare(repairs: Repairs, case: Case) -> None:
    """Make the site in which the case's run begins."""
    repair_site.copy(case.place / "start", case.place / "root")
    if case.way == "undo":
        done = repair_site.inside(
            case.place / "root", partial(repairs.run, case.kind, "repair")
        )
        assert done == "", done


def judge(repairs: Repairs, case: Case) -> list[str]:
    """Return all that is wrong with a site in which a run of the case's kind stopped.

    Wrong is: a box that is so; another run that does not end well; an undoing, at once
    or after that run, that does not give back the start to the byte.
    """
    root, other = case.place / "root", case.place / "other"
    without = _BY_HOOK if case.kind == "hook" else ()
    before, original = _original(repairs, case.place / "start", without)
    repair_site.copy(root, other)
    check = partial(repairs.wrong, before)
    wrong = []

    def do(what: str, site: Path, work: Callable[[], object]) -> None:
        answer = repair_site.inside(site, work)
        if answer is None:
            wrong.append(f"{what}: no answer")
        elif answer:
            wrong.extend(
                f"{what}: {line}"
                for line in ([answer] if isinstance(answer, str) else answer)
            )

    do("cut", root, check)
    for site, ways in ((root, ("repair", "undo")), (other, ("undo",))):
        for way in ways:
            do(f"then {way}", site, partial(repairs.run, case.kind, way))
        lines = repair_site.difference(
            original, repair_site.digest(site, without=without)
        )
        wrong.extend(f"after {'+'.join(ways)}: {line}" for line in lines)
    return wrong


@cache
def _original(
    repairs: Repairs, start: Path, without: tuple[str, ...]
) -> tuple[dict[str, list[str]], repair_site.Digest]:
    steps = repair_site.inside(start, lambda: repairs.steps(repairs.names()))
    assert isinstance(steps, dict)
    return steps, repair_site.digest(start, without=without)


def calls(repairs: Repairs, case: Case) -> list[str]:
    """Return the changing calls of a run that does not stop."""
    prepare(repairs, case)

    def work() -> tuple[str, list[str]]:
        made: list[str] = []
        complaint = repairs.run_counted(case.kind, case.way, 0, made, lambda: None)
        return complaint, made

    answer = repair_site.inside(case.place / "root", work)
    assert isinstance(answer, list), answer
    assert answer[0] == "", answer[0]
    return list(answer[1])


def every(repairs: Repairs, place: Path, kind: str, way: str, part: str) -> None:
    """Stop before each call; print what was wrong then, as JSON lines.

    part: I/N: of each N calls the Ith
    """
    index, _, parts = part.partition("/")
    made = calls(repairs, Case(place, kind, way, 0))
    ready = place / "ready"
    stop = partial(os._exit, _STOPPED)
    prepare(repairs, Case(place, kind, way, 0))
    repair_site.copy(place / "root", ready)
    for number, call in enumerate(made, 1):
        if number % int(parts) != int(index) or call == "fsync":
            continue  # Before an fsync all is as after it, for who is killed.
        case = Case(place, kind, way, number)
        repair_site.copy(ready, place / "root")
        stopped = partial(repairs.run_counted, kind, way, number, [], stop)
        if repair_site.inside(place / "root", stopped) is not None:
            continue  # It ended: by the age of files it is known that less is to do.
        line = {"number": number, "call": call, "wrong": judge(repairs, case)}
        print(json.dumps(line), flush=True)


def cut(repairs: Repairs, cases: list[Case]) -> None:
    """Start all cases, wait until they stand, reset the machine."""
    for case in cases:
        prepare(repairs, case)
    os.sync()
    waiting, ready = os.pipe()
    write, pause = os.write, signal.pause

    def stand() -> None:
        write(ready, b".")
        while True:
            pause()

    for case in cases:
        if os.fork() == 0:
            try:
                repair_site.enter(case.place / "root")
                repairs.run_counted(case.kind, case.way, case.number, [], stand)
            finally:
                write(ready, b"x")
                os._exit(1)
    standing = [os.read(waiting, 1) for _ in cases]
    assert b"x" not in standing, "a run ended"
    Path("/proc/sysrq-trigger").write_text("b")
    time.sleep(_LIMIT_S)


def look(repairs: Repairs, cases: list[Case]) -> None:
    """Print a line of JSON for each case: what is wrong with it."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        judged = pool.imap(partial(judge, repairs), cases)
        for case, wrong in zip(cases, judged, strict=True):
            print(json.dumps({"case": str(case), "wrong": wrong}), flush=True)


def main(words: list[str]) -> None:
    """Do what the words say."""
    what, release, archive, *rest = words
    repairs = Repairs(release, Path(archive).read_bytes())
    if what == "start":
        start(release, [Path(word) for word in rest])
        return
    if what in ("calls", "every"):
        place, kind, way, *part = rest
        if what == "every":
            every(repairs, Path(place), kind, way, *part)
        else:
            print(json.dumps(calls(repairs, Case(Path(place), kind, way, 0))))
        return
    cases = []
    for word in rest:
        place, kind, way, number = word.split(":")
        cases.append(Case(Path(place), kind, way, int(number)))
    {"cut": cut, "look": look}[what](repairs, cases)


if __name__ == "__main__":
    main(sys.argv[1:])
