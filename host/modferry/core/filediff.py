"""What differs between a file of the box and the one that takes its place; pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from modferry_agent.core.module import Module, parse_module
from modferry_agent.errors import FormatError

_ELF = b"\x7fELF"


def difference(old: bytes | None, new: bytes) -> list[str]:
    """Return the lines of a diff; none if there is nothing to tell.

    Modules by what they say of themselves, other texts by line, the rest by size.
    """
    if old == new:
        return []
    if old is not None and old.startswith(_ELF) and new.startswith(_ELF):
        return _of_modules(old, new) or [_sizes(old, new)]
    texts = _text(old or b""), _text(new)
    if texts[0] is None or texts[1] is None:
        return [_sizes(old, new)]
    before, after = (text.splitlines() for text in texts if text is not None)
    lines = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return lines or [_sizes(old, new)]  # the ends of lines, or of the text


def of_index(told: Mapping[str, Any]) -> list[str]:
    """Return the lines of a diff of an index, of the agent's `linediff.difference`."""
    lines = [f"-{line}" for line in told["removed"]]
    lines += [f"+{line}" for line in told["added"]]
    return [*lines, f"and {told['more']} lines more"] if told["more"] else lines


def _sizes(old: bytes | None, new: bytes) -> str:
    before = "no file" if old is None else f"{len(old)} bytes"
    return f"{before} -> {len(new)} bytes"


def _text(content: bytes) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _of_modules(old: bytes, new: bytes) -> list[str]:
    try:
        before, after = list(_told(old)), list(_told(new))
    except FormatError:
        return []
    return [f"-{line}" for line in before if line not in after] + [
        f"+{line}" for line in after if line not in before
    ]


def _told(content: bytes) -> Iterator[str]:
    module: Module = parse_module("", content)
    for key, value in module.fields:
        yield f"{key}: {value}"
    for symbol, _crc in module.exports:
        yield f"exports {symbol}"
    for symbol in module.needed:
        yield f"needs {symbol}"
