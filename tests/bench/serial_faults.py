"""Push over a thousand lines with random faults; print what became of each.

    PYTHONPATH=host:agent:tests python tests/bench/serial_faults.py [COUNT [FIRST-SEED]]

A line is made from its number: bit flips up to 1e-3, lost bytes, bursts, kernel lines
with a deaf receiver, cuts after which the transfer goes on, a speed.  In the line's
own time, without waiting.  The same number means the same line and the same end.  Exit
status 1 if a file arrived other than it was sent, or a transfer neither ended nor
failed within its time.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from support.faultyline import transfer


def main(words: list[str]) -> int:
    """Do it; return the exit status."""
    count = int(words[0]) if words else 1000
    first = int(words[1]) if len(words) > 1 else 0
    ends: Counter[str] = Counter()
    resent = 0
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(first, first + count):
            found = transfer(seed, Path(scratch))
            ends[found.end] += 1
            resent += found.resent
            print(f"{seed}: {found}", flush=True)
    print(f"{count} transfers from seed {first}: {dict(ends)}; {resent} frames resent")
    return 1 if set(ends) - {"intact", "failed"} else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
