"""Records of a kernel's log as lines of text; pure."""

from __future__ import annotations

from collections.abc import Iterable

from modferry.core.results import Value

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""The kernel log's levels by number, in syslog(3)'s words."""


def log_lines(records: Iterable[Value], indent: str = "") -> list[str]:
    """Return records of the kernel's log, with their time and level if known."""
    lines = []
    for record in records:
        start = indent
        if record.get("time_us") is not None:
            start += f"[{record['time_us'] / 1e6:12.6f}] "
        if record.get("level") is not None:
            start += f"{LEVELS[record['level'] & 7]}: "
        if record.get("source"):
            start += f"({record['source']}) "
        first, *rest = record["text"].split("\n")
        lines.append(start + first)
        lines += [" " * len(start) + each for each in rest]
    return lines
