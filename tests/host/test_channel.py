"""The host's end of a link: when it sends."""

from __future__ import annotations

import pytest

from modferry import channel as host_channel
from modferry.channel import HOLD_S, Channel
from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.errors import BoxEndedError
from modferry.trace import Trace
from modferry_agent import wire
from support.faultyline import Clock

KERNEL = b"[   12.301274] practice: mounted\r\n"


class Talking:
    """A line whose far end prints: what comes, in turn; what was sent is kept."""

    kind = "tty"
    name = "a line"

    def __init__(self, clock: Clock, comes: list[bytes]) -> None:
        self._clock = clock
        self._comes = comes
        self.sent: list[bytes] = []

    def read(self, timeout_s: float) -> bytes:
        octets = self._comes.pop(0) if self._comes else b""
        self._clock.now += 0.001 if octets else timeout_s
        return octets

    def write(self, octets: bytes) -> None:
        self.sent.append(octets)

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    clock.now = 100.0
    monkeypatch.setattr(host_channel, "time", clock)
    return clock


def channel_on(line: Talking) -> Channel:
    channel = Channel(line, Trace(None), ConsoleLines(events.ignore))
    channel.begin(7, b"")
    return channel


def test_nothing_is_sent_into_a_print_and_at_once_after_it(clock):
    line = Talking(clock, [KERNEL[:8], KERNEL[8:]])
    channel = channel_on(line)
    channel.exchange()
    began = len(line.sent)
    channel.send_octets(b"request")

    channel.exchange()
    assert len(line.sent) == began
    channel.exchange()
    assert len(line.sent) == began + 1


def test_a_probe_that_is_lost_is_sent_again_soon(clock):
    answer = wire.encode_to_host(wire.Frame(7, wire.ACK, 0, bytes(8)))
    # Five waits of 0.05 s: one probe has its 0.2 s, and is answered to no one.
    line = Talking(clock, [b""] * 5 + [answer])
    channel = channel_on(line)
    since = clock.now

    assert channel.probe()
    assert len(line.sent) == 2
    assert clock.now - since < 0.5


def test_a_console_that_is_never_quiet_does_not_hold_up_the_host_for_long(clock):
    line = Talking(clock, [KERNEL] * 1000)
    channel = channel_on(line)
    channel.exchange()
    began, since = len(line.sent), clock.now
    channel.send_octets(b"request")

    while len(line.sent) == began:
        channel.exchange()

    assert clock.now - since == pytest.approx(HOLD_S, abs=0.01)


def test_nothing_goes_to_a_box_that_restarts(clock):
    line = Talking(clock, [b"[   41.310112] sysrq: Resetting\r\n"])
    channel = channel_on(line)
    channel.exchange()
    began = len(line.sent)
    channel.send_octets(b"request")

    with pytest.raises(BoxEndedError, match="has restarted"):
        channel.settle()
    channel.leave()

    assert line.sent[began:] == []
