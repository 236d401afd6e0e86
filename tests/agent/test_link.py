"""A link over lines of every badness, in virtual time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry.core.tobox import encode_to_box
from modferry.hostlink import host_link
from modferry_agent import wire
from modferry_agent.framesize import cut
from modferry_agent.inbox import PIECE, Inbox
from modferry_agent.link import Link, box_link
from modferry_agent.wire import Frame

STEP_S = 0.02


class Line:
    """Carries bytes both ways, damaging them by a seed; keeps the most in flight."""

    def __init__(self, seed: int, damage: float, tty: bool) -> None:
        self.random = random.Random(seed)
        self.damage = damage
        self.host = host_link(2, tty=tty)
        self.box = box_link(2, tty=tty)
        self.now = 0.0

    def carry(self, octets: bytes) -> bytes:
        out = bytearray(octets)
        for index in range(len(out)):
            if self.random.random() < self.damage:
                out[index] ^= 1 << self.random.randrange(8)
        if self.random.random() < self.damage * 20:
            del out[self.random.randrange(len(out) + 1) :]
        return bytes(out)

    def step(self, source: Link, target: Link) -> list[bytes]:
        return target.receive(self.carry(source.transmit(self.now)), self.now)

    def run(self, limit_s: float = 600.0) -> tuple[list[bytes], list[bytes]]:
        at_host: list[bytes] = []
        at_box: list[bytes] = []
        while self.now < limit_s:
            self.now += STEP_S
            at_box += self.step(self.host, self.box)
            at_host += self.step(self.box, self.host)
            if self.host.idle and self.box.idle:
                break
        return at_host, at_box


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize("damage", [0, 1e-5, 1e-4, 1e-3])
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(0, 9000), max_size=5))
@settings(max_examples=12, deadline=None)
def test_all_messages_arrive_once_in_order_and_whole(tty, damage, seed, sizes):
    line = Line(seed, damage if tty else damage / 10, tty)
    messages = [line.random.randbytes(size) for size in sizes]
    for message in messages:
        line.host.send(message)
        line.box.send(message[::-1])

    at_host, at_box = line.run()

    assert at_box == messages
    assert at_host == [message[::-1] for message in messages]


def test_no_more_than_the_window_is_on_a_terminal_line():
    link = host_link(2, tty=True)
    link.send(random.Random(1).randbytes(50_000))

    on_the_line = b"".join(link.transmit(0.0) for _ in range(50))

    assert len(on_the_line) <= 4095  # what N_TTY holds for a reader that is away


@pytest.mark.parametrize("payload", [96, 256, 1024])
@pytest.mark.parametrize("make", [host_link, box_link])
def test_the_window_is_kept_whatever_the_frames_hold(make, payload):
    link = make(2, tty=True)
    link.payload = payload
    link.send(random.Random(1).randbytes(50_000))

    assert 3584 * 2 // 3 - 200 < len(link.transmit(0.0)) <= 3584


def test_a_reader_that_is_away_is_not_flooded():
    link = host_link(2, tty=True)
    link.send(random.Random(1).randbytes(50_000))

    first = len(link.transmit(0.0))
    later = sum(len(link.transmit(t * 0.1)) for t in range(1, 300))

    assert later < first * 3  # 30 s of asking again, one frame at a time


def test_frames_of_an_earlier_session_are_dropped():
    old, new = host_link(2, tty=True), host_link(4, tty=True)
    box = box_link(4, tty=True)
    old.send(b"old")
    new.send(b"new")

    got = box.receive(old.transmit(0.0) + new.transmit(0.0), 0.0)

    assert got == [b"new"]


def test_a_start_frame_of_any_id_is_heard():
    box = box_link(4, tty=True)

    box.receive(encode_to_box(wire.Frame(9, wire.START, 0, b"")), 1.0)

    assert box.restart_id == 9


def test_a_ping_is_answered_and_counts_as_a_sign_of_life():
    host, box = host_link(2, tty=True), box_link(2, tty=True)
    host.send_control(wire.PING)

    box.receive(host.transmit(5.0), 5.0)
    host.receive(box.transmit(5.0), 6.0)

    assert (box.last_heard, host.last_heard) == (5.0, 6.0)


def test_goodbye_closes_the_other_end():
    host, box = host_link(2, tty=True), box_link(2, tty=True)
    host.send_control(wire.BYE)

    box.receive(host.transmit(0.0), 0.0)

    assert box.closed


def test_a_message_of_an_impossible_length_closes_the_link():
    host, box = host_link(2, tty=True), box_link(2, tty=True)
    host._outbox.append(b"\xff\xff\xff\xff")
    host._queued += 4

    box.receive(host.transmit(0.0), 0.0)

    assert box.closed


def test_loss_makes_frames_smaller_and_a_clean_line_larger():
    clean = Line(1, 0, tty=True)
    clean.host.send(bytes(60_000))
    clean.run()
    bad = Line(1, 2e-3, tty=True)
    bad.host.send(bytes(60_000))
    bad.run()

    assert clean.host.payload > 600
    assert bad.host.payload < 256


def test_a_late_acknowledgement_beyond_sixteen_bits_is_understood():
    line = Line(1, 0, tty=False)
    for _ in range(3):
        line.host._next = line.box._inbox.expected = line.host._next + 0xFFFE
        line.host.send(bytes(100_000))
        _, at_box = line.run()
        assert at_box == [bytes(100_000)]


def test_a_frame_too_long_for_what_the_line_has_become_goes_in_pieces():
    line = Line(3, 0, tty=True)
    line.host.send(line.random.randbytes(4000))
    line.host.transmit(line.now)  # all of it is lost
    line.damage = 8e-3  # of a frame of 600 bytes, one in a hundred and twenty passes

    _, at_box = line.run(limit_s=120)

    assert len(at_box) == 1
    assert line.host.idle


@given(
    payload=st.binary(min_size=1, max_size=3000),
    largest=st.integers(96, 1000),
    tries=st.integers(2, 90),
)
def test_the_pieces_of_a_lost_frame_are_all_of_it(payload, largest, tries):
    inbox = Inbox()

    for piece in cut(payload, largest, tries):
        assert len(piece) <= largest + PIECE.size
        inbox.accept_piece(Frame(2, wire.PIECE, 0, piece))

    assert inbox.expected == 1
    assert inbox._pieces == [payload]


def test_each_try_begins_with_another_piece():
    firsts = {cut(bytes(700), 512, tries)[0][:2] for tries in range(4, 10)}

    assert len(firsts) == 6
