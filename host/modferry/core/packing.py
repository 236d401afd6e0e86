"""How a file goes over a slow line: the smallest form that the box can undo; pure.

The other half is ``modferry_agent.core.unpacking``, where the forms are drawn.
"""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import bsdiff4.core

from modferry.core.blocks import delta_by_sums
from modferry.core.columns import by_columns, tables_of, varint

DELTA_LIMIT = 4 << 20
"""Bytes of a file at most for which a difference is looked for."""

SURELY_LZMA = 8192
"""Bytes of a file from which on LZMA packs better than deflate does."""

SKETCH_SIZE = 64
LIKENESS = 0.3
"""Of two files' sketches so much must be the same for a difference to be tried."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file as it goes over the line.

    packing: "deflate", "lzma" or "stored".  unpacked: size of what it packs.
    base: path and sha256 of the file that this is a difference to.
    """

    packing: str
    stream: bytes
    unpacked: int
    base: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """A file that the box has and the host knows."""

    path: str
    sha256: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Summed:
    """A file that the box has, known by the sums of its blocks of that size."""

    path: str
    sha256: str
    sums: bytes = field(repr=False)
    block: int


class Whole:
    """A file by itself.

    columns: its bytes with the tables by columns.
    makers: packing -> what makes it, when it is needed.
    """

    def __init__(self, content: bytes) -> None:
        """Put the tables by columns."""
        self.content = content
        self.columns = by_columns(content, tables_of(content))
        self.makers: dict[str, Callable[[], bytes]] = {
            packing: partial(make, self.columns) for packing, make in PACKINGS.items()
        }

    def smallest(self, opens: Collection[str]) -> Packed:
        """Return the smallest of the forms that a box can undo."""
        wanted = {packing for packing in self.makers if packing in opens}
        if "lzma" in wanted and len(self.columns) > SURELY_LZMA:
            # The line waits for this: what cannot win is not made.
            wanted -= {"deflate"}
        forms = {"stored": self.columns}
        forms |= {packing: self.makers[packing]() for packing in wanted}
        packing = min(forms, key=lambda name: len(forms[name]))
        return Packed(packing, forms[packing], len(self.columns))


def packed(
    whole: Whole,
    opens: Collection[str],
    bases: Iterable[Base] = (),
    summed: Summed | None = None,
) -> Packed:
    """Return the smallest form of a file.

    opens: the packings that the box can undo.  bases: files that it has.
    summed: one that it has, too, of which this host does not know more.
    """
    content = whole.content
    deltas = [
        _difference(base, delta_of(base.content, content), opens)
        for base in bases
        if max(len(content), len(base.content)) <= DELTA_LIMIT
    ]
    if summed is not None:
        delta = delta_by_sums(summed.sums, summed.block, content)
        deltas.append(_difference(summed, delta, opens))
    best = min(deltas, key=lambda form: len(form.stream), default=None)
    # LZMA takes its time: not where a difference is less by far.
    if best is not None and len(best.stream) * 2 < len(zlib.compress(content, 6)):
        return best
    smallest = whole.smallest(opens)
    # A difference costs the box a look at its base: a little less is not enough.
    if best is not None and len(best.stream) < len(smallest.stream) * 9 // 10:
        return best
    return smallest


def _difference(base: Base | Summed, delta: bytes, opens: Collection[str]) -> Packed:
    forms = {"stored": delta}
    forms |= {name: make(delta) for name, make in PACKINGS.items() if name in opens}
    packing = min(forms, key=lambda name: len(forms[name]))
    return Packed(packing, forms[packing], len(delta), base=(base.path, base.sha256))


def _deflated(octets: bytes) -> bytes:
    # Which memory level gives less is a matter of luck.
    makers = [zlib.compressobj(9, zlib.DEFLATED, -15, level) for level in (8, 9)]
    return min((m.compress(octets) + m.flush() for m in makers), key=len)


def _as_lzma(octets: bytes) -> bytes:
    # A dictionary as large as the file at most: the box needs as much memory.  No
    # position bits: the columns leave nothing that is aligned.
    size = 1 << max(12, min(24, (len(octets) - 1).bit_length()))
    chain = {
        "id": lzma.FILTER_LZMA1,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": size,
        "lc": 3,
        "lp": 0,
        "pb": 0,
    }
    return lzma.compress(octets, lzma.FORMAT_ALONE, filters=[chain])


PACKINGS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {"deflate": _deflated, "lzma": _as_lzma}
)


def delta_of(base: bytes, content: bytes) -> bytes:
    """Return the content as a difference to the base."""
    control, difference, extra = bsdiff4.core.diff(base, content)
    assert isinstance(extra, bytes)  # noqa: S101 - for the type checker
    steps = bytearray()
    # Eight bytes each, the lowest first, the sign in the highest bit.
    for at in range(0, len(control), 24):
        copied, added, seek = (
            _signed(control[at + part : at + part + 8]) for part in (0, 8, 16)
        )
        zigzag = seek << 1 if seek >= 0 else (-seek << 1) - 1
        steps += varint(copied) + varint(added) + varint(zigzag)
    gaps, values, last = bytearray(), bytearray(), -1
    for match in re.finditer(rb"[^\0]", difference, re.DOTALL):
        gaps += varint(match.start() - last - 1)
        values += match[0]
        last = match.start()
    sizes = b"".join(varint(len(part)) for part in (steps, gaps, values))
    return sizes + bytes(steps) + bytes(gaps) + bytes(values) + extra


def _signed(octets: bytes) -> int:
    value = int.from_bytes(octets, "little")
    return -(value & ~(1 << 63)) if value >> 63 else value


def sketch_of(content: bytes) -> list[int]:
    """Return a few numbers of which two files that resemble each other share many.

    The least of the hashes of a file's texts: of its symbols, strings, lines.
    """
    texts = set(re.split(rb"[\0\n]+", content))
    return sorted({zlib.crc32(text) for text in texts})[:SKETCH_SIZE]


def likeness(one: Sequence[int], other: Sequence[int]) -> float:
    """Return how much two sketches share, 0 to 1.

    Source: Broder, "On the resemblance and containment of documents".
    """
    least = sorted({*one, *other})[:SKETCH_SIZE]
    both = {*one} & {*other}
    return sum(number in both for number in least) / len(least) if least else 0.0
