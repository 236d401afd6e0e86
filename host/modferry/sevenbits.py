"""Frames from the box over a line that cuts off the high bits."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from modferry_agent.wire import FRAME_LIMIT, Frame, decode_body

START, END = b"}", b"~"
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_FROM_LOW = bytes.maketrans(bytes(range(0x20, 0x61)), _DIGITS)


class StrippedDecoder:
    """Finds frames whose bytes lost their high bits; the rest is console text.

    A kernel line within a frame costs that frame here: nothing tells them apart.
    """

    def __init__(self) -> None:
        """Begin with nothing held."""
        self._held = b""
        self._text: list[bytes] = []

    def feed(self, octets: bytes) -> Iterator[Frame]:
        """Yield the frames that these bytes complete."""
        *pieces, self._held = (self._held + octets).split(END)
        for piece in pieces:
            before, mark, digits = piece.rpartition(START)
            frame = _frame_of(digits) if mark else None
            if frame is None:
                self._text.append(piece + END)
            else:
                self._text.append(before)
                yield frame
        # What cannot be the begin of a frame is not kept for its end.
        if START not in self._held or len(self._held) > FRAME_LIMIT:
            self._text.append(self._held)
            self._held = b""

    def take_text(self) -> bytes:
        """Return the console text since the last call, and forget it."""
        text = b"".join(self._text)
        self._text = []
        return text


def _frame_of(digits: bytes) -> Frame | None:
    try:
        return decode_body(base64.b64decode(digits.translate(_FROM_LOW), validate=True))
    except (binascii.Error, ValueError):
        return None
