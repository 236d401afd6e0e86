"""Damage modules and indexes many times over; print the seed and what was found.

    PYTHONPATH=host:agent:tests python tests/bench/fuzz.py [CASES [FIRST_SEED]]

Exit status 1 if a case crashed, hung, harmed a good module or was silent.
"""

from __future__ import annotations

import random
import sys
import time

from support.fuzzing import Findings


def main(words: list[str]) -> int:
    """Do the cases; return the exit status."""
    cases = int(words[0]) if words else 10_000
    first = int(words[1]) if len(words) > 1 else random.randrange(1 << 32)
    print(f"{cases} cases of each kind, seeds from {first}")
    broken = 0
    for kind in ("module", "index"):
        findings = Findings()
        began = time.monotonic()
        for seed in range(first, first + cases):
            getattr(findings, kind)(seed)
        took_s = time.monotonic() - began
        print(f"{kind}: {took_s:.1f} s, {dict(findings.outcomes)}")
        for seed, outcome in findings.broken:
            print(f"{kind}: seed {seed}: {outcome}")
        broken += len(findings.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
