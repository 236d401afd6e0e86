"""How idle the machine is: whether more connections would hide more waiting."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")


class Idleness:
    """Measures the idle share of all processors between two questions."""

    def __init__(self) -> None:
        """Begin to measure now."""
        self._before = _idle_and_all()

    def share(self) -> float:
        """Return the idle share since the last question, 0 to 1."""
        before, self._before = self._before, _idle_and_all()
        idle, whole = (new - old for new, old in zip(self._before, before, strict=True))
        return min(1.0, max(0.0, idle / whole)) if whole > 0 else 0.0


# Without /proc/stat: what this process leaves of one processor.
def _idle_and_all() -> tuple[float, float]:
    try:
        words = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return time.monotonic() - time.process_time(), time.monotonic()
    ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words]
    # Source: proc(5), /proc/stat: user nice system idle iowait irq softirq steal.
    return ticks[3] + ticks[4], sum(ticks)
