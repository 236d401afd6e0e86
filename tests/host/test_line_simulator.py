"""The simulated bad line, which the wire's tests stand on."""

from __future__ import annotations

import os
import re
import socket
import time

from support.line import Faults, Line
from support.pump import Ends, Pump


def test_a_line_carries_a_byte_in_ten_bits() -> None:
    line = Line(baud=9600)

    line.feed(b"x" * 960, 0.0)

    assert line.take(0.5) == b"x" * 480
    assert line.backlog_bytes == 480
    assert line.take(1.0001) == b"x" * 480


def test_idle_time_is_lost() -> None:
    line = Line(baud=9600)

    line.feed(b"a", 5.0)

    assert line.take(5.0) == b""
    assert line.take(5.002) == b"a"


def test_the_same_seed_means_the_same_faults_at_any_pace() -> None:
    octets = bytes(range(256)) * 40
    slow = Line(baud=9600, faults=Faults(flip=1e-3, drop=1e-3, seed=7))
    fast = Line(baud=0, faults=Faults(flip=1e-3, drop=1e-3, seed=7))

    slow.feed(octets, 0.0)
    for index, octet in enumerate(octets):
        fast.feed(bytes([octet]), index / 100)

    got = slow.take(1e9)
    assert got == fast.take(1e9) != octets
    assert (slow.flipped, slow.dropped) == (fast.flipped, fast.dropped)
    assert slow.dropped == len(octets) - len(got)
    assert 20 < slow.flipped < 200


def test_kernel_lines_come_whole_in_between_the_bytes() -> None:
    line = Line(baud=115_200, faults=Faults(kernel_lines_hz=5.0, seed=3))
    octets = bytes(range(128, 256)) * 450

    line.feed(octets, 0.0)

    got = line.take(1e3)
    rest, count = re.subn(rb"\[ *\d+\.\d{6}\] [^\r\n]*\r\n", b"", got)
    assert rest == octets
    assert count == line.printed > 10


def test_the_pump_carries_both_ways_at_the_lines_rate() -> None:
    host, near = socket.socketpair()
    far, box = socket.socketpair()
    pump = Pump(Ends(near.fileno(), far.fileno()), Line(57_600), Line(57_600))
    octets = os.urandom(2880)

    with pump.run():
        start_s = time.monotonic()
        host.sendall(octets)
        box.sendall(b"login: ")
        got = b""
        while len(got) < len(octets):
            got += box.recv(4096)
        took_s = time.monotonic() - start_s

        assert got == octets
        assert host.recv(100) == b"login: "
        assert 0.45 < took_s < 5

    for end in (host, near, far, box):
        end.close()


def test_a_kernel_line_makes_the_receiver_deaf() -> None:
    text = "[    1.000000] " + "x" * 45 + "\r\n"
    to_host = Line(faults=Faults(kernel_lines_hz=4.0, kernel_text=text, seed=5))
    to_box = Line(deafened_by=to_host)
    octets = bytes(range(256)) * 45

    got = b""
    for tick in range(1100):
        now_s = tick / 1000
        if tick % 10 == 0:
            to_box.feed(octets[tick * 10 : tick * 10 + 100], now_s)
        to_host.take(now_s)
        got += to_box.take(now_s)

    lost = to_box.dropped / to_host.printed
    # A line of 62 bytes, 16 of them in the FIFO; what comes meanwhile, less the idle.
    assert 25 < lost <= 46
    assert len(got) + to_box.dropped >= len(octets[:11_000]) - 100


def test_a_burst_is_lost_in_one_piece() -> None:
    line = Line(faults=Faults(burst=1e-3, burst_bytes=30, seed=2))

    line.feed(bytes(20_000), 0.0)

    got = line.take(1e3)
    assert line.dropped == 20_000 - len(got)
    assert line.dropped > 100


def test_an_adapter_hands_on_what_came_when_its_time_is_up() -> None:
    line = Line(faults=Faults(adapter_s=0.016))

    line.feed(bytes(100), 0.0)

    assert line.take(0.010) == bytes(62)
    assert line.take(0.020) == b""
    assert line.take(0.027) == bytes(38)
