"""Names with a range in brackets, such as ``saw[01:12:2].plant[a:c]``; pure.

Source: Ansible's documentation, "Adding ranges of hosts".
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from modferry.errors import UsageError

RANGE = re.compile(r"\[([^\]:]*):([^\]:]*)(?::([^\]]*))?\]")


def expand_name(name: str, where: str = "") -> list[str]:
    """Return the names that a name with ranges stands for, the first range slowest.

    Raise UsageError for a range that has no end or runs backwards.
    """
    found = RANGE.search(name)
    if found is None:
        return [name]
    head = name[: found.start()]
    tails = expand_name(name[found.end() :], where)
    first, last, step = found.groups()
    return [
        head + middle + tail
        for middle in _steps(first, last, step, f'"{name}"', where)
        for tail in tails
    ]


def _steps(
    first: str, last: str, step: str | None, name: str, where: str
) -> Iterator[str]:
    wrong = UsageError(
        f"the range in {name} names nothing",
        where=where,
        next_step='write it like "saw[01:12]", "saw[a:f]" or "saw[0:10:2]"',
    )
    if not last or not (step is None or (step.isdecimal() and int(step))):
        raise wrong
    by = int(step or 1)
    if last.isdecimal() and (first or "0").isdecimal():
        first = first or "0"
        padded = len(first) > 1 and first.startswith("0")
        if (padded and len(first) != len(last)) or int(first) > int(last):
            raise wrong
        width = len(first) if padded else 0
        for number in range(int(first), int(last) + 1, by):
            yield f"{number:0{width}d}" if width else str(number)
        return
    letters = string.ascii_letters
    if not (len(first) == len(last) == 1 and first in letters and last in letters):
        raise wrong
    low, high = letters.index(first), letters.index(last)
    if low > high:
        raise wrong
    yield from letters[low : high + 1 : by]
