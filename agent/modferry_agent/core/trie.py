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

from modferry_agent.compat import raw
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

__all__ = ["Index", "Node", "build", "encode"]

# Both halves of the format are found under this name.
Index = triereader.Index


class Node(object):
    """One node: the rest of its edge, its children by byte, its values."""

    __slots__ = ("prefix", "children", "values")

    def __init__(self, prefix):
        # type: (str) -> None
        """Make a node without children and values."""
        self.prefix = prefix
        self.children = {}  # type: dict[str, Node]
        self.values = []  # type: list[tuple[int, str]]


def build(pairs):
    # type: (Iterable[tuple[str, str, int]]) -> Node
    """Return the root of the trie of ``(key, value, priority)``.

    Of equal priorities under one key the later pair stands first, as in kmod.
    """
    root = Node("")
    for key, value, priority in pairs:
        _insert(root, key).values.append((priority, value))
    return root


def _insert(root, key):
    # type: (Node, str) -> Node
    # Return the node of the key, made if it was not there.
    node = root
    at = 0
    size = len(key)
    while at < size:
        letter = key[at]
        at += 1
        child = node.children.get(letter)
        if child is None:
            child = Node(key[at:])
            node.children[letter] = child
            return child
        prefix = child.prefix
        if not key.startswith(prefix, at):
            common = 0
            for one, other in zip(prefix, key[at:]):
                if one != other:
                    break
                common += 1
            upper = Node(prefix[:common])
            upper.children[prefix[common]] = child
            child.prefix = prefix[common + 1 :]
            node.children[letter] = upper
            child = upper
            at += common
        else:
            at += len(prefix)
        node = child
    return node


def encode(root, order="pre"):
    # type: (Node, str) -> bytes
    """Return the index file of a trie; order ``pre`` (kmod 34) or ``post`` (to 33)."""
    if order == "pre":
        word, pieces = _encode_before(root)
    else:
        word, pieces = _encode_behind(root)
    size = HEADER_BYTES + sum([len(piece) for piece in pieces])
    if size > OFFSET_MASK:
        raise FormatError("the index would be too large", code="index-too-large")
    return struct.pack(">III", MAGIC, VERSION, word) + b"".join(pieces)


def _encode_before(root):
    # type: (Node) -> tuple[int, list[bytes]]
    pieces = []  # type: list[bytes]
    tables = []  # type: list[tuple[int, list[int]]]
    position = HEADER_BYTES
    # What waits to be written: the node, its parent's table, its place therein.
    first_table = [0]
    waiting = [(root, first_table, 0)]
    while waiting:
        node, table, place = waiting.pop()
        word = position
        if node.prefix:
            word |= HAS_PREFIX
            piece = raw(node.prefix) + b"\0"
            position += len(piece)
            pieces.append(piece)
        if node.children:
            word |= HAS_CHILDREN
            letters = sorted(node.children)
            first = ord(letters[0])
            below = [0] * (ord(letters[-1]) - first + 1)
            pieces.append(raw(letters[0] + letters[-1]))
            tables.append((len(pieces), below))
            pieces.append(b"")
            position += 2 + 4 * len(below)
            for letter in reversed(letters):
                waiting.append((node.children[letter], below, ord(letter) - first))
        if node.values:
            word |= HAS_VALUES
            piece = _encode_values(node.values)
            position += len(piece)
            pieces.append(piece)
        table[place] = word
    for index, below in tables:
        pieces[index] = struct.pack(">%dI" % len(below), *below)
    return first_table[0] if pieces else HEADER_BYTES, pieces


def _encode_behind(root):
    # type: (Node) -> tuple[int, list[bytes]]
    pieces = []  # type: list[bytes]
    position = HEADER_BYTES
    words = {}  # type: dict[int, int]
    # Each node is met twice: first its children are put before it, then it is written.
    waiting = [(root, False)]
    while waiting:
        node, is_ready = waiting.pop()
        letters = sorted(node.children)
        if letters and not is_ready:
            waiting.append((node, True))
            for letter in reversed(letters):
                waiting.append((node.children[letter], False))
            continue
        word = position
        piece = b""
        if node.prefix:
            word |= HAS_PREFIX
            piece = raw(node.prefix) + b"\0"
        if letters:
            word |= HAS_CHILDREN
            first = ord(letters[0])
            below = [0] * (ord(letters[-1]) - first + 1)
            for letter in letters:
                below[ord(letter) - first] = words.pop(id(node.children[letter]))
            piece += raw(letters[0] + letters[-1])
            piece += struct.pack(">%dI" % len(below), *below)
        if node.values:
            word |= HAS_VALUES
            piece += _encode_values(node.values)
        words[id(node)] = word
        position += len(piece)
        pieces.append(piece)
    return words[id(root)], pieces


def _encode_values(values):
    # type: (list[tuple[int, str]]) -> bytes
    if len(values) == 1:
        priority, text = values[0]
        return struct.pack(">II", 1, priority) + raw(text) + b"\0"
    pieces = [struct.pack(">I", len(values))]
    for priority, text in in_index_order(values):
        pieces.append(struct.pack(">I", priority) + raw(text) + b"\0")
    return b"".join(pieces)
