"""Kill depmod at random moments on a real kernel's tree; print what readers then find.

    PYTHONPATH=host:agent:tests python tests/bench/kills.py [KILLS [SEED]]

The tree is Debian's kernel, as the tests unpack it.  Each run has two sets to go
between: with one module more or less.  Exit status 1 if any file was of neither set, or
the next run did not mend and clean up everything.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from modferry_agent.system import publication
from support import elfwriter, rootfs

AGENT = Path(publication.__file__).parents[2]


def _depmod(root: Path, release: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "modferry_agent", "depmod", "-b", root, release],
        env={**os.environ, "PYTHONPATH": str(AGENT)},
        stderr=subprocess.DEVNULL,
    )


def _set_of(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.glob("modules.*")
        if path.name not in ("modules.order", "modules.builtin.modinfo")
    }


def main(words: list[str]) -> int:
    """Do it; return the exit status."""
    kills = int(words[0]) if words else 200
    seed = int(words[1]) if len(words) > 1 else random.randrange(1 << 32)
    moments = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        root = Path(name)
        folder = rootfs.linked_copy(rootfs.debian_kernel(), root)
        extra = folder / "extra.ko"
        content = elfwriter.kernel_module("extra", exports=["extra"], aliases=["e*"])
        sets, took_s = [], 0.0
        # From the third run on most modules are remembered.
        for there in (False, True, False, True):
            _place(extra, content, there=there)
            began = time.monotonic()
            _depmod(root, folder.name).wait()
            took_s = time.monotonic() - began
            sets = [*sets[-1:], _set_of(folder)]
        listing = {path.name for path in folder.iterdir()}
        print(f"seed {seed}; {len(listing)} names; a run takes {took_s:.2f} s")
        for number in range(kills):
            _place(extra, content, there=number % 2 == 1)
            run = _depmod(root, folder.name)
            # Most of a run reads; most of the kills are to fall where it writes.
            time.sleep(took_s * moments.triangular(0.2, 1.05, 0.9))
            run.kill()
            was_killed = run.wait() == -signal.SIGKILL
            found = _set_of(folder)
            kind = {0: "old", 1: "new"}
            state = "mixed"
            for place, files in enumerate(sets):
                if files == found:
                    state = kind[place ^ (number % 2 == 0)]
            hidden = (folder / publication.HIDDEN).exists()
            outcomes[
                f"{'killed' if was_killed else 'ended'}, {state} set"
                f"{', unfinished' if hidden else ''}"
            ] += 1
            _depmod(root, folder.name).wait()
            names = {path.name for path in folder.iterdir()}
            if _set_of(folder) != sets[number % 2] or names - listing:
                outcomes["not mended"] += 1
        rootfs.remove_tree(root)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:4} {outcome}")
    return 1 if any("mixed" in one or "not" in one for one in outcomes) else 0


def _place(extra: Path, content: bytes, *, there: bool) -> None:
    if there:
        extra.write_bytes(content)
    else:
        extra.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
