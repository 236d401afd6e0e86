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
)
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, Iterator  # noqa: F401  # novermin

    Finder = Callable[[list[str], str, int, int], int]

__all__ = ["Index", "Trie", "build", "encode"]

_PREFIXED_LEAF = HAS_PREFIX | HAS_VALUES

# Both halves of the format are found under this name.
Index = triereader.Index


class Trie(object):
    """The keys in order and the values of each; nodes are found while it is written.

    keys: sorted by byte; of a range of them the first and the last one have in common
        what all have in common
    texts: key -> its values as they stand in the file
    """

    def __init__(self, texts):
        # type: (dict[str, str]) -> None
        """Sort the keys."""
        self.keys = sorted(texts)
        self.texts = texts

    def without(self, keys):
        # type: (set[str]) -> Trie
        """Return the trie of all other keys."""
        return Trie(
            dict([(key, self.texts[key]) for key in self.keys if key not in keys])
        )


_NOTHING = (-1, "")


def build(pairs):
    # type: (Iterable[tuple[str, str, int]]) -> Trie
    """Return the trie of ``(key, value, priority)``.

    Of equal priorities under one key the later pair stands first, as in kmod.
    """
    texts = {}  # type: dict[str, str]
    several = {}  # type: dict[str, list[str]]
    # Many pairs have the same value, a module's name, and the same priority.
    known = {}  # type: dict[str, tuple[int, str]]
    for key, value, priority in pairs:
        rank, text = known.get(value, _NOTHING)
        if rank != priority:
            text = native(struct.pack(">II", 1, priority)) + value + "\0"
            known[value] = (priority, text)
        if key in texts:
            several.setdefault(key, [texts[key][4:]]).append(text[4:])
        else:
            texts[key] = text
    for key, entries in several.items():
        count = native(struct.pack(">I", len(entries)))
        texts[key] = count + "".join(_in_order(entries))
    return Trie(texts)


def _in_order(entries):
    # type: (list[str]) -> list[str]
    # By priority, which is big-endian, so that the bytes are in the order of the
    # numbers; the later first.
    later_first = entries[::-1]
    return sorted(later_first, key=lambda entry: entry[:4])


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
    keys, texts, find = trie.keys, trie.texts, _finder()
    pieces = []  # type: list[str]
    tables = []  # type: list[tuple[int, list[int]]]
    position = HEADER_BYTES
    top = [0]
    # The children still to be written of a node, each as the byte of its edge and its
    # range of keys; the node's table and the first byte in it; how many characters the
    # keys of a child share at least.  ``waiting``: the same of the nodes above.
    parts = iter([(0, 0, len(keys))])
    table, low, depth = top, 0, 0
    waiting = (
        []
    )  # type: list[tuple[Iterator[tuple[int, int, int]], list[int], int, int]]
    while True:
        for letter, first, last in parts:
            key = keys[first]
            if last - first == 1 and depth:
                # A leaf, as nine of ten nodes are.
                piece = texts[key]
                if len(key) > depth:
                    table[letter - low] = position | _PREFIXED_LEAF
                    piece = key[depth:] + "\0" + piece
                else:
                    table[letter - low] = position | HAS_VALUES
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
            below = []  # type: list[int]
            found = _split(keys, start, last, end, find)
            if found:
                word |= HAS_CHILDREN
                below = [0] * (found[-1][0] - found[0][0] + 1)
                pieces.append(native(octet(found[0][0]) + octet(found[-1][0])))
                tables.append((len(pieces), below))
                pieces.append("")
                position += 2 + 4 * len(below)
            if start > first:
                word |= HAS_VALUES
                pieces.append(texts[key])
                position += len(texts[key])
            table[letter - low] = word
            if found:
                waiting.append((parts, table, low, depth))
                parts, table, low, depth = iter(found), below, found[0][0], end + 1
                break
        else:
            if not waiting:
                break
            parts, table, low, depth = waiting.pop()
    for index, below in tables:
        pieces[index] = native(struct.pack(">%dI" % len(below), *below))
    return top[0], raw("".join(pieces))


def _encode_behind(trie):
    # type: (Trie) -> tuple[int, bytes]
    keys, texts, find = trie.keys, trie.texts, _finder()
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
            parts = _split(keys, start, last, end, find)
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
            piece += texts[key]
        table[place] = word
        position += len(piece)
        pieces.append(piece)
    return top[0], raw("".join(pieces))


def _common(key, other, depth):
    # type: (str, str, int) -> int
    # How many characters two keys share that are known to share ``depth``.
    size = min(len(key), len(other))
    # Half of the nodes have no prefix, and most others a short one.
    near = min(depth + _NEAR, size)
    while depth < near:
        if key[depth] != other[depth]:
            return depth
        depth += 1
    # Halving finds the end of a long one in a few comparisons at C's speed.
    if key[:size] == other[:size]:
        return size
    while depth < size - 1:
        middle = (depth + size) // 2
        if key[depth:middle] == other[depth:middle]:
            depth = middle
        else:
            size = middle
    return depth


_NEAR = 4


def _split(keys, first, last, depth, find):
    # type: (list[str], int, int, int, Finder) -> list[tuple[int, int, int]]
    # The ranges of keys with one character at ``depth``: its code, first, last.
    parts = []
    while first < last:
        letter = keys[first][depth]
        end = first + 1
        # Most ranges have one key.
        if end < last and keys[end][depth] == letter:
            after = _AFTER.get(letter)
            if after is None:
                end = last
            else:
                beyond = keys[first][:depth] + after
                end = find(keys, beyond, end, last)
        parts.append((ord(letter), first, end))
        first = end
    return parts


def _finder():
    # type: () -> Finder
    try:
        from _bisect import bisect_left

        return bisect_left
    except ImportError:
        # A minimal Python.
        return _bisect_left


def _bisect_left(keys, wanted, first, last):
    # type: (list[str], str, int, int) -> int
    while first < last:
        middle = (first + last) // 2
        if keys[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first


# The character behind each one but the last.
_AFTER = dict([(native(octet(code)), native(octet(code + 1))) for code in range(255)])
