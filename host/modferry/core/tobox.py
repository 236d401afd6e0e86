"""The host's frames, as `modferry_agent.wire` decodes them on the box."""

from __future__ import annotations

import base64
import functools

from modferry_agent.wire import (
    ESCAPE,
    FLAG,
    FLIP,
    PLAIN,
    SEGMENT,
    UNSAFE,
    Frame,
    encode_body,
    xor_table,
)

ESCAPED = ESCAPE + FLAG + UNSAFE

ESCAPED_GROWTH = 13 / 12
"""Under the best keys a thirteenth byte is an escape, at most and by and large."""

KEYS = [key for key in range(256) if key not in ESCAPED]


def encode_to_box(frame: Frame) -> bytes:
    """Return a frame for a terminal, by bytes on which neither it nor a shell acts."""
    body = encode_body(frame)
    keyed = b"".join(
        _under_best_key(body[at : at + SEGMENT]) for at in range(0, len(body), SEGMENT)
    )
    return FLAG + _escaped(keyed, ESCAPED) + FLAG


def _under_best_key(segment: bytes) -> bytes:
    best, fewest = KEYS[0], len(segment) + 1
    for key in KEYS:
        count = len(segment.translate(None, _unescaped_under(key)))
        if count < fewest:
            best, fewest = key, count
            if not count:
                break
    return bytes((best,)) + segment.translate(xor_table(best))


# Few keys are ever tried: not worth the start of each program.
@functools.cache
def _unescaped_under(key: int) -> bytes:
    return bytes(v for v in range(256) if v ^ key not in ESCAPED)


def encode_to_pipe(frame: Frame) -> bytes:
    """Return a frame for a pipe, which passes all bytes as they are."""
    return FLAG + PLAIN + _escaped(encode_body(frame), ESCAPE + FLAG) + FLAG


def encode_to_box_in_7_bits(frame: Frame) -> bytes:
    """Return a frame for a line that is not 8-bit clean."""
    return FLAG + ESCAPE + base64.b64encode(encode_body(frame)) + FLAG


# ESCAPE stands before the others in each alphabet: it must be escaped first.
def _escaped(octets: bytes, alphabet: bytes) -> bytes:
    for value in alphabet:
        octets = octets.replace(bytes((value,)), ESCAPE + bytes((value ^ FLIP,)))
    return octets
