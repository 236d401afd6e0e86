"""A bad serial line: slow, noisy, with a kernel that prints into it.

`Line` is one direction, pure, in virtual time: bytes go in at a time, what is left of
them comes out when the line has carried it.  `Pump` moves bytes between two descriptors
(ptys, sockets) through two lines in real time.

A byte takes 10 bits, whatever was idle before is lost.  Faults are drawn by the number
of the byte on the line, so that the same seed means the same faults at any pace.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BITS_PER_BYTE = 10


@dataclass(frozen=True)
class Faults:
    """What is wrong with a line.

    flip: chance of each bit to arrive wrong.  drop: of each byte not to arrive.
    kernel_lines_hz: how often the kernel prints, on average; into what is sent, at any
        byte.  kernel_text: what it prints, ``{0}`` is the count.
    """

    flip: float = 0.0
    drop: float = 0.0
    kernel_lines_hz: float = 0.0
    kernel_text: str = "[{1:12.6f}] practice: the kernel says line {0}\r\n"
    seed: int = 0


@dataclass
class Line:
    """One direction of a line; ``baud`` 0 carries everything at once.

    flipped, dropped, printed: what befell the bytes so far.
    """

    baud: int = 115_200
    faults: Faults = field(default_factory=Faults)
    flipped: int = 0
    dropped: int = 0
    printed: int = 0

    def __post_init__(self) -> None:
        """Start idle, at time 0."""
        self._noise = random.Random(self.faults.seed)
        self._kernel = random.Random(self.faults.seed + 1)
        self._waiting: deque[tuple[float, int]] = deque()
        self._free_s = 0.0
        self._next_print_s = self._until_print()

    def feed(self, octets: bytes, now_s: float) -> None:
        """Let bytes in; they wait for those before them."""
        for octet in octets:
            self._print_until(max(now_s, self._free_s))
            self._carry(octet, now_s)

    def take(self, now_s: float) -> bytes:
        """Return what has arrived by now and was not taken yet."""
        if now_s >= self._free_s:
            self._print_until(now_s)
        arrived = bytearray()
        while self._waiting and self._waiting[0][0] <= now_s:
            arrived.append(self._waiting.popleft()[1])
        return bytes(arrived)

    def next_arrival_s(self) -> float | None:
        """Return when the next byte arrives, None if none is on its way."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def backlog_bytes(self) -> int:
        """Return how many bytes are on their way."""
        return len(self._waiting)

    def _carry(self, octet: int, now_s: float) -> None:
        slot_s = BITS_PER_BYTE / self.baud if self.baud else 0.0
        self._free_s = max(now_s, self._free_s) + slot_s
        lost, flips = self._noise.random(), self._noise.random()
        if lost < self.faults.drop:
            self.dropped += 1
            return
        # One draw a byte: at the rates of interest two flips in one hardly happen.
        if flips < 8 * self.faults.flip:
            octet ^= 1 << int(flips / self.faults.flip)
            self.flipped += 1
        self._waiting.append((self._free_s, octet))

    def _print_until(self, now_s: float) -> None:
        while self._next_print_s is not None and self._next_print_s <= now_s:
            at_s = self._next_print_s
            self.printed += 1
            for octet in self.faults.kernel_text.format(self.printed, at_s).encode():
                self._carry(octet, at_s)
            self._next_print_s = at_s + (self._until_print() or 0.0)

    def _until_print(self) -> float | None:
        rate = self.faults.kernel_lines_hz
        return self._kernel.expovariate(rate) if rate else None


class Pump:
    """Carry bytes between two descriptors, each way through a line of its own.

    The kernel prints towards the host: into ``to_host``.
    """

    BACKLOG_BYTES = 4096
    """As much as a driver's buffer takes before a writer has to wait."""

    def __init__(self, host: int, box: int, to_box: Line, to_host: Line) -> None:
        """Name the ends; `run` starts it."""
        self._ways = ((host, box, to_box), (box, host, to_host))
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._carry_all, daemon=True)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Carry while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            os.write(self._stopper, b"x")
            self._thread.join()
            os.close(self._stop)
            os.close(self._stopper)

    def _carry_all(self) -> None:
        start_s = time.monotonic()
        while True:
            open_ways = [
                source
                for source, _, line in self._ways
                if line.backlog_bytes < self.BACKLOG_BYTES
            ]
            now_s = time.monotonic() - start_s
            ready = select.select([*open_ways, self._stop], [], [], self._pause(now_s))
            if self._stop in ready[0]:
                return
            now_s = time.monotonic() - start_s
            for source, sink, line in self._ways:
                if source in ready[0]:
                    try:
                        line.feed(os.read(source, 1024), now_s)
                    except OSError:
                        return
                octets = line.take(now_s)
                while octets:
                    with contextlib.suppress(BlockingIOError):
                        octets = octets[os.write(sink, octets) :]

    def _pause(self, now_s: float) -> float:
        times = [line.next_arrival_s() for _, _, line in self._ways]
        waits = [at_s - now_s for at_s in times if at_s is not None]
        # Ticks of 2 ms: a byte at a time would cost more than the line carries.
        return max(0.002, min(waits)) if waits else 0.05
