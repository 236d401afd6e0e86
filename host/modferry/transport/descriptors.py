"""Read and write a file descriptor, each within its time."""

from __future__ import annotations

import contextlib
import os
import select
import time

from modferry.errors import TransportError

CHUNK_BYTES = 65_536


def read_some(descriptor: int, timeout_s: float, name: str) -> bytes:
    """Return what is there within that time; raise TransportError at the end of it."""
    if not _ready([descriptor], [], timeout_s):
        return b""
    try:
        octets = os.read(descriptor, CHUNK_BYTES)
    except BlockingIOError:
        return b""
    except OSError as error:
        raise gone(name, error.strerror or str(error)) from error
    if not octets:
        raise gone(name, "its end was closed")
    return octets


def write_all(
    descriptor: int, octets: bytes, timeout_s: float, name: str, stuck: str = ""
) -> None:
    """Send all; raise TransportError when nothing at all goes out for that time.

    stuck: why that may be, for the message.
    """
    rest = memoryview(octets)
    deadline = time.monotonic() + timeout_s
    while rest:
        left = deadline - time.monotonic()
        if left <= 0 or not _ready([], [descriptor], left):
            raise TransportError(
                f"{name} takes no more bytes",
                where=f"{len(octets) - len(rest)} of {len(octets)} bytes were sent",
                why=f"none went out for {timeout_s:g} s"
                + (f"; {stuck}" if stuck else ""),
            )
        try:
            sent = os.write(descriptor, rest[:CHUNK_BYTES])
        except BlockingIOError:
            continue
        except OSError as error:
            raise gone(name, error.strerror or str(error)) from error
        rest = rest[sent:]
        deadline = time.monotonic() + timeout_s


def gone(name: str, why: str) -> TransportError:
    """Return the error for a link that broke."""
    return TransportError(f"the link to {name} broke", why=why)


# poll knows descriptors above 1023, which select does not.
def _ready(reads: list[int], writes: list[int], timeout_s: float) -> bool:
    poll = select.poll()
    for descriptor in reads:
        poll.register(descriptor, select.POLLIN)
    for descriptor in writes:
        poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


class Tail:
    """The last bytes of a stream that is read now and then and never waited for."""

    def __init__(self, descriptor: int, limit_bytes: int) -> None:
        """Read from the descriptor, which must not block."""
        self._descriptor = descriptor
        self._limit_bytes = limit_bytes
        self._kept = b""

    def drain(self) -> None:
        """Take what is there."""
        with contextlib.suppress(OSError):
            while octets := os.read(self._descriptor, CHUNK_BYTES):
                self._kept = (self._kept + octets)[-self._limit_bytes :]

    def text(self) -> str:
        """Return the last of it."""
        self.drain()
        return self._kept.decode("utf-8", "replace")
