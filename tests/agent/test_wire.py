"""Frames in any surroundings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modferry.core.frombox import ToHostDecoder
from modferry.core.tobox import (
    encode_to_box,
    encode_to_box_in_7_bits,
    encode_to_pipe,
)
from modferry_agent import wire
from modferry_agent.wire import Frame

FRAMES = st.builds(
    Frame,
    st.integers(0, 0xFFFF),
    st.sampled_from(wire.KINDS),
    st.integers(0, 0xFFFF),
    st.binary(max_size=300),
)
TEXT = st.binary(max_size=80).map(lambda octets: bytes(o & 0x7F for o in octets))

# Bytes on which a tty in canonical mode or a shell's line editor acts, from termios(3)
# and readline(3): end of line, signals, end of file, flow, quoting, escapes.
ACTED_ON = set(b"\n\r\x03\x04\x1a\x1c\x11\x13\x0f\x15\x16\x18\x09\x1b\x7f\xff")


DIRECTIONS = [
    (wire.encode_to_host, ToHostDecoder),
    (encode_to_box, wire.ToBoxDecoder),
    (encode_to_box_in_7_bits, wire.ToBoxDecoder),
    (encode_to_pipe, wire.ToBoxDecoder),
]


def fields(frame: Frame) -> tuple[int, bytes, int, bytes]:
    return frame.link_id, frame.kind, frame.sequence, frame.payload


@given(FRAMES)
def test_to_host_is_at_0x80_and_above_only(frame):
    octets = wire.encode_to_host(frame)

    assert min(octets) >= 0x80
    assert 0xFF not in octets


@given(FRAMES)
def test_to_box_holds_nothing_that_a_shell_or_tty_acts_on(frame):
    assert not ACTED_ON & set(encode_to_box(frame))


@given(st.lists(FRAMES, max_size=4), st.lists(TEXT, min_size=5, max_size=5))
def test_console_text_between_and_in_the_frames_costs_nothing(frames, texts):
    line = texts[4]
    for frame, text in zip(frames, texts, strict=False):
        encoded = wire.encode_to_host(frame)
        half = len(encoded) // 2
        line += encoded[:half] + text + encoded[half:]
    decoder = ToHostDecoder()

    got = list(decoder.feed(line))

    assert [fields(f) for f in got] == [fields(f) for f in frames]
    assert decoder.take_text() == texts[4] + b"".join(texts[: len(frames)])


@pytest.mark.parametrize(("encode", "decoder"), DIRECTIONS)
@given(frames=st.lists(FRAMES, max_size=4), cuts=st.lists(st.integers(0, 2000)))
def test_frames_come_whole_however_the_bytes_are_cut(encode, decoder, frames, cuts):
    line = b"".join(encode(frame) for frame in frames)
    ends = sorted({min(cut, len(line)) for cut in cuts} | {0, len(line)})
    reader = decoder()

    got = []
    for start, end in pairwise(ends):
        got += reader.feed(line[start:end])

    assert [fields(f) for f in got] == [fields(f) for f in frames]


@pytest.mark.parametrize(("encode", "decoder"), DIRECTIONS)
@given(
    first=FRAMES,
    second=FRAMES,
    at=st.integers(0, 500),
    flip=st.integers(1, 255),
    noise=st.binary(max_size=50),
)
def test_a_damaged_frame_is_dropped_and_the_next_is_found(
    encode, decoder, first, second, at, flip, noise
):
    damaged = bytearray(encode(first))
    damaged[at % len(damaged)] ^= flip
    reader = decoder()

    got = list(reader.feed(bytes(damaged) + noise + encode(second) + encode(second)))

    assert fields(got[-1]) == fields(second)
    assert all(fields(f) in (fields(first), fields(second)) for f in got)


def test_text_at_0x80_and_above_outside_of_frames_is_kept():
    decoder = ToHostDecoder()

    assert list(decoder.feed("café\r\n".encode())) == []
    assert decoder.take_text() == "café\r\n".encode()


def test_a_frame_without_an_end_does_not_fill_the_memory():
    decoder = ToHostDecoder()
    for _ in range(100):
        list(decoder.feed(b"\xfd" if _ == 0 else b"\xa0" * 4096))

    held = sum(map(len, decoder._digits))
    assert held <= 2 * wire.FRAME_LIMIT + 4096


def test_an_unknown_kind_is_no_frame():
    frame = Frame(1, b"?", 0, b"")

    assert wire.decode_body(wire.encode_body(frame)) is None


# What a line does: (place, bytes taken out, bytes put in).
DAMAGE = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 60), st.binary(max_size=30)),
    max_size=6,
)


@pytest.mark.parametrize(("encode", "decoder"), DIRECTIONS)
@given(
    frames=st.lists(FRAMES, min_size=1, max_size=8),
    damage=DAMAGE,
    flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 7)), max_size=6),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_befalls_the_bytes_no_other_frame_comes_out(
    encode, decoder, frames, damage, flips
):
    line = bytearray(b"".join(encode(frame) for frame in frames))
    for place, bit in flips:
        line[place % len(line)] ^= 1 << bit
    for place, taken, put in damage:
        at = place % (len(line) + 1)
        line[at : at + taken] = put
    last = Frame(7, wire.DATA, 7, b"the line has become good again")
    reader = decoder()

    # Two frames end whatever was begun.
    got = [fields(f) for f in reader.feed(bytes(line) + encode(last) * 3)]

    assert got[-1] == fields(last)
    sent = [fields(frame) for frame in frames] + [fields(last)] * 3
    places = iter(sent)
    assert all(each in places for each in got)  # none made up, none out of order
