"""Record what goes over the wire, in a file that a person can read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from modferry.errors import UsageError


class Trace:
    """Writes a line for each piece: seconds, direction, the bytes as a literal."""

    def __init__(self, stream: TextIO | None) -> None:
        """Write to the stream; to nothing without one."""
        self._stream = stream
        self._start = time.monotonic()

    @classmethod
    @contextmanager
    def to(cls, path: Path | None) -> Iterator[Trace]:
        """Yield a trace into the file, or one that records nothing."""
        if path is None:
            yield cls(None)
            return
        try:
            stream = path.open("w", encoding="ascii")
        except OSError as error:
            raise UsageError(
                f'the trace "{path}" cannot be written',
                where=str(path),
                why=error.strerror or "",
            ) from error
        with stream:
            yield cls(stream)

    def record(self, direction: str, octets: bytes) -> None:
        """Write one piece; ``>`` is to the box, ``<`` from it."""
        if self._stream is not None and octets:
            seconds = time.monotonic() - self._start
            self._stream.write(f"{seconds:10.3f} {direction} {octets!r}\n")
