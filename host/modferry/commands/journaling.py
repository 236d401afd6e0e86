"""What runs write into the journal: many boxes as they go, one box when it is done."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing

from modferry import log
from modferry.commands.settings import Settings
from modferry.core.outcomes import Outcome
from modferry.core.results import Result
from modferry.errors import ModferryError, UsageError, exit_status
from modferry.fleet.journal import Journal, journal_path


def open_journal(settings: Settings) -> Journal:
    """Return the journal that ``--journal`` names, or the user's."""
    return Journal(settings.journal or journal_path())


def journal_to_read(settings: Settings) -> Journal:
    """Return the journal for one who only reads; UsageError if a named one is missing.

    The user's own is missing until the first run: it is as good as empty.
    """
    path = settings.journal
    if path is not None and not path.exists():
        raise UsageError(
            "there is no such journal",
            where=f"--journal {path}",
            next_step="check its name: one is made by a run that is told to write it",
        )
    return open_journal(settings)


class Recorder:
    """Writes a run down as it goes; an observer of it."""

    def __init__(self, journal: Journal, run: int) -> None:
        """Write into a run that has begun."""
        self._journal = journal
        self._run = run
        self._steps: dict[str, list[tuple[float, str]]] = defaultdict(list)

    def started(self, name: str, attempt: int) -> None:
        """Write down that a box's work begins."""
        self._journal.started(self._run, name, attempt)

    def steps(self, name: str, steps: Sequence[tuple[float, str]]) -> None:
        """Keep the steps of a try."""
        self._steps[name] += steps

    def again(self, name: str, result: Result, attempt: int) -> None:
        """Keep why a try ended."""
        if result.error is not None:
            text = f"try {attempt}: {result.error.message}"
            self._steps[name].append((time.time(), text))

    def ended(self, outcome: Outcome) -> None:
        """Write down how a box ended."""
        steps = self._steps.pop(outcome.name, ())
        self._journal.ended(self._run, outcome, steps)


def recorded(settings: Settings, name: str, work: Callable[[], Result]) -> Result:
    """Do the work on one box and write it down; return its result.

    A journal that cannot be written does not keep one box from its work.
    """
    start = time.monotonic()
    try:
        result = work()
    except ModferryError as error:
        failed = Result("", box=name, status=exit_status(error), error=error)
        _write(settings, Outcome(name, failed, 1, time.monotonic() - start))
        raise
    _write(settings, Outcome(name, result, 1, time.monotonic() - start))
    return result


def _write(settings: Settings, outcome: Outcome) -> None:
    assert outcome.result is not None  # noqa: S101 - for the type checker
    try:
        with closing(open_journal(settings)) as journal:
            arguments = settings.arguments
            run = journal.begin(settings.command, arguments, [outcome.name])
            journal.ended(run, outcome)
            journal.finish(run, int(outcome.result.status))
    except UsageError as error:
        log.warn(f"{error.message}: {error.where}: {error.why}")
