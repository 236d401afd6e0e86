"""Run a job on many boxes by a schedule, and tell who watches what becomes of each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from modferry.core.outcomes import Outcome
from modferry.core.results import Result
from modferry.errors import ExitStatus, ModferryError, TransportError
from modferry.fleet.engines.base import Ended, Engine
from modferry.fleet.schedule import Schedule

Steps = Sequence[tuple[float, str]]

LOOK_S = 0.05
GRACE_S = 4.0
"""So long may what runs take to say goodbye after Ctrl-C."""


class Observer(Protocol):
    """Who is told what happens; from one thread, in order."""

    def started(self, name: str, attempt: int) -> None:
        """Take note that a box's work begins."""

    def steps(self, name: str, steps: Steps) -> None:
        """Take note of the steps of a try that has ended, before its end is told."""

    def again(self, name: str, result: Result, attempt: int) -> None:
        """Take note that a box is tried again, and how this try ended."""

    def ended(self, outcome: Outcome) -> None:
        """Take note that a box has come to its end."""


class Runner:
    """Runs one schedule on one engine.

    outcomes: of the boxes that came to an end, in the order in which they did.
    interrupted: Ctrl-C, or a signal, ended the run early.
    """

    def __init__(
        self, schedule: Schedule, engine: Engine, observers: tuple[Observer, ...] = ()
    ) -> None:
        """Start nothing yet."""
        self.outcomes: dict[str, Outcome] = {}
        self.interrupted = False
        self._hurried = False
        self._schedule = schedule
        self._engine = engine
        self._observers = observers

    def interrupt(self) -> None:
        """End the run early; the second time without waiting for goodbyes.

        Only takes note, so that a signal's handler may call it at any moment.
        """
        self._hurried = self.interrupted
        self.interrupted = True

    def run(self) -> Mapping[str, Outcome]:
        """Do the work on all boxes; return how each ended, the unstarted ones too."""
        try:
            self._until_done()
            if self.interrupted:
                self._schedule.stopped = True
                self._engine.stop()
                self._goodbye()
        finally:
            self._engine.close()
        for name in self._schedule.left():
            self._end(self._unfinished(name))
        return self.outcomes

    def _until_done(self) -> None:
        schedule, engine = self._schedule, self._engine
        while not (schedule.done or self.interrupted):
            now = time.monotonic()
            while engine.has_room() and (name := schedule.next(now)) is not None:
                for observer in self._observers:
                    observer.started(name, schedule.attempts[name])
                engine.start(name)
            pause = schedule.pause_s(now)
            for ended in engine.ended(LOOK_S if pause is None else min(LOOK_S, pause)):
                self._take(ended)

    def _goodbye(self) -> None:
        limit = time.monotonic() + GRACE_S
        while self._schedule.running and time.monotonic() < limit:
            if self._hurried:
                return
            for ended in self._engine.ended(LOOK_S):
                self._take(ended)

    def _take(self, ended: Ended) -> None:
        name, result = ended.name, ended.done.result
        attempt = self._schedule.attempts[name]
        goes_on = self._schedule.ended(
            name,
            time.monotonic(),
            failed=result.status > ExitStatus.NO,
            again=isinstance(result.error, TransportError) and result.error.passing,
        )
        for observer in self._observers:
            observer.steps(name, ended.done.steps)
        if goes_on:
            for observer in self._observers:
                observer.again(name, result, attempt)
        else:
            self._end(Outcome(name, result, attempt, ended.seconds))

    def _unfinished(self, name: str) -> Outcome:
        attempt = self._schedule.attempts[name]
        if name in self._schedule.running or (attempt and self.interrupted):
            error = ModferryError(
                "interrupted", where=name, why="the run was ended while it was at work"
            )
            result = Result("", box=name, status=ExitStatus.INTERRUPTED, error=error)
            return Outcome(name, result, attempt, 0.0)
        return Outcome(name, None, attempt, 0.0)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        for observer in self._observers:
            observer.ended(outcome)
