"""A file as a difference to one of which only the sums of its blocks are known; pure.

The box tells of each whole block of its file an Adler-32 and the first four bytes of a
sha256.  Where the new file has the same 64 bits of sums, wherever it has them, the
block is taken from there; the box checks the sha256 of the whole at the end.

Source: Tridgell and Mackerras, "The rsync algorithm".
"""

from __future__ import annotations

import hashlib
import itertools
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from modferry.core.columns import varint

LEAST_BYTES = 8192
"""Of a smaller file the sums are not worth their way."""

MOST_BYTES = 2 << 20
"""A larger file takes too long here: each of its bytes is looked at."""

_SUM = struct.Struct(">I4s")
_MODULUS = 65_521


def block_size(size: int) -> int:
    """Return the size of the blocks for a file, 0: it is not worth it.

    The sums take about as much of the line as what a changed byte costs of its block.
    """
    if not LEAST_BYTES <= size <= MOST_BYTES:
        return 0
    for block in (512, 1024):
        if size <= block * 128:
            return block
    return 2048


@dataclass(slots=True)
class _Run:
    # Bytes of the base from a place on, and the new ones behind them.
    place: int
    copied: int
    added: bytearray


def delta_by_sums(sums: bytes, block: int, content: bytes) -> bytes:
    """Return the content as a difference to the file with these sums.

    Its form is drawn in ``modferry_agent.core.unpacking``.
    """
    runs = _runs(sums, block, content)
    steps = bytearray()
    for run, following in itertools.zip_longest(runs, runs[1:]):
        end = run.place + run.copied
        seek = (following.place if following else end) - end
        zigzag = seek << 1 if seek >= 0 else (-seek << 1) - 1
        steps += varint(run.copied) + varint(len(run.added)) + varint(zigzag)
    extra = b"".join(run.added for run in runs)
    return varint(len(steps)) + varint(0) + varint(0) + bytes(steps) + extra


def _runs(sums: bytes, block: int, content: bytes) -> list[_Run]:
    known: dict[int, dict[bytes, list[int]]] = {}
    for number, (weak, strong) in enumerate(_SUM.iter_unpack(sums)):
        known.setdefault(weak, {}).setdefault(strong, []).append(number * block)
    runs = [_Run(0, 0, bytearray())]
    at, last = 0, len(content) - block
    while at <= last:
        sum_ = zlib.adler32(content[at : at + block])
        low, high = sum_ & 0xFFFF, sum_ >> 16
        # Byte by byte, until a block is one that the box has.
        start = at
        while (places := _places(known, low, high, content, at, block)) is None:
            if at == last:
                break
            out, came = content[at], content[at + block]
            low = (low - out + came) % _MODULUS
            high = (high - block * out + low - 1) % _MODULUS
            at += 1
        runs[-1].added += content[start:at]
        if places is None:
            break
        end = runs[-1].place + runs[-1].copied
        if not runs[-1].added and end in places:
            runs[-1].copied += block
        else:
            runs.append(_Run(end if end in places else places[0], block, bytearray()))
        at += block
    runs[-1].added += content[at:]
    return runs


def _places(  # noqa: PLR0913, PLR0917 - what a window is
    known: Mapping[int, Mapping[bytes, list[int]]],
    low: int,
    high: int,
    content: bytes,
    at: int,
    block: int,
) -> list[int] | None:
    strong = known.get(high << 16 | low)
    if strong is None:
        return None
    return strong.get(hashlib.sha256(content[at : at + block]).digest()[:4])
