"""``modferry runs``: what was run, how it ended, taken up again, compared."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from modferry.commands.journaling import journal_to_read
from modferry.commands.settings import Settings, output_options, pass_settings
from modferry.core.outcomes import fleet_result
from modferry.core.results import Result
from modferry.core.rundiff import differences
from modferry.core.runlines import Run, run_row
from modferry.errors import ExitStatus, UsageError

_JOURNAL = click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The journal, in place of ~/.local/state/modferry/journal.sqlite.",
)


@click.group(invoke_without_command=True)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    default=20,
    show_default=True,
    help="No more than so many.",
)
@_JOURNAL
@output_options
@pass_settings
@click.pass_context
def runs(
    context: click.Context, settings: Settings, count: int, journal: Path | None
) -> Result | None:
    """List the runs in the journal, the newest first."""
    settings.journal = journal or settings.journal
    if context.invoked_subcommand is not None:
        return None
    with closing(journal_to_read(settings)) as opened:
        rows = [run_row(run, counts) for run, counts in opened.runs(count)]
    return Result("runs", {"runs": rows})


@runs.command()
@click.argument("run", type=int, required=False)
@click.option("--box", metavar="NAME", help="One box: its steps and log lines, too.")
@_JOURNAL
@output_options
@pass_settings
def show(
    settings: Settings, run: int | None, box: str | None, journal: Path | None
) -> Result:
    """Show how a run's boxes ended; RUN is the newest unless given."""
    settings.journal = journal or settings.journal
    with closing(journal_to_read(settings)) as opened:
        found = opened.run(run)
        outcomes = opened.outcomes(found.number)
        if box is None:
            result = fleet_result(found.command, outcomes)
            return replace(result, value={**result.value, "run": found.number})
        outcome = next((each for each in outcomes if each.name == box), None)
        if outcome is None:
            raise UsageError(
                f'no box "{box}" in run {found.number}', where=str(opened.path)
            )
        said = opened.said(found.number, box)
    value = {
        "run": found.number,
        "command": found.command,
        "box": box,
        "outcome": outcome.word,
        "attempts": outcome.attempts,
        "steps": [text for kind, text in said if kind == "steps"],
        "lines": [text for kind, text in said if kind == "lines"],
    }
    return Result("runs show", value, box=box)


@runs.command()
@click.argument("run", type=int, required=False)
@_JOURNAL
@output_options
@pass_settings
def resume(settings: Settings, run: int | None, journal: Path | None) -> Result:
    """Take a run up again: the boxes that failed, were interrupted, never started.

    RUN is the newest unless given. Boxes that are done are left alone; the command line
    and the directory are those of the run.
    """
    settings.journal = journal or settings.journal
    with closing(journal_to_read(settings)) as opened:
        found = opened.run(run)
        left = [each for each in opened.outcomes(found.number) if each.unfinished]
    if not left:
        return Result("runs resume", {"run": found.number, "left": 0})
    return _again(settings, found)


def _again(settings: Settings, run: Run) -> Result:
    try:
        os.chdir(run.directory)
    except OSError as error:
        raise UsageError(
            "the directory of the run is not there",
            where=run.directory,
            why=error.strerror or "",
            next_step="make it again, or run the command anew with --limit",
        ) from error
    inner = Settings(
        arguments=run.arguments, journal=settings.journal, resume=run.number
    )
    whole = click.get_current_context().find_root().command
    try:
        result: Result = whole.main(
            list(run.arguments), prog_name="modferry", standalone_mode=False, obj=inner
        )
    finally:
        settings.events = inner.events  # by which the result is told, too
    return result


@runs.command()
@click.argument("before", type=int)
@click.argument("after", type=int)
@_JOURNAL
@output_options
@pass_settings
def diff(settings: Settings, before: int, after: int, journal: Path | None) -> Result:
    """Say what a later run found otherwise than an earlier one, box by box.

    The exit status is 1 if anything differs.
    """
    settings.journal = journal or settings.journal
    with closing(journal_to_read(settings)) as opened:
        old, new = (
            opened.outcomes(opened.run(number).number) for number in (before, after)
        )
    found = differences(old, new)
    return Result(
        "runs diff",
        {"before": before, "after": after, "boxes": found},
        status=ExitStatus.NO if found else ExitStatus.DONE,
    )
