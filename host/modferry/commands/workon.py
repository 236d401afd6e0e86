"""The work on one box among many, wherever it is done: here, or on another machine."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from modferry.core import events
from modferry.core.results import Result
from modferry.errors import ModferryError, exit_status
from modferry.fleet.engines.base import Done
from modferry.fleet.inventory import Box
from modferry.session import Session


@dataclass(frozen=True, slots=True)
class Opening:
    """How the sessions of a run are opened.

    trace: the file of the wire; each box's has its name added.
    """

    command: str
    accept_new: bool = False
    timeout_s: float | None = None
    trace: Path | None = None


def work_on(
    box: Box, opening: Opening, work: Callable[[Session], Result], stop: Event
) -> Done:
    """Open a session with a box and do the work there; errors are results, too."""
    steps: list[tuple[float, str]] = []

    def sink(event: events.Event) -> None:
        match event:
            case events.State(text=text) | events.ConsoleText(text=text):
                steps.append((time.time(), text))

    try:
        with Session.open(
            box,
            events=sink,
            accept_new=opening.accept_new,
            timeout_s=opening.timeout_s,
            trace=trace_of(opening.trace, box.name),
            stop=stop,
        ) as session:
            result = work(session)
    except ModferryError as error:
        result = failed_result(opening.command, box.name, error)
    except Exception as error:  # noqa: BLE001 - an edge: a bug keeps its traceback
        traceback.print_exc()
        bug = ModferryError(f"a bug in modferry: {error!r}", where=box.name)
        result = failed_result(opening.command, box.name, bug)
    return Done(result, tuple(steps))


def failed_result(command: str, name: str, error: ModferryError) -> Result:
    """Return the result of a box on which the work came to nothing."""
    return Result(command, box=name, status=exit_status(error), error=error)


def trace_of(trace: Path | None, name: str) -> Path | None:
    """Return the file of the wire of one box among many."""
    if trace is None:
        return None
    safe = "".join(each if each.isalnum() or each in ".-_" else "_" for each in name)
    return trace.with_name(f"{trace.name}.{safe}")
