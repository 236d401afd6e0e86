"""Sums as the tools of a box print them."""

from __future__ import annotations

import hashlib

from modferry.core.launch import posix_cksum


class Summed:
    """The sum of what comes in pieces, by a tool's name."""

    def __init__(self, tool: str) -> None:
        """Begin with nothing."""
        self._pieces: list[bytes] = []
        name = tool.removesuffix("sum")
        self._hash = None if name == "ck" else hashlib.new(name, usedforsecurity=False)

    def add(self, piece: bytes) -> None:
        """Add the next piece."""
        if self._hash is None:
            self._pieces.append(piece)
        else:
            self._hash.update(piece)

    def value(self) -> str:
        """Return the sum as the tool prints it."""
        if self._hash is None:
            return str(posix_cksum(b"".join(self._pieces)))
        return self._hash.hexdigest()
