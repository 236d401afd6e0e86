"""Carry bytes between two descriptors through two simulated lines, in real time."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import os
import select
import signal
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support.line import Line

TICK_S = 0.001
LATE_S = 0.005
TTY_BYTES = 4095
"""What N_TTY keeps for a reader that is away; what comes then is lost."""

BAUDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit()
}


@dataclass
class Ends:
    """What a pump is between: two descriptors and, where known, the ttys behind them.

    host, box: pty masters or sockets.  host_tty, box_tty: the other sides of ptys, to
    see how much nobody has read and what speed is set.
    """

    host: int
    box: int
    host_tty: int | None = None
    box_tty: int | None = None


class Pump:
    """Carries bytes both ways, each way through a line of its own.

    The kernel prints towards the host: into ``to_host``.

    overrun: bytes lost because a box did not read.  late_s: for how long in all the
    pump came too late, which costs line time that no real line would lose.
    speeds: bytes between ends of different speeds arrive as garbage.
    """

    BACKLOG_BYTES = 4096
    """As much as a driver's buffer takes before a writer has to wait."""

    def __init__(
        self, ends: Ends, to_box: Line, to_host: Line, *, speeds: bool = False
    ) -> None:
        """Name the ends; `run` or `apart` starts it."""
        self.overrun = 0
        self.late_s = 0.0
        self.ends, self.to_box, self.to_host = ends, to_box, to_host
        self._speeds = speeds
        self._garbled = False
        self._stop, self._stopper = os.pipe()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Carry in a thread while the block runs."""
        thread = threading.Thread(target=self._carry_all, daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.write(self._stopper, b"x")
            thread.join()
            os.close(self._stop)
            os.close(self._stopper)

    @contextmanager
    def apart(self) -> Iterator[dict[str, float]]:
        """Carry in a process of its own, at real-time priority where that is allowed.

        What befell the bytes is in the dictionary when the block has ended.
        """
        counts: dict[str, float] = {}
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
            self._carry_all()
            os.write(writer, json.dumps(self._counts()).encode())
            os._exit(0)
        os.close(writer)
        try:
            yield counts
        finally:
            os.write(self._stopper, b"x")
            os.waitpid(child, 0)
            counts.update(json.loads(os.read(reader, 65_536)))
            for descriptor in (reader, self._stop, self._stopper):
                os.close(descriptor)

    def _counts(self) -> dict[str, float]:
        return {
            "late_s": round(self.late_s, 3),
            "overrun": self.overrun,
            "flipped": self.to_box.flipped + self.to_host.flipped,
            "dropped": self.to_box.dropped + self.to_host.dropped,
            "printed": self.to_host.printed,
        }

    def _carry_all(self) -> None:
        start_s = time.monotonic()
        ways = (
            (self.ends.host, self.ends.box, self.to_box, self.ends.box_tty),
            (self.ends.box, self.ends.host, self.to_host, None),
        )
        while True:
            sources = [
                source
                for source, _, line, _ in ways
                if line.backlog_bytes < self.BACKLOG_BYTES
            ]
            pause_s = self._pause(time.monotonic() - start_s)
            planned_s = time.monotonic() + pause_s
            ready = select.select([*sources, self._stop], [], [], pause_s)[0]
            if self._stop in ready:
                return
            late_s = time.monotonic() - planned_s
            if late_s > LATE_S:
                self.late_s += late_s
            self._check_speeds()
            now_s = time.monotonic() - start_s
            for source, sink, line, sink_tty in ways:
                if source in ready:
                    try:
                        octets = os.read(source, 1024)
                    except OSError:
                        return
                    line.feed(self._garble(octets), now_s)
                self._give(sink, line.take(now_s), sink_tty)

    def _give(self, sink: int, octets: bytes, sink_tty: int | None) -> None:
        if sink_tty is not None and octets and self._is_raw(sink_tty):
            unread = array.array("i", [0])
            fcntl.ioctl(sink_tty, termios.FIONREAD, unread)
            room = max(0, TTY_BYTES - unread[0])
            self.overrun += max(0, len(octets) - room)
            octets = octets[:room]
        while octets:
            try:
                octets = octets[os.write(sink, octets) :]
            except BlockingIOError:
                continue
            except OSError:
                return

    @staticmethod
    def _is_raw(descriptor: int) -> bool:
        return not termios.tcgetattr(descriptor)[tty.LFLAG] & termios.ICANON

    def _check_speeds(self) -> None:
        if not self._speeds:
            return
        host, box = (
            BAUDS[termios.tcgetattr(end)[tty.OSPEED]]
            for end in (self.ends.host_tty, self.ends.box_tty)
            if end is not None
        )
        self.to_box.baud, self.to_host.baud = host, box
        self._garbled = host != box

    def _garble(self, octets: bytes) -> bytes:
        if not self._garbled:
            return octets
        # Of a wrong speed comes something else, and another number of bytes.
        return bytes(octet * 37 + 11 & 0xFF for octet in octets[::2])

    def _pause(self, now_s: float) -> float:
        lines = (self.to_box, self.to_host)
        times = [line.next_arrival_s() for line in lines]
        waits = [at_s - now_s for at_s in times if at_s is not None]
        # In ticks: a byte at a time would cost more than the line carries.
        return max(TICK_S, min(waits)) if waits else 0.05
