"""Runs in the practice box: publications that stop at a call; then the power goes.

    in_box.py cut DELAY  CASE...      start all, wait until they stand, cut the power
    in_box.py look       CASE...      tell what is on each disk, and after another run

A case is DISK:NUMBER: the disk's directory, which holds ``root``, ``start``, ``old``
and ``new``, and before which call that changes something the run stops; 0: it ends by
itself; ``first``: the same without an old set; ``kmod``: kmod's depmod in its place.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from modferry_agent.jobs import indexes

RELEASE = "6.1.0-test"
CHANGING = (
    *("write", "fsync", "fchmod", "chmod", "mkdir", "link", "symlink", "rename"),
    *("unlink", "rmdir", "utime"),
)
# And what makes a file, or empties one.
EVERY = (*CHANGING, "open", "ftruncate")
TREE = Path("lib/modules") / RELEASE


def stop_before(
    number: int,
    calls: list[str],
    stand: object = None,
    names: tuple[str, ...] = CHANGING,
) -> None:
    """Make the changing call of that number call `stand`; note all before."""

    def wrapped(name: str, real: object) -> object:
        def call(*arguments: object) -> object:
            if name == "open" and not arguments[1] & os.O_CREAT:  # type: ignore[operator]
                return real(*arguments)  # type: ignore[operator]
            calls.append(name)
            if len(calls) == number:
                stand()  # type: ignore[operator]
            return real(*arguments)  # type: ignore[operator]

        return call

    for name in names:
        setattr(os, name, wrapped(name, getattr(os, name)))


def _publish(disk: Path, what: str, ready: int) -> None:
    write, pause = os.write, signal.pause

    def stand() -> None:
        write(ready, b".")
        while True:
            pause()

    if what == "kmod":
        subprocess.run(["depmod", "-b", disk / "root", RELEASE], check=True)
    else:
        if what.isdigit() and what != "0":
            stop_before(int(what), [], stand)
        indexes.write_indexes(RELEASE, str(disk / "root"), fingerprints=False)
    stand()


def _prepare(disk: Path, what: str) -> None:
    shutil.rmtree(disk / "root", ignore_errors=True)
    shutil.copytree(disk / "start", disk / "root", symlinks=True)
    if what in ("first", "kmod"):
        for old in (disk / "old").iterdir():
            (disk / "root" / TREE / old.name).unlink()


def cut(delay_s: float, cases: list[tuple[Path, str]]) -> None:
    """Start all cases, wait until they stand, and that long; reset the machine."""
    for disk, what in cases:
        _prepare(disk, what)
    os.sync()
    waiting, ready = os.pipe()
    for disk, what in cases:
        if os.fork() == 0:
            try:
                _publish(disk, what, ready)
            finally:
                os._exit(1)
    for _ in cases:
        os.read(waiting, 1)
    time.sleep(delay_s)
    Path("/proc/sysrq-trigger").write_text("b")


def state(disk: Path) -> str:
    """Return what a reader finds: old, new, absent, or what is wrong."""
    found = {}
    for new in (disk / "new").iterdir():
        path = disk / "root" / TREE / new.name
        found[new.name] = path.read_bytes() if path.is_file() else None
    for kind in ("old", "new"):
        if found == {name: (disk / kind / name).read_bytes() for name in found}:
            return kind
    if set(found.values()) == {None}:
        return "absent"
    if set(found.values()) <= {None, b""}:
        return "empty"
    return "mixed"


def look(cases: list[tuple[Path, str]]) -> None:
    """Print each disk's state, that after another run, and what is left over."""
    for disk, what in cases:
        before = state(disk)
        indexes.write_indexes(RELEASE, str(disk / "root"), fingerprints=False)
        left = (disk / "root" / TREE / ".modferry").exists()
        print(f"{disk.name}:{what} {before} {state(disk)} {left}")


def main(words: list[str]) -> None:
    """Do what the words say."""
    if words[0] == "cut":
        cut(float(words[1]), [_case(word) for word in words[2:]])
    else:
        look([_case(word) for word in words[1:]])


def _case(word: str) -> tuple[Path, str]:
    disk, _, what = word.partition(":")
    return Path(disk), what


if __name__ == "__main__":
    main(sys.argv[1:])
