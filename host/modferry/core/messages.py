"""The agent's messages as values and errors of the host."""

from __future__ import annotations

from typing import Any

from modferry.errors import LoadError, ReplyError

LOADING = frozenset({"load", "unload"})


def text_of(value: Any) -> Any:  # noqa: ANN401 - plain values
    """Return a plain value with its byte strings as text, undecodable bytes escaped."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [text_of(item) for item in value]
    if isinstance(value, dict):
        return {key: text_of(item) for key, item in value.items()}
    return value


def error_of(message: dict[str, Any], request: str, box: str) -> ReplyError:
    """Return the error that an error reply stands for."""
    fields = text_of(message)
    kind = LoadError if request in LOADING else ReplyError
    details = fields["details"]
    where = fields["where"]
    return kind(
        fields["message"],
        code=fields["code"],
        details=details,
        where=f"{box}, {where}" if where else box,
        why=details.get("why", ""),
        next_step=fields["hint"],
    )


def plain_of(value: Any) -> Any:  # noqa: ANN401 - plain values
    """Return a plain value with its texts as bytes; `text_of` undone."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple):
        return [plain_of(item) for item in value]
    return value
