"""Whole sessions over a simulated line: bad, of seven bits, of another speed."""

from __future__ import annotations

import os
import sys
import termios
import tty
from contextlib import contextmanager
from dataclasses import replace

import pytest

from modferry.core import events
from modferry.core.tobox import encode_to_box
from modferry.fleet.inventory import resolve
from modferry.session import Session
from modferry_agent import wire
from support.fakebox import FakeBox, home_of
from support.line import Faults
from support.noisybox import lines, ptys, shell_on


def box_at(device: str, folder, options: str = ""):
    box = resolve(f"serial://{device}?baud=115200{options}")
    profile = replace(
        box.profile, directories=home_of(folder), python=(sys.executable,)
    )
    return replace(box, profile=profile)


@contextmanager
def session_over(to_box, to_host, folder, options="", speeds=False):
    said: list[str] = []

    def sink(event: events.Event) -> None:
        if isinstance(event, events.State):
            said.append(event.text)

    with ptys(to_box, to_host, speeds=speeds) as line, shell_on(line.box_tty):
        with Session.open(
            box_at(line.host_device, folder, options), events=sink
        ) as session:
            yield session, said, line


def test_a_first_contact_and_a_push_survive_a_bad_line(tmp_path):
    content = os.urandom(6000)
    faults = Faults(flip=2e-5, kernel_lines_hz=2.0, seed=4)

    with session_over(*lines(115_200, faults, deaf=True), tmp_path) as opened:
        session, _said, _line = opened
        session.push(content, str(tmp_path / "file"))

    assert (tmp_path / "file").read_bytes() == content


def cut(octets: bytes) -> bytes:
    return bytes(octet & 0x7F for octet in octets)


@pytest.mark.parametrize("ways", ["both", "to_box", "to_host"])
def test_a_line_of_seven_bits_is_found_out_and_used(tmp_path, ways):
    content = os.urandom(5000)
    damage = {"both": {"to_box": cut, "to_host": cut}}.get(ways, {ways: cut})

    with FakeBox(logged_in=True, **damage) as fake:
        with Session.open(box_at(fake.device, tmp_path)) as session:
            session.push(content, str(tmp_path / "file"))
            assert session.pull(str(tmp_path / "file")) == content

    assert (tmp_path / "file").read_bytes() == content


def test_a_short_frame_that_passes_seven_bits_proves_no_line_of_eight(
    tmp_path, monkeypatch
):
    # One link id in 64 makes a PING without payload that has no high bit.
    lucky = next(
        link_id
        for link_id in range(1, 0xFFFF)
        if max(encode_to_box(wire.Frame(link_id, wire.PING, 0, b""))) < 0x80
    )
    monkeypatch.setattr("modferry.starting.random.randrange", lambda *_: lucky)

    with FakeBox(logged_in=True, to_box=cut) as fake:
        box = box_at(fake.device, tmp_path)
        with Session.open(box, timeout_s=10) as session:
            assert session.request("hash", path=str(tmp_path / "none")) is None


def test_a_greeting_that_noise_has_hit_is_asked_for_anew(tmp_path):
    hits = []

    def hit(octets: bytes) -> bytes:
        # One digit of the first long frame becomes another.
        at = octets.find(b"\xfd")
        if at < 0 or hits:
            return octets
        hits.append(at)
        wrong = b"\xa0" if octets[at + 5 : at + 6] != b"\xa0" else b"\xa1"
        return octets[: at + 5] + wrong + octets[at + 6 :]

    with FakeBox(logged_in=True, to_host=hit) as fake:
        with Session.open(box_at(fake.device, tmp_path)) as session:
            assert session.request("hash", path=str(tmp_path / "none")) is None

    assert hits


def test_a_line_goes_up_to_a_speed_that_both_ends_have(tmp_path):
    content = os.urandom(30_000)

    with session_over(
        *lines(115_200, Faults()), tmp_path, "&top_baud=460800", speeds=True
    ) as (session, said, line):
        speeds = [termios.tcgetattr(end)[tty.OSPEED] for end in (line.box_tty,)]
        session.push(content, str(tmp_path / "file"))

    assert speeds == [termios.B460800]
    assert "the line carries 460800 bits a second" in said
    assert (tmp_path / "file").read_bytes() == content


def test_a_speed_that_the_line_does_not_carry_is_left_again(tmp_path):
    def too_fast(descriptor: int) -> int:
        return termios.tcgetattr(descriptor)[tty.OSPEED]

    with FakeBox(logged_in=True) as fake:
        # A cable that is good for no more than the first speed.
        def limited(octets: bytes) -> bytes:
            fast = too_fast(fake._device) != termios.B115200
            return octets[::2] if fast else octets

        fake.to_box = limited
        said: list[str] = []
        box = box_at(fake.device, tmp_path, "&top_baud=921600")
        with Session.open(box, events=lambda e: said.append(str(e))) as session:
            assert session.request("hash", path="/nonexistent") is None

    assert any("does not carry 921600" in each for each in said)
