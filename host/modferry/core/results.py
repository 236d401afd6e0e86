"""What a command returns: values for a program, which render turns into text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modferry import errors
from modferry.errors import ExitStatus, ModferryError, ReplyError

Value = Mapping[str, Any]
"""Plain values only, as a reply has them: None, bool, int, str, list, Value."""


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of one command.

    command: its words, such as "load" or "lab up".
    value: the answer; its keys are the agent's, documented with each command.
    box: the name by which the user called the box, or None for none.
    error: why the command stopped before its end; the value says how far it came.
    """

    command: str
    value: Value = field(default_factory=dict)
    box: str | None = None
    status: ExitStatus = ExitStatus.DONE
    error: ModferryError | None = None


def with_box(text: str, box: str | None) -> str:
    """Return advice with the box's name where the agent, not knowing it, says BOX."""
    return text if box is None else text.replace("--on BOX", f"--on {shlex.quote(box)}")


def document(result: Result, version: str) -> dict[str, object]:
    """Return the result as the document that ``--json`` prints.

    The keys are always the same; ``error`` is null unless something went wrong, and
    ``result`` is null where the command came to none.
    """
    return {
        "modferry": version,
        "command": result.command,
        "box": result.box,
        "status": int(result.status),
        "result": dict(result.value) or None,
        "error": None if result.error is None else error_values(result.error),
    }


def error_values(error: ModferryError) -> dict[str, object]:
    """Return an error as plain values."""
    reply = error if isinstance(error, ReplyError) else None
    return {
        "kind": type(error).__name__,
        "code": reply.code if reply else "",
        "message": error.message,
        "where": error.where,
        "why": error.why,
        "next": error.next_step,
        "details": reply.details if reply else {},
    }


def restored_error(values: Mapping[str, Any]) -> ModferryError:
    """Return the error that `error_values` made plain values of."""
    kind = getattr(errors, str(values["kind"]), ModferryError)
    parts = {
        "where": str(values["where"]),
        "why": str(values["why"]),
        "next_step": str(values["next"]),
    }
    error: ModferryError = kind(str(values["message"]), **parts)
    if isinstance(error, ReplyError):
        error.code, error.details = str(values["code"]), dict(values["details"])
    return error
