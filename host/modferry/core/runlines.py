"""The journal's answers as values and lines of text; pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from modferry.core.outcomes import WORDS
from modferry.core.results import Value


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the journal has it.

    arguments: the words of its command line.  directory: where it was started.
    ended, status: None while it runs, or if it was killed.
    """

    number: int
    started: float
    ended: float | None
    command: str
    arguments: tuple[str, ...]
    directory: str
    status: int | None


def run_row(run: Run, counts: Mapping[str, int]) -> dict[str, object]:
    """Return a run as plain values; counts: of boxes by exit status or state."""
    words = {str(int(status)): word for status, word in WORDS.items()}
    return {
        "run": run.number,
        "started": datetime.fromtimestamp(run.started, UTC).isoformat("T", "seconds"),
        "seconds": None if run.ended is None else round(run.ended - run.started, 1),
        "status": run.status,
        "arguments": list(run.arguments),
        "boxes": {words.get(key, key): count for key, count in counts.items()},
    }


def runs(value: Value) -> list[str]:
    """Return the runs, two lines each."""
    if not value["runs"]:
        return ["no run is written down"]
    lines = []
    for run in value["runs"]:
        boxes = ", ".join(f"{count} {word}" for word, count in run["boxes"].items())
        took = "unfinished" if run["seconds"] is None else f"{run['seconds']} s"
        lines += [
            f"{run['run']:>5}  {run['started']}  {took}: {boxes}",
            f"       modferry {shlex.join(run['arguments'])}",
        ]
    return lines


def shown(value: Value) -> list[str]:
    """Return what one box of a run said."""
    head = f"run {value['run']}, {value['command']}, {value['box']}: {value['outcome']}"
    return [
        head,
        *(f"  step {text}" for text in value["steps"]),
        *(f"  kernel| {text}" for text in value["lines"]),
    ]


def resumed(value: Value) -> list[str]:
    """Return that nothing was left to do."""
    return [f"run {value['run']}: every box is done"]


def diff(value: Value) -> list[str]:
    """Return what differs between two runs."""
    if not value["boxes"]:
        return [f"runs {value['before']} and {value['after']}: no difference"]
    lines = []
    for box in value["boxes"]:
        lines.append(f"{box['box']}: {box['before']} -> {box['after']}")
        lines += [
            f"  {each['key']}: {_short(each['before'])} -> {_short(each['after'])}"
            for each in box["values"]
        ]
    return lines


LONGEST = 60


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
