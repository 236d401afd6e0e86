"""How long the check at boot takes, on Debian's whole module tree and on RTAI's.

    .venv/bin/python tests/bench/hook.py [ROUNDS]

Each round starts the agent's archive anew, as at boot: with indexes that are right,
with modules.dep.bin cut, and, beside it, kmod's depmod, which knows of no check.  The
figures are seconds of the processor, user and system, which other work on the machine
does not change.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from modferry.bundle import build_agent
from support import rootfs

ROOT = Path(__file__).resolve().parents[2]


def seconds(work: Callable[[], object]) -> float:
    """Return what the processes that a piece of work starts take of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int) -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        archive = place / "agent.pyz"
        archive.write_bytes(build_agent(ROOT / "agent" / "modferry_agent"))
        folder = rootfs.linked_copy(rootfs.debian_kernel(), place / "root")
        (place / "root" / "var" / "lib" / "modferry").mkdir(parents=True)
        check = [sys.executable, "-E", archive, "indexcheck", "-b", place / "root"]
        depmod = [shutil.which("depmod", path=f"{os.environ['PATH']}:/sbin"), "-b"]
        depmod += [place / "root", folder.name]
        modules = len(list(folder.rglob("*.ko*")))

        def run(command: list[object]) -> None:
            subprocess.run(list(map(str, command)), check=True, capture_output=True)

        def cut() -> None:
            os.truncate(folder / "modules.dep.bin", 99)

        first = seconds(lambda: run(check))
        run(check)  # what was read within two seconds of its change is read again
        whole = [seconds(lambda: run(check)) for _ in range(rounds)]
        damaged = []
        for _ in range(rounds):
            cut()
            damaged.append(seconds(lambda: run(check)))
        theirs = [seconds(lambda: run(depmod)) for _ in range(rounds)]
        print(f"{modules} modules, Python {sys.version.split()[0]}, {rounds} rounds")
        print(f"first check, nothing known    {first:6.2f} s")
        for label, times in (
            ("check, all as it should be", whole),
            ("check, modules.dep.bin cut", damaged),
            ("kmod's depmod", theirs),
        ):
            median, most = statistics.median(times), max(times)
            print(f"{label:29} {median:6.2f} s, at most {most:.2f} s")
        ratio = statistics.median(theirs) / statistics.median(whole)
        print(f"depmod takes {ratio:.1f} times as long as the check")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10)
