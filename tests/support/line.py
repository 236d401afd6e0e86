"""A bad serial line: slow, noisy, with a kernel that prints into it.

`Line` is one direction, pure, in virtual time: bytes go in at a time, what is left of
them comes out when the line has carried it.  `support.pump` moves bytes between two
descriptors through two lines in real time.

A byte takes 10 bits, whatever was idle before is lost.  Faults are drawn by the number
of the byte on the line, so that the same seed means the same faults at any pace.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass, field

BITS_PER_BYTE = 10
FIFO_BYTES = 16
"""What a 16550 holds while nobody takes it."""

ADAPTER_BYTES = 62
"""What makes an FT232 send at once, without waiting for its timer."""


@dataclass(frozen=True)
class Faults:
    """What is wrong with a line.

    flip: chance of each bit to arrive wrong.  drop: of each byte not to arrive.
    burst: of each byte to begin a gap of ``burst_bytes``.
    kernel_lines_hz: how often the kernel prints, on average; into what is sent, at any
        byte.  kernel_text: what it prints, ``{0}`` is the count.
    adapter_s: the timer of a USB adapter: what arrived is handed on that late.
    """

    flip: float = 0.0
    drop: float = 0.0
    burst: float = 0.0
    burst_bytes: int = 40
    kernel_lines_hz: float = 0.0
    kernel_text: str = "[{1:12.6f}] practice: the kernel says line {0}\r\n"
    adapter_s: float = 0.0
    seed: int = 0


class _Events:
    """Numbers of bits or bytes that something befalls, each with the same chance."""

    def __init__(self, chance: float, seed: int) -> None:
        self._chance = chance
        self._random = random.Random(seed)
        self.next = self._gap() if chance else math.inf

    def _gap(self) -> float:
        return int(math.log(1.0 - self._random.random()) / math.log1p(-self._chance))

    def before(self, end: int) -> list[int]:
        """Return those below a number, and forget them."""
        found = []
        while self.next < end:
            found.append(int(self.next))
            self.next += 1 + self._gap()
        return found


@dataclass
class Line:
    """One direction of a line; ``baud`` 0 carries everything at once.

    deafened_by: the other direction, where its receiver takes nothing while the kernel
        prints there: a 16550's driver polls with interrupts off.
    flipped, dropped, printed: what befell the bytes so far.
    """

    baud: int = 115_200
    faults: Faults = field(default_factory=Faults)
    deafened_by: Line | None = None
    flipped: int = 0
    dropped: int = 0
    printed: int = 0

    def __post_init__(self) -> None:
        """Start idle, at time 0."""
        seed = self.faults.seed
        self._flips = _Events(self.faults.flip, seed)
        self._drops = _Events(self.faults.drop, seed + 1)
        self._bursts = _Events(self.faults.burst, seed + 2)
        self._kernel = random.Random(seed + 3)
        self._carried = 0
        self._gap_end = 0
        # When the first byte arrives, how long each takes, the bytes; None: lost.
        self._waiting: deque[tuple[float, float, list[int | None]]] = deque()
        self._adapter = bytearray()
        self._since_s = math.inf
        self._free_s = 0.0
        self._next_print_s = self._until_print()
        # Of each kernel line: begin, end, what the receiver's FIFO still takes.
        self.prints: deque[list[float]] = deque(maxlen=64)

    @property
    def _slot_s(self) -> float:
        return BITS_PER_BYTE / self.baud if self.baud else 0.0

    def feed(self, octets: bytes, now_s: float) -> None:
        """Let bytes in; they wait for those before them."""
        while octets:
            self._print_until(max(now_s, self._free_s))
            start_s = max(now_s, self._free_s)
            count = len(octets)
            if self._next_print_s is not None and self._slot_s:
                until = (self._next_print_s - start_s) / self._slot_s
                count = min(count, max(1, math.ceil(until)))
            elif self._next_print_s is not None:
                count = 1
            self._carry(octets[:count], now_s)
            octets = octets[count:]

    def advance(self, now_s: float) -> None:
        """Let the kernel print what it prints until now."""
        if now_s >= self._free_s:
            self._print_until(now_s)

    def take(self, now_s: float) -> bytes:
        """Return what has arrived by now and was not taken yet."""
        self.advance(now_s)
        if self.deafened_by is not None:
            self.deafened_by.advance(now_s)
        arrived = bytearray()
        while self._waiting and self._waiting[0][0] <= now_s:
            first_s, slot_s, octets = self._waiting.popleft()
            count = len(octets)
            if slot_s:
                count = min(count, math.floor((now_s - first_s) / slot_s) + 1)
            if count < len(octets):
                rest = (first_s + count * slot_s, slot_s, octets[count:])
                self._waiting.appendleft(rest)
            self._deafen(first_s, slot_s, octets, count)
            arrived += bytes(octet for octet in octets[:count] if octet is not None)
        return self._through_adapter(bytes(arrived), now_s)

    def _deafen(
        self, first_s: float, slot_s: float, octets: list[int | None], count: int
    ) -> None:
        if self.deafened_by is None:
            return
        for one in self.deafened_by.prints:
            begin_s, end_s, _room = one
            if end_s <= first_s or begin_s > first_s + count * slot_s:
                continue
            start = max(0, math.ceil((begin_s - first_s) / slot_s))
            for at in range(start, min(count, math.ceil((end_s - first_s) / slot_s))):
                if one[2] > 0:
                    one[2] -= 1
                elif octets[at] is not None:
                    octets[at] = None
                    self.dropped += 1

    def _through_adapter(self, octets: bytes, now_s: float) -> bytes:
        if not self.faults.adapter_s:
            return octets
        if octets and not self._adapter:
            self._since_s = now_s
        self._adapter += octets
        count = len(self._adapter) // ADAPTER_BYTES * ADAPTER_BYTES
        if not count and now_s - self._since_s >= self.faults.adapter_s:
            count = len(self._adapter)
        given = bytes(self._adapter[:count])
        del self._adapter[:count]
        if given:
            self._since_s = now_s
        return given

    def next_arrival_s(self) -> float | None:
        """Return when the next byte arrives, None if none is on its way."""
        if self._adapter:
            return self._since_s + self.faults.adapter_s
        return self._waiting[0][0] if self._waiting else None

    @property
    def backlog_bytes(self) -> int:
        """Return how many bytes are on their way."""
        return sum(len(octets) for _, _, octets in self._waiting)

    def _carry(self, octets: bytes, now_s: float) -> None:
        start_s = max(now_s, self._free_s)
        self._free_s = start_s + self._slot_s * len(octets)
        carried: list[int | None] = list(octets)
        begin, end = self._carried, self._carried + len(octets)
        self._carried = end
        for bit in self._flips.before(end * 8):
            carried[bit // 8 - begin] ^= 1 << bit % 8  # type: ignore[operator]
            self.flipped += 1
        for at in self._drops.before(end):
            carried[at - begin] = None
            self.dropped += 1
        self._lose(carried, 0, self._gap_end - begin)
        for at in self._bursts.before(end):
            self._gap_end = at + self.faults.burst_bytes
            self._lose(carried, at - begin, self._gap_end - begin)
        self._waiting.append((start_s + self._slot_s, self._slot_s, carried))

    def _lose(self, carried: list[int | None], start: int, end: int) -> None:
        for at in range(start, min(end, len(carried))):
            if carried[at] is not None:
                carried[at] = None
                self.dropped += 1

    def _print_until(self, now_s: float) -> None:
        while self._next_print_s is not None and self._next_print_s <= now_s:
            at_s = self._next_print_s
            self.printed += 1
            text = self.faults.kernel_text.format(self.printed, at_s).encode()
            begin_s = max(at_s, self._free_s)
            self._carry(text, at_s)
            self.prints.append([begin_s, self._free_s, FIFO_BYTES])
            # The kernel polls: it prints the next when the last is out.
            self._next_print_s = max(at_s, self._free_s) + (self._until_print() or 0.0)

    def _until_print(self) -> float | None:
        rate = self.faults.kernel_lines_hz
        return self._kernel.expovariate(rate) if rate else None
