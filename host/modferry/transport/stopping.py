"""A link that ends when somebody says so: Ctrl-C in a run over many boxes."""

from __future__ import annotations

from threading import Event

from modferry.errors import InterruptionError
from modferry.transport.base import Kind, Stderr, Transport


class StoppableTransport:
    """Another transport, whose reads end once an event is set."""

    def __init__(self, inner: Transport, stop: Event) -> None:
        """Stand in front of the other transport."""
        self._inner = inner
        self._stop = stop

    @property
    def kind(self) -> Kind:
        """Return the other transport's kind."""
        return self._inner.kind

    @property
    def name(self) -> str:
        """Return the other transport's name."""
        return self._inner.name

    def read(self, timeout_s: float) -> bytes:
        """Return what came; raise InterruptionError once the event is set."""
        if self._stop.is_set():
            raise InterruptionError("interrupted", where=self.name)
        return self._inner.read(timeout_s)

    def write(self, octets: bytes) -> None:
        """Send all: a goodbye, too, after the event is set."""
        self._inner.write(octets)

    def close(self) -> None:
        """Let go of the link."""
        self._inner.close()

    def stderr_text(self) -> str:
        """Return what the far end wrote to stderr, where there is one."""
        return self._inner.stderr_text() if isinstance(self._inner, Stderr) else ""
