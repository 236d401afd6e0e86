"""Frames on a dirty byte stream: a console that the kernel prints into, or a pipe.

Here is the box's half; the host has the other in `modferry.core.tobox` and `frombox`.

Both directions carry the same frame body; each has an alphabet of its own.

::

    body     link id (2)  kind (1)  sequence (2)  payload  CRC-32 of all that (4)

    to host  FD  base64 of the body, each digit moved to A0..E0  FE
             Every byte of the protocol is 80 or above, so whatever is below (a kernel
             line in the middle of a frame, a shell, a getty) is the box's console text
             and comes out whole, and the frame is whole without it.
    to box   7E  {key, 64 bytes of the body XOR key}, all escaped by 7D  7E
             Never a byte that a tty or a shell acts on: no CR, LF, ^C, ^D, ^Z, ...  A
             shell that gets frames because its agent died executes nothing.  A key is
             the one of 237 that leaves the fewest of its bytes to escape: one in a
             hundred, where a key for a whole frame leaves one in twenty.

    7 bits   to host the same with the high bits cut off: 7D  digits 20..60  7E
             to box 7E 7D  base64 of the body  7E; no key is 7D

    a pipe   to box 7E FF  the body, its 7D and 7E escaped  7E; no key is FF

Numbers are big-endian.  A frame whose CRC disagrees was never there.
"""

import binascii
import struct

from modferry_agent.compat import TYPE_CHECKING, octet, octets_of

if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

DATA = b"D"
PIECE = b"d"
ACK = b"A"
PING = b"P"
START = b"S"
BYE = b"B"
KINDS = (DATA, PIECE, ACK, PING, START, BYE)

_HEAD = struct.Struct(">HcH")
_CRC = struct.Struct(">I")
OVERHEAD = _HEAD.size + _CRC.size

# A longer one is noise between two lost marks; it bounds the decoders' memory.
FRAME_LIMIT = 65536


class Frame(object):
    """One frame: link id and sequence of 16 bits, a kind of `KINDS`, the payload."""

    __slots__ = ("kind", "link_id", "payload", "sequence")

    def __init__(self, link_id, kind, sequence, payload):
        # type: (int, bytes, int, bytes) -> None
        """Keep the fields."""
        self.link_id = link_id
        self.kind = kind
        self.sequence = sequence
        self.payload = payload


def encode_body(frame):
    # type: (Frame) -> bytes
    """Return a frame's bytes before its direction's alphabet."""
    body = _HEAD.pack(frame.link_id, frame.kind, frame.sequence) + frame.payload
    return body + _CRC.pack(binascii.crc32(body) & 0xFFFFFFFF)


def decode_body(body):
    # type: (bytes) -> Frame | None
    """Return the frame, or None where the bytes are none or are damaged."""
    if len(body) < OVERHEAD:
        return None
    if _CRC.unpack(body[-4:])[0] != binascii.crc32(body[:-4]) & 0xFFFFFFFF:
        return None
    link_id, kind, sequence = _HEAD.unpack(body[: _HEAD.size])
    if kind not in KINDS:
        return None
    return Frame(link_id, kind, sequence, body[_HEAD.size : -4])


# To host.

BASE64_GROWTH = 4 / 3.0
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_HIGH = b"".join([octet(0xA0 + index) for index in range(len(_BASE64))])
FRAME_START = b"\xfd"
FRAME_END = b"\xfe"


def _table(source, target):
    # type: (bytes, bytes) -> bytes
    # bytes.maketrans is of 3.1, string.maketrans of 2.
    values = list(range(256))
    for old, new in zip(octets_of(source), octets_of(target)):
        values[old] = new
    return b"".join([octet(value) for value in values])


_TO_HIGH = _table(_BASE64, _HIGH)


def encode_to_host(frame):
    # type: (Frame) -> bytes
    """Return a frame as the box sends it."""
    digits = binascii.b2a_base64(encode_body(frame)).rstrip(b"\n")
    return FRAME_START + digits.translate(_TO_HIGH) + FRAME_END


# To box.

FLAG = b"\x7e"
ESCAPE = b"\x7d"
FLIP = 0x40
# ^C ^D BS TAB LF CR ^O ^Q ^S ^U ^V ^X ^Z ESC ^\ DEL, and FF: telnet and PARMRK.
UNSAFE = b"\x03\x04\x08\x09\x0a\x0d\x0f\x11\x13\x15\x16\x18\x1a\x1b\x1c\x7f\xff"
# Begins a pipe's frame: no key, as it would be escaped.
PLAIN = b"\xff"
# Bytes under one key: with fewer the keys cost more than they spare.
SEGMENT = 64
_XOR = {}  # type: dict[int, bytes]


def xor_table(key):
    # type: (int) -> bytes
    """Return what translates bytes into themselves XOR a key, and back."""
    table = _XOR.get(key)
    if table is None:
        table = _XOR[key] = b"".join([octet(value ^ key) for value in range(256)])
    return table


class ToBoxDecoder(object):
    """Finds the host's frames in what arrives at the box; anything else is dropped.

    All three forms of them: what the host sends, it encodes itself.
    """

    def __init__(self):
        # type: () -> None
        """Begin with nothing held."""
        self._held = b""

    def feed(self, octets):
        # type: (bytes) -> Iterator[Frame]
        """Yield the frames that these bytes complete."""
        pieces = (self._held + octets).split(FLAG)
        self._held = pieces.pop()
        if len(self._held) > 2 * FRAME_LIMIT:
            self._held = b""
        for piece in pieces:
            frame = _unescape(piece)
            if frame is not None:
                yield frame

    def take_text(self):
        # type: () -> bytes
        """Return nothing: what is no frame means nothing to the agent."""
        return b""


def _from_base64(digits):
    # type: (bytes) -> Frame | None
    try:
        return decode_body(binascii.a2b_base64(digits))
    except (binascii.Error, ValueError):
        return None


def _unescape(piece):
    # type: (bytes) -> Frame | None
    if len(piece) <= OVERHEAD:
        return None
    if piece.startswith(ESCAPE):
        return _from_base64(piece[1:])
    parts = piece.split(ESCAPE)
    for index in range(1, len(parts)):
        if not parts[index]:
            return None
        first = octets_of(parts[index][:1])[0]
        parts[index] = octet(first ^ FLIP) + parts[index][1:]
    body = b"".join(parts)
    if body.startswith(PLAIN):
        return decode_body(body[1:])
    segments = []
    for at in range(0, len(body), SEGMENT + 1):
        key = octets_of(body[at : at + 1])[0]
        segments.append(body[at + 1 : at + 1 + SEGMENT].translate(xor_table(key)))
    return decode_body(b"".join(segments))
