"""A run over many boxes while it goes on: a live table, plain lines, or events."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from modferry import log
from modferry.core.outcomes import Outcome, error_of
from modferry.core.results import Result, error_values
from modferry.watch import harmless

REFRESH_PER_S = 4
MOST_RUNNING = 3
LAST_ERRORS = 3
NO_GROUP = "ungrouped"


class PlainLines:
    """Tells on stderr what becomes of each box, a line each; an observer of a run."""

    def __init__(self, console: Console, total: int, *, verbose: bool) -> None:
        """Begin with none ended.  verbose: tell of each start, too."""
        self._total = total
        self._verbose = verbose
        self._ended = 0
        self._console = console

    def __enter__(self) -> Self:
        """Begin to tell."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End; nothing is to be taken away."""

    def started(self, name: str, attempt: int) -> None:
        """Tell that a box's work begins."""
        if self._verbose:
            self._say(f"{name}: started" + (f", try {attempt}" if attempt > 1 else ""))

    def steps(self, name: str, steps: Sequence[tuple[float, str]]) -> None:
        """Pass over them: the journal keeps them."""

    def again(self, name: str, result: Result, attempt: int) -> None:
        """Tell that a box is tried again."""
        why = result.error.message if result.error else ""
        self._say(f"{name}: {why}; another try (after {attempt})")

    def ended(self, outcome: Outcome) -> None:
        """Tell how a box ended."""
        self._ended += 1
        text = f"[{self._ended}/{self._total}] {outcome.name}: {outcome.word}"
        error = error_of(outcome)
        self._say(f"{text}: {error.message}" if error else text)

    def _say(self, text: str) -> None:
        self._console.print(harmless(text), soft_wrap=True, style="dim")


class LiveTable:
    """A line a group: how many are done, what runs, what failed; rate and time left.

    groups: each box's nearest group.
    """

    def __init__(self, console: Console, groups: Mapping[str, str]) -> None:
        """Begin with none started."""
        self._groups = groups
        self._totals = Counter(groups.values())
        self._done: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._running: dict[str, dict[str, None]] = defaultdict(dict)
        self._errors: list[str] = []
        self._start = time.monotonic()
        self._live = Live(
            console=console,
            get_renderable=self.picture,
            refresh_per_second=REFRESH_PER_S,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Show the table."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the table off the terminal."""
        self._live.stop()

    def started(self, name: str, attempt: int) -> None:
        """Take note that a box's work begins."""
        self._running[self._group(name)][name] = None

    def steps(self, name: str, steps: Sequence[tuple[float, str]]) -> None:
        """Pass over them: the journal keeps them."""

    def again(self, name: str, result: Result, attempt: int) -> None:
        """Take note that a box waits for another try."""
        self._running[self._group(name)].pop(name, None)

    def ended(self, outcome: Outcome) -> None:
        """Take note of how a box ended."""
        group = self._group(outcome.name)
        self._running[group].pop(outcome.name, None)
        self._done[group] += 1
        self._bad[group] += outcome.unfinished
        error = error_of(outcome)
        if error is not None:
            self._errors.append(f"{outcome.name}: {error.message}")

    def picture(self) -> RenderableType:
        """Return the table as it stands."""
        table = Table.grid(padding=(0, 2))
        for group, total in self._totals.items():
            done, bad = self._done[group], self._bad[group]
            running = list(self._running[group])
            names = ", ".join(running[:MOST_RUNNING])
            more = f" and {len(running) - MOST_RUNNING} more"
            table.add_row(
                Text(harmless(group), style="bold"),
                ProgressBar(total=total, completed=done, width=20),
                f"{done}/{total}",
                Text(f"{bad} failed" if bad else "", style="red"),
                Text(harmless(names + more * (len(running) > MOST_RUNNING)), "dim"),
            )
        errors = [Text(harmless(each), "red") for each in self._errors[-LAST_ERRORS:]]
        return Group(table, *errors, Text(self.pace(time.monotonic()), style="dim"))

    def pace(self, now: float) -> str:
        """Return the rate, and the time left at that rate."""
        done, total = sum(self._done.values()), sum(self._totals.values())
        took = max(now - self._start, 0.001)
        left = f"{(total - done) * took / done:.0f} s left" if done else "..."
        return f"{done}/{total} boxes, {done / took:.1f} a second, {left}"

    def _group(self, name: str) -> str:
        return self._groups.get(name, NO_GROUP)


class Events:
    """Writes what happens as it does, a JSON object a line; an observer of a run."""

    def __init__(self, stream: IO[str]) -> None:
        """Write into a stream that was opened; it is closed, unless it is stdout."""
        self._stream: IO[str] | None = stream

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        if self._stream is not None and self._stream is not sys.stdout:
            with suppress(OSError):
                self._stream.close()

    def started(self, name: str, attempt: int) -> None:
        """Write that a box's work begins."""
        self._write("started", name, attempt=attempt)

    def steps(self, name: str, steps: Sequence[tuple[float, str]]) -> None:
        """Pass over them: the journal keeps them."""

    def again(self, name: str, result: Result, attempt: int) -> None:
        """Write that a box is tried again."""
        error = None if result.error is None else error_values(result.error)
        self._write("again", name, attempt=attempt, error=error)

    def ended(self, outcome: Outcome) -> None:
        """Write how a box ended."""
        error = error_of(outcome)
        self._write(
            "ended",
            outcome.name,
            outcome=outcome.word,
            attempts=outcome.attempts,
            seconds=round(outcome.seconds, 3),
            error=None if error is None else error_values(error),
        )

    def _write(self, event: str, box: str, **more: object) -> None:
        if self._stream is None:
            return
        line = {"event": event, "time": round(time.time(), 3), "box": box, **more}
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except OSError as error:
            # The work goes on: who watched went away, or the disk is full.
            self._stream = None
            log.warn(f"the events cannot be written any more: {error.strerror}")
