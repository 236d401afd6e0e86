"""The box's console output as lines with their times."""

from __future__ import annotations

import time

from modferry.core import events


class ConsoleLines:
    """Cuts console bytes into lines and hands them on as events."""

    def __init__(self, sink: events.EventSink) -> None:
        """Begin with no line begun."""
        self._sink = sink
        self._start = time.monotonic()
        self._held = b""

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
