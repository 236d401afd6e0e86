"""The index trie: modules.*.bin, built, written and read.

    file     B007F457 00020001 ROOT            numbers have 32 bits, big-endian
    offset   bit 31: a prefix stands at it, 30: values, 29: children; the rest: where
    node     [prefix NUL] [FIRST LAST, an offset a byte between, 0 for no child]
             [COUNT, and for each value: priority, text NUL]

The byte of the edge stands in the parent's table, the rest of the edge in the child's
prefix.  Since kmod 34 a node stands before its children, before that behind them.

Source: kmod, libkmod/libkmod-index.c and tools/depmod.c, index_write; checked by
tests/against_kmod.
"""

import struct

from modferry_agent.compat import native, octet, raw
from modferry_agent.core import triereader
from modferry_agent.core.triereader import (
    HAS_CHILDREN,
    HAS_PREFIX,
    HAS_VALUES,
    HEADER_BYTES,
    MAGIC,
    OFFSET_MASK,
    VERSION,
    in_index_order,
)
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin

__all__ = ["Index", "Trie", "build", "encode"]

# Both halves of the format are found under this name.
Index = triereader.Index


class Trie(object):
    """The keys in order and the values of each; nodes are found while it is written.

    keys: sorted by byte; of a range of them the first and the last one have in common
        what all have in common
    values: key -> its ``(priority, value)`` in the order in which they came
    """

    def __init__(self, values):
        # type: (dict[str, list[tuple[int, str]]]) -> None
        """Sort the keys."""
        self.keys = sorted(values)
        self.values = values


def build(pairs):
    # type: (Iterable[tuple[str, str, int]]) -> Trie
    """Return the trie of ``(key, value, priority)``.

    Of equal priorities under one key the later pair stands first, as in kmod.
    """
    values = {}  # type: dict[str, list[tuple[int, str]]]
    for key, value, priority in pairs:
        if key in values:
            values[key].append((priority, value))
        else:
            values[key] = [(priority, value)]
    return Trie(values)


def encode(trie, order="pre"):
    # type: (Trie, str) -> bytes
    """Return the index file of a trie; order ``pre`` (kmod 34) or ``post`` (to 33)."""
    if order == "pre":
        word, octets = _encode_before(trie)
    else:
        word, octets = _encode_behind(trie)
    if HEADER_BYTES + len(octets) > OFFSET_MASK:
        raise FormatError("the index would be too large", code="index-too-large")
    return struct.pack(">III", MAGIC, VERSION, word) + octets


def _encode_before(trie):
    # type: (Trie) -> tuple[int, bytes]
    if not trie.keys:
        return HEADER_BYTES, b""
    keys = trie.keys
    texts = _Texts(trie.values)
    pieces = []  # type: list[str]
    tables = []  # type: list[tuple[int, list[int]]]
    position = HEADER_BYTES
    # What waits to be written: the keys from first to before last that share ``depth``
    # characters, their parent's table, the place therein.
    top = [0]
    waiting = [(0, len(keys), 0, top, 0)]
    while waiting:
        first, last, depth, table, place = waiting.pop()
        key = keys[first]
        if last - first == 1 and depth:
            # A leaf, as nine of ten nodes are.
            table[place] = position | HAS_VALUES
            piece = texts.of(key)
            if len(key) > depth:
                table[place] |= HAS_PREFIX
                piece = key[depth:] + "\0" + piece
            pieces.append(piece)
            position += len(piece)
            continue
        end = _common(key, keys[last - 1], depth) if depth else 0
        word = position
        if end > depth:
            word |= HAS_PREFIX
            pieces.append(key[depth:end] + "\0")
            position += end - depth + 1
        start = first + (len(key) == end)
        if start < last:
            word |= HAS_CHILDREN
            parts = _split(keys, start, last, end)
            low = parts[0][0]
            below = [0] * (parts[-1][0] - low + 1)
            pieces.append(native(octet(low) + octet(parts[-1][0])))
            tables.append((len(pieces), below))
            pieces.append("")
            position += 2 + 4 * len(below)
            for letter, begin, stop in reversed(parts):
                waiting.append((begin, stop, end + 1, below, letter - low))
        if start > first:
            word |= HAS_VALUES
            piece = texts.of(key)
            pieces.append(piece)
            position += len(piece)
        table[place] = word
    for index, below in tables:
        pieces[index] = native(struct.pack(">%dI" % len(below), *below))
    return top[0], raw("".join(pieces))


def _encode_behind(trie):
    # type: (Trie) -> tuple[int, bytes]
    keys = trie.keys
    texts = _Texts(trie.values)
    pieces = []  # type: list[str]
    position = HEADER_BYTES
    top = [HEADER_BYTES]
    # Each node with children is met twice: first they are put before it, then it is
    # written, and ``below`` is their words.
    waiting = [
        (0, len(keys), 0, top, 0, -1, None)
    ]  # type: list[tuple[int, int, int, list[int], int, int, list[int] | None]]
    while waiting:
        first, last, depth, table, place, low, below = waiting.pop()
        key = keys[first] if keys else ""
        end = _common(key, keys[last - 1], depth) if depth else 0
        start = first + (first < last and len(key) == end)
        if below is None and start < last:
            parts = _split(keys, start, last, end)
            low = parts[0][0]
            below = [0] * (parts[-1][0] - low + 1)
            waiting.append((first, last, depth, table, place, low, below))
            for letter, begin, stop in reversed(parts):
                waiting.append((begin, stop, end + 1, below, letter - low, -1, None))
            continue
        word = position
        piece = ""
        if end > depth:
            word |= HAS_PREFIX
            piece = key[depth:end] + "\0"
        if below is not None:
            word |= HAS_CHILDREN
            edges = octet(low) + octet(low + len(below) - 1)
            piece += native(edges + struct.pack(">%dI" % len(below), *below))
        if start > first:
            word |= HAS_VALUES
            piece += texts.of(key)
        table[place] = word
        position += len(piece)
        pieces.append(piece)
    return top[0], raw("".join(pieces))


def _common(key, other, depth):
    # type: (str, str, int) -> int
    # How many characters two keys share that are known to share ``depth``.
    size = min(len(key), len(other))
    # Halving finds it in a few comparisons at C's speed.
    if key[:size] == other[:size]:
        return size
    while depth < size - 1:
        middle = (depth + size) // 2
        if key[depth:middle] == other[depth:middle]:
            depth = middle
        else:
            size = middle
    return depth


def _split(keys, first, last, depth):
    # type: (list[str], int, int, int) -> list[tuple[int, int, int]]
    # The ranges of keys with one character at ``depth``: its code, first, last.
    parts = []
    while first < last:
        letter = keys[first][depth]
        # Most ranges have one key or very many: strides of doubled length, then halves.
        stride = 1
        while first + stride < last and keys[first + stride][depth] == letter:
            stride += stride
        low, high = first + stride // 2, min(first + stride, last)
        while low + 1 < high:
            middle = (low + high) // 2
            if keys[middle][depth] == letter:
                low = middle
            else:
                high = middle
        parts.append((ord(letter), first, high))
        first = high
    return parts


class _Texts(object):
    # The values of keys as they are written; many keys have the same one.

    def __init__(self, values):
        # type: (dict[str, list[tuple[int, str]]]) -> None
        self._values = values
        self._known = {}  # type: dict[tuple[int, str], str]

    def of(self, key):
        # type: (str) -> str
        values = self._values[key]
        if len(values) == 1:
            value = values[0]
            text = self._known.get(value)
            if text is None:
                text = native(struct.pack(">II", 1, value[0])) + value[1] + "\0"
                self._known[value] = text
            return text
        pieces = [struct.pack(">I", len(values))]
        for priority, text in in_index_order(values):
            pieces.append(struct.pack(">I", priority) + raw(text) + b"\0")
        return native(b"".join(pieces))
