"""Whether an answer says that the box was changed; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modferry.core.results import Value


def _listed(value: Value) -> bool:
    return bool(value.get("changed"))


def _files(value: Value) -> bool:
    return any(file["changed"] for file in value["files"])


def _steps(value: Value) -> bool:
    done = ("insert", "delete")
    return any(
        step["action"] in done and not step.get("errno") for step in value["steps"]
    )


CHANGES: Mapping[str, Callable[[Value], bool]] = MappingProxyType(
    {
        "deploy": _listed,
        "depmod": _listed,
        "load": _steps,
        "push": _files,
        "unload": _steps,
    }
)
"""Command -> whether its answer tells of a change."""


def is_changed(command: str, value: Value) -> bool | None:
    """Say whether the box was changed, or would be; None: the command changes none."""
    told = CHANGES.get(command)
    if told is None or not value:
        return None
    return told(value)
