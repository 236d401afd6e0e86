"""What is sent of a file: over a slow line by what the box has and can undo."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from modferry.core.messages import plain_of
from modferry.core.packing import PACKINGS, Packed, Summed, Whole, packed
from modferry.resources import sha256
from modferry.sent import Sent

CHUNK = 16_384
PACKED_AT_ONCE = 65_536
LEAST_BYTES = 2048
"""A smaller file goes by a plain push: nothing of it is worth being spared."""

SILENT_S = 0.5

AGAIN_CODES = frozenset(
    {"base-changed", "stream-gone", "transfer-damaged", "no-decompressor"}
)
"""After these refusals another way may go: the whole file, deflated."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is sent: the plan, the rest of the stream, and what of it the box holds."""

    form: Packed
    held: int

    @property
    def rest(self) -> bytes:
        """Return the bytes still to be sent."""
        return self.form.stream[self.held :]

    @property
    def plan(self) -> dict[str, Any]:
        """Return what the agent is told of the stream, in plain values."""
        told = {
            "sha256": sha256(self.form.stream),
            "size": len(self.form.stream),
            "at": self.held,
            "packing": self.form.packing,
            "unpacked": self.form.unpacked,
            "base": list(self.form.base) if self.form.base else None,
        }
        return {key: plain_of(value) for key, value in told.items()}

    @property
    def words(self) -> str:
        """Say how the file goes, for a person."""
        size = len(self.form.stream)
        how = f"as {size} bytes ({self.form.packing})"
        if self.form.base is not None:
            how = f"as a difference of {size} bytes to {self.form.base[0]}"
        return f"{how}, {self.held} of them there already" if self.held else how


@contextmanager
def early(content: bytes) -> Iterator[tuple[Whole, ThreadPoolExecutor]]:
    """Yield the file's own forms, and where to choose among them.

    They are made while the box is asked what it has, and are not waited for if it has
    something like it. All of it is for other threads: the line must be kept alive.
    """
    whole = Whole(content)
    pool = ThreadPoolExecutor(max_workers=2)
    whole.makers["lzma"] = pool.submit(PACKINGS["lzma"], whole.columns).result
    try:
        yield whole, pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def awaited(future: Future[Choice], exchange: Callable[[], None]) -> Choice:
    """Return what a thread computes; the agent would leave a line that is silent."""
    while True:
        try:
            return future.result(timeout=SILENT_S)
        except TimeoutError:
            exchange()


def choose(  # noqa: PLR0913, PLR0917 - all that a choice depends on
    whole: Whole,
    path: str,
    offer: Mapping[str, Any],
    candidates: list[tuple[str, str]],
    sent: Sent,
    block: int = 0,
) -> Choice:
    """Return what to send, by the agent's offer.

    block: the size of the blocks whose sums the agent was asked for.
    candidates: path and sha256 of files that may be on the box, in the order in which
    the agent was asked for them.
    """
    found = [sent.base(path, offer["before"])]
    for (place, expected), there in zip(candidates, offer["bases"], strict=True):
        found.append(sent.base(place, expected) if there == expected else None)
    bases = [base for base in found if base is not None]
    summed = None
    if offer["sums"]:
        summed = Summed(path, offer["before"], offer["sums"], block)
    form = packed(whole, offer["opens"], bases[:2], summed)
    held = offer["held"].get(sha256(form.stream), 0)
    return Choice(form, min(held, len(form.stream)))


def pieces_of(octets: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the bytes in chunks, each with the place behind it."""
    for at in range(0, len(octets), CHUNK):
        piece = octets[at : at + CHUNK]
        yield piece, at + len(piece)


class Deflated:
    """A file deflated while it is sent, once for all boxes that are sent it meanwhile.

    Iterate for the bytes in chunks, each with how much of the file went in.
    """

    def __init__(self, content: bytes) -> None:
        """Begin with nothing made."""
        self._made: list[tuple[bytes, int]] = []
        self._source = _deflated(content)
        self._making = Lock()
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Yield all chunks from the first on; a new one is made for who is ahead."""
        for at in count():
            with self._making:
                if at == len(self._made):
                    self._make()
                if at == len(self._made):
                    return
            yield self._made[at]

    def _make(self) -> None:
        # What failed for one has no end for the others either.
        if self.error is not None:
            raise self.error
        try:
            self._made.extend(islice(self._source, 1))
        except Exception as error:
            self.error = error
            raise


_under_way: WeakValueDictionary[str, Deflated] = WeakValueDictionary()
_looking = Lock()


def deflated(content: bytes, summed: str) -> Deflated:
    """Return the file deflated, shared with who is being sent it now.

    summed: its sha256.
    """
    with _looking:
        found = _under_way.get(summed)
        if found is None or found.error is not None:
            found = _under_way[summed] = Deflated(content)
        return found


def _deflated(content: bytes) -> Iterator[tuple[bytes, int]]:
    packer = zlib.compressobj(9)
    kept = b""
    for at in range(0, len(content), PACKED_AT_ONCE):
        piece = content[at : at + PACKED_AT_ONCE]
        kept += packer.compress(piece)
        while len(kept) >= CHUNK:
            yield kept[:CHUNK], at + len(piece)
            kept = kept[CHUNK:]
    for octets, _ in pieces_of(kept + packer.flush()):
        yield octets, len(content)
