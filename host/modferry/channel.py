"""A link over a transport: messages to and from the agent, bytes and time included."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import Any

from modferry.consoletext import ConsoleLines
from modferry.core.profile import Login
from modferry.endwatch import EndWatch
from modferry.errors import TransportError
from modferry.hostlink import IN_7_BITS, IN_8_BITS, host_link
from modferry.trace import Trace
from modferry.transport.base import Line, Transport
from modferry_agent import wire
from modferry_agent.values import decode_value, encode_value

PING_S = 2.0
"""The agent's lease is some times as long."""

POLL_S = 0.05
QUIET_S = 0.006
HOLD_S = 0.25
"""A kernel that prints polls its UART and hears nothing: what is sent waits until the
console has been quiet for a moment, but not for one that never is."""

GOODBYE_S = 2.0
PROBE_S = 1.0
PROBES_S = (0.2, 0.3, 0.5, PROBE_S, PROBE_S)
"""How long the box may take for the answer to each probe: one may be lost, and a box at
work or a slow line needs its time."""

ALL_BYTES = bytes(range(256))
SETTLE_S = 0.06
"""After the last frame of an old speed: the other end's driver is done, too."""


class Channel:
    """Sends and receives over one transport.

    waiting: the messages that came, as bytes, oldest first.
    console: what comes beside the frames.
    """

    def __init__(
        self,
        transport: Transport,
        trace: Trace,
        console: ConsoleLines,
        login_prompt: str = Login().login_prompt,
    ) -> None:
        """Begin with a link that nobody answers; `begin` starts a real one.

        login_prompt: of the box's getty, as a pattern.
        """
        self.transport = transport
        self.waiting: deque[bytes] = deque()
        self._trace = trace
        self.console = console
        self._pinged = 0.0
        # A PING's payload: all byte values until the line is proved.  A short frame
        # passes a line of 7 bits now and then, and its answer would be taken for proof.
        self._heartbeat = b""
        self._printed = self._print_began = 0.0
        self._began = time.monotonic()
        self._tty = transport.kind == "tty"
        self._link = host_link(0, tty=self._tty)
        self._seven = False
        self._login_prompt = login_prompt
        self._end = EndWatch(login_prompt)

    def begin(self, link_id: int, octets: bytes, *, seven: bool = False) -> None:
        """Start a link; the bytes are those of it that came already.

        The text in them was shown when they came.  seven: the line cuts off high bits.
        """
        self._seven = seven
        self._link = host_link(link_id, tty=self._tty, seven=seven)
        now = self._began = self._pinged = time.monotonic()
        self._heartbeat = ALL_BYTES if self._tty else b""
        self.waiting.clear()
        self.waiting.extend(self._link.receive(octets, now))
        self._link.take_text()
        self._end = EndWatch(self._login_prompt)
        self._transmit(now)

    @property
    def unsent(self) -> int:
        """Return how many bytes have not gone out for the first time."""
        return self._link.unsent

    @property
    def slow(self) -> bool:
        """Say whether bytes are dear: the line is a terminal's, not a pipe."""
        return self._tty

    @property
    def silent_s(self) -> float:
        """Return for how long no frame of the other end has come."""
        heard = self._link.last_heard
        return time.monotonic() - (self._began if heard is None else heard)

    def probe(self) -> bool:
        """Say whether frames of all byte values get through to the box.

        If not, the frames of 7 bits are tried, and stay if they do.
        """
        tries = [IN_7_BITS] if self._seven else [IN_8_BITS, IN_7_BITS]
        for alphabet in tries:
            self._link.speak(*alphabet)
            if any(self._is_answered(ALL_BYTES, limit_s) for limit_s in PROBES_S):
                self._heartbeat = b""
                return True
        return False

    def _is_answered(self, payload: bytes, limit_s: float) -> bool:
        before = self._link.acknowledged
        self._pinged = time.monotonic()
        self._link.send_control(wire.PING, payload)
        limit = time.monotonic() + limit_s
        while self._link.acknowledged == before and time.monotonic() < limit:
            self.exchange()
        return self._link.acknowledged != before

    def change_speed(self, baud: int, before: int) -> bool:
        """Set our end to a speed that the box has taken; say whether it holds there.

        If it does not, both ends are back at the speed of before.
        """
        line = self.transport
        assert isinstance(line, Line)  # noqa: S101 - the caller has looked
        line.set_baud(baud)
        if any(self._is_answered(ALL_BYTES, PROBE_S / 2) for _ in range(2)):
            return True
        line.set_baud(before)
        # The box hears nothing for a while, and then goes back by itself.
        any(self._is_answered(b"", PROBE_S) for _ in range(6))
        return False

    def settle(self) -> None:
        """Exchange until all is acknowledged, and a little longer."""
        limit = time.monotonic() + GOODBYE_S
        while not self._link.idle and time.monotonic() < limit:
            self.exchange()
        time.sleep(SETTLE_S)

    def take_over(self) -> None:
        """Tell an agent that another host left to begin anew with this link."""
        self._link.send_control(wire.START)

    def send_octets(self, octets: bytes) -> None:
        """Queue a message of any bytes."""
        self._link.send(octets)

    def send(self, **message: Any) -> None:  # noqa: ANN401 - plain values
        """Queue a message of plain values."""
        self._link.send(encode_value(message))

    def next(self) -> dict[str, Any] | None:
        """Return the next message's values; None if none came in a short time."""
        if not self.waiting:
            self.exchange()
        if not self.waiting:
            return None
        message: dict[str, Any] = decode_value(self.waiting.popleft())
        return message

    def exchange(self) -> None:
        """Send what is due, take what came; waits a little if nothing did.

        Raise BoxEndedError if the console says that no agent is there any more.
        """
        now = time.monotonic()
        if self._tty:
            self._end.check(now, self.transport.name)
        if now - self._pinged > PING_S:
            self._pinged = now
            self._link.send_control(wire.PING, self._heartbeat)
        self._transmit(now)
        self._receive(self.transport.read(POLL_S if self._quiet(now) else QUIET_S))

    def _quiet(self, now: float) -> bool:
        return now - self._printed >= QUIET_S or now - self._print_began >= HOLD_S

    def _transmit(self, now: float) -> None:
        if not self._quiet(now) or self._end.doubts:
            return
        octets = self._link.transmit(now)
        if octets:
            self._trace.record(">", octets)
            self.transport.write(octets)

    def _receive(self, octets: bytes) -> None:
        self._trace.record("<", octets)
        now = time.monotonic()
        self.waiting.extend(self._link.receive(octets, now))
        text = self._link.take_text()
        if self._link.last_heard == now:
            self._end.alive()
        if text:
            if self._tty:
                self._end.take(text, now)
            if now - self._printed >= QUIET_S:
                self._print_began = now
            self._printed = now
            self.console.feed(text)
        # An acknowledgement must be out before the other end may leave.
        self._transmit(now)

    def leave(self) -> None:
        """Say goodbye, and wait a little for the answer.

        The agent then gives the terminal back and, where we logged in, logs out.
        """
        with suppress(TransportError):
            self._link.send_control(wire.BYE)
            if not self._tty:
                # A shell behind a pipe ends with it: nothing is given back, and the
                # answer would take as long as the network's way there and back.
                self._transmit(time.monotonic())
                return
            limit = time.monotonic() + GOODBYE_S
            while not self._link.closed and time.monotonic() < limit:
                self.exchange()
        self.console.end()
