"""What of a box's answer the journal keeps by itself: log lines and findings; pure."""

from __future__ import annotations

from collections.abc import Iterator

from modferry.core.results import Value

Finding = tuple[str, str, str | None, str | None, str | None, str | None]
"""Code, severity, module, symbol, owner, why."""


def lines_in(value: Value) -> Iterator[str]:
    """Yield the lines of the kernel's log in an answer: klog's, or those of a load."""
    for record in value.get("records") or ():
        yield str(record["text"])
    for step in value.get("steps") or ():
        for record in step.get("records") or ():
            yield str(record["text"])


def findings_in(value: Value) -> Iterator[Finding]:
    """Yield the findings of an answer."""
    for each in value.get("findings") or ():
        yield (
            str(each["code"]),
            str(each["severity"]),
            each.get("module"),
            each.get("symbol"),
            each.get("owner"),
            each.get("why"),
        )
