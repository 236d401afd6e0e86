"""How the boxes of a run ended, one by one and together; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modferry.core.changes import is_changed
from modferry.core.explain import causes
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


def error_of(outcome: Outcome) -> ModferryError | None:
    """Return the error that a box's work ended with, if it did."""
    return outcome.result.error if outcome.result else None


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
            "boxes": [_box(command, outcome) for outcome in outcomes],
            "summary": {"boxes": len(outcomes)}
            | {word: counts[word] for word in (*WORDS.values(), NOT_STARTED)}
            | {"changed": _changed(command, outcomes)},
            "causes": fleet_causes(outcomes),
        },
        status=max(status, ExitStatus.FAILED) if stop else status,
        error=stop,
        outcomes=outcomes,
    )


def _changed(command: str, outcomes: Iterable[Outcome]) -> int | None:
    told = [
        is_changed(command, outcome.result.value)
        for outcome in outcomes
        if outcome.result is not None
    ]
    known = [each for each in told if each is not None]
    return sum(known) if known else None


def fleet_causes(outcomes: Iterable[Outcome]) -> list[dict[str, object]]:
    """Return the findings of all boxes by cause, with the boxes that each is on."""
    found = [
        {**finding, "box": outcome.name}
        for outcome in outcomes
        if outcome.result is not None
        for finding in outcome.result.value.get("findings") or ()
        if {"code", "severity", "owner", "why", "next", "symbol"} <= set(finding)
    ]
    groups = []
    for group in causes(found):
        first = group[0]
        symbols = dict.fromkeys(each["symbol"] for each in group if each["symbol"])
        shared = {key: first.get(key) for key in ("code", "severity", "owner", "why")}
        groups.append(
            shared
            | {
                "modules": list(dict.fromkeys(each["module"] for each in group)),
                "symbols": list(symbols),
                "boxes": list(dict.fromkeys(each["box"] for each in group)),
            }
        )
    return sorted(groups, key=lambda each: -len(each["boxes"]))


def _box(command: str, outcome: Outcome) -> dict[str, object]:
    shared = {
        "box": outcome.name,
        "outcome": outcome.word,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
    }
    if outcome.result is None:
        return shared | {"changed": None, "status": None, "result": None, "error": None}
    shared["changed"] = is_changed(command, outcome.result.value)
    whole = document(outcome.result, "")
    return shared | {key: whole[key] for key in ("status", "result", "error")}


def cause_lines(found: Iterable[Value]) -> list[str]:
    """Return the causes as lines, the one on the most boxes first."""
    lines: list[str] = []
    for each in found:
        count = len(each["boxes"])
        names = ", ".join(each["boxes"][:SHOWN]) + (", ..." if count > SHOWN else "")
        title = f"{each['severity']}: {each['code']}, {', '.join(each['modules'])}"
        lines += [
            f"{title}: {count} boxes ({names})",
            f"  symbol {', '.join(each['symbols']) or '-'}",
            f"  owner {each['owner'] or '-'}",
            *(f"  why {line}" for line in str(each["why"]).splitlines()),
        ]
    return lines


SHOWN = 6
"""So many names are told in a line."""


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
        (outcome.name, lines, lines)
        for outcome in outcomes
        if outcome.result is not None and outcome.result.value
        for lines in [lines_of(outcome.result.value)]
    )


def alike_errors(outcomes: Iterable[Outcome]) -> list[Alike]:
    """Return the errors as lines of text, boxes with the same one together.

    What differs by nothing but the box's own name is the same, and told with BOX.
    """
    return _together(
        (outcome.name, *_reports(outcome.name, outcome.result.error))
        for outcome in outcomes
        if outcome.result is not None and outcome.result.error is not None
    )


def _reports(name: str, error: ModferryError) -> tuple[list[str], list[str]]:
    text = with_box(error.report(), name)
    # A name is a word: of box "c" nothing else that has a c is meant.
    nameless = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", "BOX", text)
    return nameless.splitlines(), text.splitlines()


def _together(texts: Iterable[tuple[str, list[str], list[str]]]) -> list[Alike]:
    # The name of a box, its text to be compared, its text to be told.
    found: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
    for name, key, lines in texts:
        found.setdefault(tuple(key), {})[name] = tuple(lines)
    return [
        Alike(tuple(own), key if len(told := set(own.values())) > 1 else told.pop())
        for key, own in found.items()
    ]


def summary(command: str, outcomes: Sequence[Outcome]) -> str:
    """Return the last line of a run: how many boxes ended how, how many changed."""
    counts = Counter(outcome.word for outcome in outcomes)
    words = (*WORDS.values(), NOT_STARTED)
    parts = [f"{counts[word]} {word}" for word in words if counts[word]]
    changed = _changed(command, outcomes)
    if changed is not None:
        parts.append(f"{changed} changed" if changed else "nothing changed")
    return f"{len(outcomes)} boxes: {', '.join(parts)}"
