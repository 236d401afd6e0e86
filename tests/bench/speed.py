"""Run kmod's depmod and ours in turn on the same trees; print times, ratios, memory.

    PYTHONPATH=host:agent:tests python tests/bench/speed.py [OPTION...] [ROW...]

    --runs N        of each, in turn (default 15); the ratio is that of the medians
    --python PATH   the Python that ours runs on (default: this one); may be repeated
    --realtime      run both before all else on the machine (chrt -f), as root; for a
                    machine that others work on

Ours is the command that `modferry deploy` installs, kmod's the machine's own.  The page
cache is warm.  Rows: 6.1-2, 6.1-1 (from nothing, 2 cores and 1), 6.12-2 (compressed),
unchanged, added, changed, removed; all of them unless named.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import foreignkernels, kmods, ourtools, rootfs

XZ = foreignkernels.Machine("amd64", "linux-image-amd64", 64, "little", "trixie")
# Files that changed within two seconds before a run are not remembered.
SETTLE_S = 2.1


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took: seconds, and the most memory that one of its processes had."""

    seconds: float
    kibibytes: int


@dataclass(frozen=True, slots=True)
class Bench:
    """A tree, and the two commands on it."""

    tree: Path
    kmod: list[str]
    ours: list[str]
    before: list[str]

    def run(self, command: Sequence[str], cores: str) -> Taken:
        """Run one of them on these cores."""
        words = [*self.before, "taskset", "-c", cores, *command]
        root, release = str(self.tree.parents[2]), self.tree.name
        caches = {"XDG_CACHE_HOME": str(self.tree.parents[2] / "cache")}
        began = time.monotonic()
        started = subprocess.Popen(
            [*words, "-b", root, release], env={**os.environ, **caches}
        )
        _pid, status, usage = os.wait4(started.pid, 0)
        seconds = time.monotonic() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            sys.exit(f"{words[-1]} ends with status {started.returncode}")
        return Taken(seconds, usage.ru_maxrss)

    def clean(self) -> None:
        """Leave no indexes and nothing remembered."""
        rootfs.remove_indexes(self.tree)
        shutil.rmtree(self.tree.parents[2] / "cache", ignore_errors=True)


def in_turn(
    bench: Bench, runs: int, cores: str, prepare: Callable[[], None]
) -> tuple[list[Taken], list[Taken]]:
    """Return what kmod's runs took and ours, each after the same preparation."""
    theirs, ours = [], []
    for _ in range(runs):
        prepare()
        theirs.append(bench.run(bench.kmod, cores))
        prepare()
        ours.append(bench.run(bench.ours, cores))
    return theirs, ours


@contextmanager
def changed(bench: Bench, kind: str) -> Iterator[Callable[[], None]]:
    """Give what makes the tree need ours after one change since its last run."""
    extra = bench.tree / "kernel" / "fs" / "extra.ko"
    source = next((bench.tree / "kernel" / "fs").rglob("ext4.ko"))
    bench.clean()
    time.sleep(SETTLE_S)

    def prepare() -> None:
        if kind == "added":
            extra.unlink(missing_ok=True)
        else:
            shutil.copy(source, extra)
            time.sleep(SETTLE_S)
        bench.run(bench.ours, "0,1")
        if kind == "added":
            shutil.copy(source, extra)
        elif kind == "changed":
            with extra.open("ab") as stream:
                stream.write(b"x")
        elif kind == "removed":
            extra.unlink()

    try:
        yield prepare
    finally:
        extra.unlink(missing_ok=True)


ROWS = {
    "6.1-2": ("Debian 6.1, plain .ko, from nothing, 2 cores", "0,1", 1.0),
    "6.1-1": ("the same, 1 core", "0", 1.7),
    "6.12-2": ("Debian 6.12, .ko.xz, from nothing, 2 cores", "0,1", 0.6),
    "unchanged": ("nothing changed since the last run", "0,1", 0.25),
    "added": ("one module added", "0,1", 0.5),
    "changed": ("one module changed", "0,1", 0.5),
    "removed": ("one module removed", "0,1", 0.5),
}


def measure(row: str, bench: Bench, runs: int) -> tuple[list[Taken], list[Taken]]:
    """Return what kmod's runs took and ours in a row of the table."""
    cores = ROWS[row][1]
    if row.startswith("6."):
        bench.run(bench.kmod, cores)  # The page cache is warm from here on.
        return in_turn(bench, runs, cores, bench.clean)
    if row == "unchanged":
        for _ in range(2):
            bench.run(bench.ours, cores)

        def again() -> None:
            bench.run(bench.ours, cores)

        return in_turn(bench, runs, cores, again)
    with changed(bench, row) as prepare:
        return in_turn(bench, runs, cores, prepare)


def show(row: str, theirs: Sequence[Taken], ours: Sequence[Taken]) -> None:
    """Print a line of the table."""
    name, _cores, goal = ROWS[row]
    times = [statistics.median(run.seconds for run in runs) for runs in (theirs, ours)]
    ratios = [
        mine.seconds / its.seconds for its, mine in zip(theirs, ours, strict=True)
    ]
    memory = [max(run.kibibytes for run in runs) / 1024 for runs in (theirs, ours)]
    print(
        f"{name:46} {times[0]:6.3f} {times[1]:6.3f}  ratio {times[1] / times[0]:.2f}"
        f" (goal {goal}; of pairs {min(ratios):.2f} to {max(ratios):.2f})"
        f"  MiB {memory[0]:.0f} {memory[1]:.0f}",
        flush=True,
    )


def main(words: Sequence[str]) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--python", action="append")
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("rows", nargs="*", metavar="ROW", default=list(ROWS))
    options = parser.parse_args(words)
    before = ["chrt", "-f", "10"] if options.realtime else []
    theirs = kmods.machines_depmod()
    print(f"kmod {theirs.release}; {platform.machine()}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        top = Path(name)
        trees = {"6.1": rootfs.linked_copy(rootfs.debian_kernel(), top / "plain")}
        if any(row.startswith("6.12") for row in options.rows):
            kernel = foreignkernels.foreign_kernel(XZ)
            trees["6.12"] = rootfs.linked_copy(kernel, top / "xz")
        for tree in trees.values():
            print(f"{tree.name}: {sum(1 for _ in tree.rglob('*.ko*'))} modules")
        for number, python in enumerate(options.python or [sys.executable]):
            command = ourtools.installed(python, top / f"bin{number}") / "depmod"
            version = subprocess.run(
                [python, "--version"], capture_output=True, text=True, check=True
            )
            print(f"{python}: {version.stdout.strip() or version.stderr.strip()}")
            for row in options.rows:
                tree = trees["6.12" if row.startswith("6.12") else "6.1"]
                bench = Bench(tree, list(theirs.command), [str(command)], before)
                show(row, *measure(row, bench, options.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
