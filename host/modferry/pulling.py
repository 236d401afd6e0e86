"""A file that comes from a box: written as it comes, and summed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came.

    size_bytes, sha256: of the content.
    """

    size_bytes: int
    sha256: str


class Arriving:
    """A content that is written to a stream piece by piece.

    size_bytes: how much of it there is.
    """

    def __init__(self, into: BinaryIO, *sums: str) -> None:
        """Begin with nothing.  sums: names of further sums that are needed."""
        self.size_bytes = 0
        self._into = into
        self._sums = {
            name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *sums}
        }

    def take(self, octets: bytes) -> None:
        """Write the next piece."""
        self._into.write(octets)
        self.size_bytes += len(octets)
        for each in self._sums.values():
            each.update(octets)

    def sum_by(self, name: str) -> str:
        """Return a sum of what came, in hexadecimal."""
        return self._sums[name].hexdigest()

    def pulled(self) -> Pulled:
        """Return what came, as a result."""
        return Pulled(self.size_bytes, self.sum_by("sha256"))
