"""Numbers and percentages of a fleet, as ``--serial 1,10%,100%`` has them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modferry.errors import UsageError

HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Portion:
    """So many boxes, or so many of a hundred."""

    number: float
    percent: bool = False

    def of(self, total: int) -> float:
        """Return how many that is of so many boxes; not always a whole number."""
        return self.number * total / HUNDRED if self.percent else self.number


ALL = Portion(HUNDRED, percent=True)


def parse_portion(text: str, where: str) -> Portion:
    """Return the portion a text stands for; raise UsageError if it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
    percent = found is not None and bool(found[2])
    number = float(found[1]) if found else -1
    if number < 0 or (percent and number > HUNDRED) or not (percent or number % 1 == 0):
        raise UsageError(
            f'"{text}" is no number of boxes and no percentage',
            where=where,
            next_step="write it like 3 or 10%",
        )
    return Portion(number, percent)


def parse_batches(text: str, where: str = "--serial") -> tuple[Portion, ...]:
    """Return the sizes of the batches, the last of which is used again and again."""
    sizes = tuple(parse_portion(part, where) for part in text.split(","))
    if any(size.number == 0 for size in sizes):
        raise UsageError(f'"{text}": a batch of no box has no end', where=where)
    return sizes


def batches(names: Sequence[str], sizes: Sequence[Portion]) -> Iterator[list[str]]:
    """Yield the names in batches of the sizes; a percentage is of all, one at least."""
    start, index = 0, 0
    while start < len(names):
        size = sizes[min(index, len(sizes) - 1)] if sizes else ALL
        count = max(1, int(size.of(len(names))))
        yield list(names[start : start + count])
        start, index = start + count, index + 1
