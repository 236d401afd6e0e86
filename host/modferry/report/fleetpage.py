"""The page of a run over many boxes: how many ended how, who said what."""

from __future__ import annotations

from modferry.core.describe import TEXTS
from modferry.core.outcomes import (
    Alike,
    FleetResult,
    Outcome,
    alike,
    alike_errors,
    summary,
)
from modferry.errors import ExitStatus
from modferry.report.document import Cell, Document, Kind, Log, Section, Table

KINDS = {
    ExitStatus.DONE: Kind.GOOD,
    ExitStatus.NO: Kind.DOUBT,
    ExitStatus.USAGE: Kind.BAD,
    ExitStatus.UNREACHABLE: Kind.BAD,
    ExitStatus.FAILED: Kind.BAD,
    ExitStatus.INTERRUPTED: Kind.DOUBT,
}
"""What a box's exit status looks like."""


def fleet_page(result: FleetResult) -> Document:
    """Return the page of a run: the boxes, then the answers, alike ones once."""
    sections: list[Section] = [
        Table(
            "Boxes",
            ("Box", "Outcome", "Tries", "Seconds", "Error"),
            [_row(outcome) for outcome in result.outcomes],
            caption="A box a row",
        )
    ]
    answers = alike(result.outcomes, TEXTS[result.command])
    sections += [Log(_title(group), group.lines) for group in answers]
    errors = alike_errors(result.outcomes)
    sections += [Log(f"Error: {_title(group)}", group.lines) for group in errors]
    counts = result.value["summary"]
    return Document(
        title=f"{result.command}: {len(result.outcomes)} boxes",
        kind=KINDS[result.status],
        verdict=summary(result.command, result.outcomes),
        summary=result.error.message if result.error else "",
        facts=[(word, str(count)) for word, count in counts.items() if count],
        sections=sections,
    )


def _row(outcome: Outcome) -> tuple[str | Cell, ...]:
    status = outcome.result.status if outcome.result else None
    error = outcome.result.error if outcome.result else None
    return (
        outcome.name,
        Cell(outcome.word, Kind.DOUBT if status is None else KINDS[status]),
        str(outcome.attempts),
        f"{outcome.seconds:.2f}",
        error.message if error else "",
    )


def _title(group: Alike) -> str:
    if len(group.names) == 1:
        return group.names[0]
    return f"{len(group.names)} boxes: {', '.join(group.names)}"
