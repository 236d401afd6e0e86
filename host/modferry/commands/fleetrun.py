"""One command over many boxes: select, run, tell, and put the answers together."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, current_thread, main_thread
from types import FrameType

from modferry import render
from modferry.commands.connect import Work, box_of, warn_unmatched
from modferry.commands.htmlpage import write_whole
from modferry.commands.journaling import Recorder, open_journal
from modferry.commands.outfile import STDOUT
from modferry.commands.settings import Settings
from modferry.commands.workon import Opening, failed_result, work_on
from modferry.core.lanes import Lane
from modferry.core.outcomes import FleetResult, Outcome, fleet_result
from modferry.core.portions import Portion, parse_batches, parse_portion
from modferry.errors import ExitStatus, ModferryError, UsageError
from modferry.fleet.engines.base import Done, Engine
from modferry.fleet.engines.threads import ThreadEngine
from modferry.fleet.inventory import Box, Inventory
from modferry.fleet.runner import Runner
from modferry.fleet.schedule import Policy, Schedule
from modferry.fleetview import Events, LiveTable, PlainLines
from modferry.transport.lanes import lane_of

RETRIES = 3
Watcher = PlainLines | LiveTable | Events


@dataclass(frozen=True, slots=True)
class Fleet:
    """The boxes of a run by name.

    wrong: what is the matter with those not tried.  groups: each box's nearest one.
    """

    boxes: dict[str, Box]
    lanes: dict[str, Lane]
    wrong: dict[str, ModferryError]
    groups: dict[str, str]


def run_fleet(settings: Settings, inventory: Inventory, work: Work) -> FleetResult:
    """Do the work on all boxes that are selected; return their results as one.

    Of a run that is taken up again, only the boxes that are not done yet.
    """
    policy = policy_of(settings)
    settings.box = None
    with closing(open_journal(settings)) as journal:
        if settings.resume is None:
            selection = inventory.select(settings.on, settings.limit)
            warn_unmatched(selection.unmatched)
            names, done = selection.names, {}
            run = journal.begin(settings.command, settings.arguments, names)
        else:
            run = settings.resume
            earlier = journal.outcomes(run)
            names = [outcome.name for outcome in earlier]
            done = {each.name: each for each in earlier if not each.unfinished}
        left = [name for name in names if name not in done]
        fleet = known_boxes(settings, inventory, left)
        recorder = Recorder(journal, run)
        for name, error in fleet.wrong.items():
            failed = failed_result(settings.command, name, error)
            done[name] = Outcome(name, failed, 0, 0.0)
            recorder.ended(done[name])
        result = _run(settings, fleet, policy, recorder, work, names, done)
        journal.finish(run, int(result.status))
    _write_retry_file(settings.retry_file, result.outcomes)
    if settings.junit is not None:
        from modferry.report.junit import junit  # noqa: PLC0415 - few runs want one

        write_whole(settings.junit, junit(result, fleet.groups))
    return result


def _run(  # noqa: PLR0913, PLR0917 - what a run is made of
    settings: Settings,
    fleet: Fleet,
    policy: Policy,
    recorder: Recorder,
    work: Work,
    names: Sequence[str],
    done: Mapping[str, Outcome],
) -> FleetResult:
    engine = engine_of(settings, fleet, work)
    schedule = Schedule(list(fleet.boxes), policy, fleet.lanes)
    with ExitStack() as stack:
        watchers = tuple(_watchers(settings, fleet))
        for each in watchers:
            stack.enter_context(each)
        runner = Runner(schedule, engine, (recorder, *watchers))
        stack.enter_context(_interrupting(runner))
        ended = {**done, **runner.run()}
    result = fleet_result(
        settings.command,
        [ended[name] for name in names],
        why_stopped(runner, schedule, policy.max_fail),
    )
    if runner.interrupted:
        result = replace(result, status=ExitStatus.INTERRUPTED)
    return result


def _watchers(settings: Settings, fleet: Fleet) -> Iterator[Watcher]:
    console = render.error_console()
    if console.is_terminal and not settings.verbosity:
        yield LiveTable(console, fleet.groups)
    else:
        total = len(fleet.boxes)
        yield PlainLines(console, total, verbose=settings.verbosity > 0)
    if settings.events is not None:
        try:
            if settings.events == STDOUT:
                yield Events(render.output())
            else:
                yield Events(settings.events.open("w", encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                "the events cannot be written",
                where=f"--events {settings.events}",
                why=error.strerror or "",
            ) from error


# An exception at any moment could leave half of a box's end written down.
@contextmanager
def _interrupting(runner: Runner) -> Iterator[None]:
    if current_thread() is not main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        runner.interrupt()

    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def policy_of(settings: Settings) -> Policy:
    """Return the rules of a run that the options give."""
    return Policy(
        sizes=parse_batches(settings.serial) if settings.serial else (),
        max_fail=parse_portion(settings.max_fail, "--max-fail")
        if settings.max_fail
        else None,
        tries=1 + (RETRIES if settings.retries is None else settings.retries),
    )


def known_boxes(settings: Settings, inventory: Inventory, names: list[str]) -> Fleet:
    """Return the boxes of those names; what is wrong of one does not stop the rest."""
    fleet = Fleet({}, {}, {}, {})
    for name in names:
        if name in inventory.groups.boxes:
            fleet.groups[name] = inventory.groups.groups_of(name)[-1].name
        try:
            # Many boxes' questions at one terminal would be nobody's.
            box = replace(box_of(settings, inventory, name), may_ask=False)
            lane = lane_of(box.address)
        except UsageError as error:
            fleet.wrong[name] = error
            continue
        fleet.boxes[name] = box
        if lane is not None:
            fleet.lanes[name] = lane
    return fleet


def engine_of(settings: Settings, fleet: Fleet, work: Work) -> Engine:
    """Return the engine that ``--engine`` names, with what it runs for each box."""
    opening = Opening(
        settings.command, settings.accept_new, settings.timeout_s, settings.trace
    )

    def task(box: Box, stop: Event) -> Done:
        return work_on(box, opening, work, stop)

    if settings.engine == "dask":
        from modferry.fleet.engines.dask import DaskEngine  # noqa: PLC0415 - an extra

        return DaskEngine(task, fleet.boxes, settings.scheduler, settings.jobs)
    if settings.scheduler is not None:
        raise UsageError("--scheduler is of --engine dask")
    return ThreadEngine(lambda name, stop: task(fleet.boxes[name], stop), settings.jobs)


def why_stopped(
    runner: Runner, schedule: Schedule, max_fail: Portion | None
) -> ModferryError | None:
    """Return why a run ended before its time; None: it did not."""
    unstarted = sum(outcome.result is None for outcome in runner.outcomes.values())
    if runner.interrupted:
        return ModferryError("interrupted", why=f"{unstarted} boxes were not started")
    if not schedule.stopped or not unstarted or max_fail is None:
        return None
    allowed = f"{max_fail.number:g}{'%' if max_fail.percent else ''}"
    return ModferryError(
        f"stopped: {schedule.failed} of {len(schedule.names)} boxes failed",
        where=f"--max-fail {allowed}",
        why=f"{unstarted} boxes were not started",
    )


def _write_retry_file(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    if path is None:
        return
    left = "".join(f"{each.name}\n" for each in outcomes if each.unfinished)
    try:
        path.write_text(left, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "the names of the boxes left cannot be written",
            where=f"--retry-file {path}",
            why=error.strerror or "",
        ) from error
