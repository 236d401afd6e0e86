"""``modferry facts``: what boxes are, and of which of them a condition holds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from modferry import log
from modferry.commands.box import answered
from modferry.commands.connect import inventory_of, on_boxes, warn_unmatched
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.journaling import journal_to_read
from modferry.commands.settings import Settings, box_options, pass_settings
from modferry.core.outcomes import FleetResult, Outcome, fleet_result
from modferry.core.results import Result, Value
from modferry.core.where import Condition, fact_names, parse_where
from modferry.errors import ExitStatus
from modferry.session import Session


@click.command()
@click.option(
    "--where",
    metavar="CONDITION",
    help="Only boxes of which it holds, such as 'kmod < 18 and links > 0'.",
)
@click.option(
    "--module", metavar="NAME", help="Where the box has that module, and its sha256."
)
@click.option(
    "--known", is_flag=True, help="What the journal knows already; no box is asked."
)
@html_option
@box_options
@pass_settings
def facts(
    settings: Settings,
    where: str | None,
    module: str | None,
    html: Path | None,
    *,
    known: bool,
) -> Result:
    """Say what the box is: kernel, Python, kmod, module tree, log, room.

    With --where a box of which it does not hold is not shown; the exit status is 1 if
    it holds of no box.
    """
    condition = None if where is None else parse_where(where)

    def work(session: Session) -> Result:
        result = answered(settings.command, session, "facts")
        if module is None:
            return result
        value = {**result.value, "module": _module(session, module)}
        return replace(result, value=value)

    result = _known(settings) if known else on_boxes(settings, work)
    if isinstance(result, FleetResult) and condition is not None:
        result = _fitting(result, condition)
    elif condition is not None and not condition(fact_names(result.value)):
        log.warn(f"{result.box}: the condition does not hold of it")
        with_page(result, html)
        return replace(result, value={}, status=ExitStatus.NO)
    return with_page(result, html)


def _module(session: Session, module: str) -> Value:
    name = module if ".ko" in module else f"{module}.ko"
    place = session.request("find", names=[name])
    paths = place["found"].get(name, [])
    if not paths:
        return {"name": module, "path": None, "sha256": None}
    path = paths[0] if paths[0].startswith("/") else f"{place['tree']}/{paths[0]}"
    return {
        "name": module, "path": paths[0], "sha256": session.request("hash", path=path),
    }  # fmt: skip


def _known(settings: Settings) -> FleetResult:
    selection = inventory_of(settings).select(settings.on, settings.limit)
    warn_unmatched(selection.unmatched)
    settings.box = None
    with closing(journal_to_read(settings)) as journal:
        known = journal.newest("facts")
    return fleet_result(
        "facts",
        [
            Outcome(name, Result("facts", known[name], box=name), 0, 0.0)
            if name in known
            else Outcome(name, None, 0, 0.0)
            for name in selection.names
        ],
    )


def _fitting(result: FleetResult, condition: Condition) -> FleetResult:
    def fits(outcome: Outcome) -> bool:
        if outcome.result is None or outcome.result.error is not None:
            return True  # an unknown box is told, not dropped
        return condition(fact_names(outcome.result.value))

    kept = [outcome for outcome in result.outcomes if fits(outcome)]
    found = fleet_result("facts", kept, result.error)
    return replace(found, status=_status(result, kept))


def _status(result: FleetResult, kept: Sequence[Outcome]) -> ExitStatus:
    if result.status > ExitStatus.NO:
        return result.status
    some = any(outcome.result is not None for outcome in kept)
    return ExitStatus.DONE if some else ExitStatus.NO
