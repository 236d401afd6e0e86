"""What a line of the kernel's log means, by the table of `core.loadermessages`."""

import re

from modferry_agent.core import vermagic
from modferry_agent.core.loadermessages import ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Pattern  # noqa: F401  # novermin

_compiled = []  # type: list[tuple[int, Pattern[str]]]


def find_message(text):
    # type: (str) -> dict[str, Any] | None
    """Return the meaning of a line of the loader's, or None of any other line.

    The result has code, severity, meaning, next, priority (0 is the first row) and
    the fields of the line: module, symbol, owner, parameter ...; "" where it has none.
    """
    if not _compiled:
        for number, row in enumerate(ROWS):
            _compiled.append((number, re.compile(row[2])))
    for number, pattern in _compiled:
        match = pattern.search(text)
        if match is None:
            continue
        code, severity, _, meaning, step = ROWS[number]
        found = dict.fromkeys(_FIELDS, "")  # type: dict[str, Any]
        for name, value in match.groupdict().items():
            found[name] = value or ""
        found["words"] = ""
        if code == "vermagic-mismatch":
            found["words"] = vermagic.mismatch(found["had"], found["should"])
        found.update(
            {
                "code": code,
                "severity": severity,
                "meaning": meaning % found,
                "next": step % found,
                "priority": number,
            }
        )
        return found
    return None


_FIELDS = (
    "module symbol owner parameter value namespace had should err machine what".split()
)
