"""How the boxes of a run ended, one by one and together; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modferry.core.results import Result, Value, document, with_box
from modferry.errors import ExitStatus, ModferryError

NOT_STARTED = "not started"

WORDS: Mapping[ExitStatus, str] = MappingProxyType(
    {
        ExitStatus.DONE: "done",
        ExitStatus.NO: "with findings",
        ExitStatus.USAGE: "refused",
        ExitStatus.UNREACHABLE: "unreachable",
        ExitStatus.FAILED: "failed",
        ExitStatus.INTERRUPTED: "interrupted",
    }
)
"""Exit status of a box -> the word for it in a summary."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one box ended: its result, None if it was never started.

    attempts: how often it was tried.  seconds: how long the last try took.
    """

    name: str
    result: Result | None
    attempts: int
    seconds: float

    @property
    def word(self) -> str:
        """Return the word for it in a summary."""
        return NOT_STARTED if self.result is None else WORDS[self.result.status]

    @property
    def unfinished(self) -> bool:
        """Say whether a resumed run has to do the box (again)."""
        return self.result is None or self.result.status > ExitStatus.NO


@dataclass(frozen=True, slots=True)
class FleetResult(Result):
    """The answer of one command for many boxes; ``value`` has all of it as values."""

    outcomes: Sequence[Outcome] = ()


def fleet_result(
    command: str, outcomes: Sequence[Outcome], stop: ModferryError | None = None
) -> FleetResult:
    """Return the boxes' results as one; its status is the worst of theirs.

    stop: why the run ended before all boxes were started.
    """
    counts = Counter(outcome.word for outcome in outcomes)
    status = max(
        (outcome.result.status for outcome in outcomes if outcome.result),
        default=ExitStatus.DONE,
    )
    return FleetResult(
        command,
        {
            "boxes": [_box(outcome) for outcome in outcomes],
            "summary": {"boxes": len(outcomes)}
            | {word: counts[word] for word in (*WORDS.values(), NOT_STARTED)},
        },
        status=max(status, ExitStatus.FAILED) if stop else status,
        error=stop,
        outcomes=outcomes,
    )


def _box(outcome: Outcome) -> dict[str, object]:
    shared = {
        "box": outcome.name,
        "outcome": outcome.word,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
    }
    if outcome.result is None:
        return shared | {"status": None, "result": None, "error": None}
    whole = document(outcome.result, "")
    return shared | {key: whole[key] for key in ("status", "result", "error")}


@dataclass(frozen=True, slots=True)
class Alike:
    """Boxes whose answers read the same."""

    names: tuple[str, ...]
    lines: tuple[str, ...]


def alike(
    outcomes: Iterable[Outcome], lines_of: Callable[[Value], list[str]]
) -> list[Alike]:
    """Return the answers as lines of text, boxes with the same ones together."""
    return _together(
        (outcome.name, lines_of(outcome.result.value))
        for outcome in outcomes
        if outcome.result is not None and outcome.result.value
    )


def alike_errors(outcomes: Iterable[Outcome]) -> list[Alike]:
    """Return the errors as lines of text, boxes with the same one together.

    What differs by nothing but the box's own name is the same.
    """
    return _together(
        (outcome.name, _report(outcome.name, outcome.result.error))
        for outcome in outcomes
        if outcome.result is not None and outcome.result.error is not None
    )


def _report(name: str, error: ModferryError) -> list[str]:
    text = with_box(error.report(), name)
    return text.replace(name, "BOX").splitlines()


def _together(texts: Iterable[tuple[str, list[str]]]) -> list[Alike]:
    found: dict[tuple[str, ...], list[str]] = {}
    for name, lines in texts:
        found.setdefault(tuple(lines), []).append(name)
    return [Alike(tuple(names), lines) for lines, names in found.items()]


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the last line of a run: how many boxes ended how."""
    counts = Counter(outcome.word for outcome in outcomes)
    words = (*WORDS.values(), NOT_STARTED)
    parts = [f"{counts[word]} {word}" for word in words if counts[word]]
    return f"{len(outcomes)} boxes: {', '.join(parts)}"
