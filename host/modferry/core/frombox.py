"""The box's frames, as `modferry_agent.wire` encodes them, and the text around them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from modferry_agent.wire import (
    FRAME_END,
    FRAME_LIMIT,
    FRAME_START,
    Frame,
    decode_body,
)

_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_HIGH, _LOW = bytes(range(0xA0, 0xE1)), bytes(range(0x20, 0x61))
_FROM_HIGH, _FROM_LOW = bytes.maketrans(_HIGH, _DIGITS), bytes.maketrans(_LOW, _DIGITS)
_NOT_HIGH = bytes(value for value in range(256) if value not in _HIGH)
_NOT_ASCII = bytes(range(0x80, 0x100))
_MARK = re.compile(b"([%b%b])" % (FRAME_START, FRAME_END))
_LOW_START, _LOW_END = b"}", b"~"


class ToHostDecoder:
    """Separates frames from console text, which `take_text` gives."""

    def __init__(self) -> None:
        """Begin outside of any frame."""
        self._inside = False
        self._digits: list[bytes] = []
        self._size = 0
        self._text: list[bytes] = []

    def feed(self, octets: bytes) -> Iterator[Frame]:
        """Yield the frames that these bytes complete."""
        for piece in _MARK.split(octets):
            if piece == FRAME_START:
                self._inside = True
                self._digits, self._size = [], 0
            elif piece == FRAME_END:
                if self._inside:
                    self._inside = False
                    frame = _frame_of(b"".join(self._digits).translate(_FROM_HIGH))
                    if frame is not None:
                        yield frame
            elif self._inside:
                self._text.append(piece.translate(None, _NOT_ASCII))
                digits = piece.translate(None, _NOT_HIGH)
                self._digits.append(digits)
                self._size += len(digits)
                if self._size > 2 * FRAME_LIMIT:
                    self._inside = False
            else:
                self._text.append(piece)

    def take_text(self) -> bytes:
        """Return the console text since the last call, and forget it."""
        text = b"".join(self._text)
        self._text = []
        return text


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
        *pieces, self._held = (self._held + octets).split(_LOW_END)
        for piece in pieces:
            before, mark, digits = piece.rpartition(_LOW_START)
            frame = _frame_of(digits.translate(_FROM_LOW)) if mark else None
            if frame is None:
                self._text.append(piece + _LOW_END)
            else:
                self._text.append(before)
                yield frame
        # What cannot be the begin of a frame is not kept for its end.
        if _LOW_START not in self._held or len(self._held) > FRAME_LIMIT:
            self._text.append(self._held)
            self._held = b""

    def take_text(self) -> bytes:
        """Return the console text since the last call, and forget it."""
        text = b"".join(self._text)
        self._text = []
        return text


def _frame_of(digits: bytes) -> Frame | None:
    try:
        return decode_body(base64.b64decode(digits, validate=True))
    except (binascii.Error, ValueError):
        return None
