"""The box's console output as lines with their times."""

from __future__ import annotations

import time
from collections import deque

from modferry.core import events
from modferry.core.consolerecords import Record, record_of

KEPT = 2000
"""As many of the kernel's lines are kept: an oops takes a hundred."""


class ConsoleLines:
    """Cuts console bytes into lines and hands them on as events."""

    def __init__(self, sink: events.EventSink) -> None:
        """Begin with no line begun."""
        self._sink = sink
        self._start = time.monotonic()
        self._held = b""
        self._kept: deque[tuple[int, Record]] = deque(maxlen=KEPT)
        self._count = 0

    @property
    def count(self) -> int:
        """Return how many of the kernel's lines have come so far."""
        return self._count

    def since(self, count: int) -> list[Record]:
        """Return the kernel's lines that came after so many, as records."""
        return [record for number, record in self._kept if number >= count]

    def feed(self, octets: bytes) -> None:
        """Take bytes; hand on the lines they complete."""
        if not octets:
            return
        *lines, self._held = (self._held + octets).split(b"\n")
        for line in lines:
            self._emit(line)

    def end(self) -> None:
        """Hand on the line that was begun, if any."""
        line, self._held = self._held, b""
        self._emit(line)

    def _emit(self, line: bytes) -> None:
        text = line.strip(b"\r").decode("utf-8", "replace")
        if text:
            self._sink(events.ConsoleText(text, time.monotonic() - self._start))
            record = record_of(text)
            if record is not None:
                self._kept.append((self._count, record))
                self._count += 1
