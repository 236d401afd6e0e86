"""The index trie read: look-ups as kmod makes them, with every offset checked.

The format is drawn in `core.trie`.
"""

import struct

from modferry_agent.compat import native
from modferry_agent.core import fnmatch
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

MAGIC = 0xB007F457
VERSION = 0x00020001
HEADER_BYTES = 12

HAS_PREFIX = 0x80000000
HAS_VALUES = 0x40000000
HAS_CHILDREN = 0x20000000
OFFSET_MASK = 0x0FFFFFFF

_WILDCARDS = "*?["

# No alias and no symbol is so long; without a bound a small file could fill the memory.
_MOST_KEY = 1 << 16


def in_index_order(values):
    # type: (list[tuple[int, str]]) -> list[tuple[int, str]]
    """Return ``(priority, text)`` by priority, of equal ones the later first."""
    later_first = values[::-1]
    return sorted(later_first, key=lambda value: value[0])


class Index(object):
    """A written index, read with every offset checked.

    Raises FormatError with code ``index-damaged``, here and in the look-ups.

    Source: kmod, libkmod/libkmod-index.c, which trusts the file and crashes.
    """

    def __init__(self, data):
        # type: (bytes) -> None
        """Read the header."""
        if len(data) < HEADER_BYTES:
            raise _damaged("the index has %d bytes" % len(data))
        magic, version, self._root = struct.unpack(">III", data[:HEADER_BYTES])
        if magic != MAGIC or version >> 16 != VERSION >> 16:
            raise _damaged("the index starts with %08x %08x" % (magic, version))
        self.data = data
        self._text = native(data)

    def lookup(self, key):
        # type: (str) -> list[str]
        """Return the values of exactly that key; kmod takes the first of them."""
        word = self._root
        at = 0
        while word:
            prefix, children, values = self._node(word)
            if not key.startswith(prefix, at):
                return []
            at += len(prefix)
            if at == len(key):
                return [text for _priority, text in values]
            word = _child(children, key[at])
            at += 1
        return []

    def match(self, name):
        # type: (str) -> list[str]
        """Return the values of all keys that match the name as a pattern would.

        Source: kmod, libkmod/libkmod-index.c, index_searchwild__node.
        """
        found = []  # type: list[tuple[int, str]]
        word = self._root
        at = 0
        while word:
            prefix, children, values = self._node(word)
            wild = _first_wildcard(prefix)
            if not name.startswith(prefix[:wild], at):
                break
            at += wild
            if wild < len(prefix):
                self._collect(word, prefix[:wild], name[at:], found)
                break
            for letter in _WILDCARDS:
                below = _child(children, letter)
                if below:
                    self._collect(below, None, name[at:], found, letter)
            if at == len(name):
                found.extend(values)
                break
            word = _child(children, name[at])
            at += 1
        return _texts(found)

    def items(self):
        # type: () -> Iterator[tuple[str, int, str]]
        """Yield ``(key, priority, value)`` in the order of the trie."""
        for key, values in self._below(self._root, ""):
            for priority, text in values:
                yield key, priority, text

    def _collect(self, word, known, name, found, start=""):
        # type: (int, str | None, str, list[tuple[int, str]], str) -> None
        # Of the keys below a node, those parts behind ``known`` that match the name.
        skip = len(known or "")
        # kmod meets the children, by byte, before the node's own values: the reverse of
        # meeting the node first and the last child next.
        for key, values in reversed(list(self._below(word, start, descending=True))):
            if values and fnmatch.matches(key[skip:], name):
                found.extend(values)

    def _below(self, word, start, descending=False):
        # type: (int, str, bool) -> Iterator[tuple[str, list[tuple[int, str]]]]
        waiting = [(word, start)] if word else []
        # Each node has bytes of its own: whoever needs more than there are goes round.
        left = len(self.data)
        while waiting:
            word, key = waiting.pop()
            prefix, (first, words), values = self._node(word)
            key += prefix
            left -= 1 + len(prefix) + 4 * len(words)
            left -= sum([5 + len(text) for _priority, text in values])
            if left < 0 or len(key) > _MOST_KEY:
                raise _damaged("the index is cyclic")
            yield key, values
            below = [
                (child, key + chr(first + place))
                for place, child in enumerate(words)
                if child
            ]
            waiting.extend(below if descending else reversed(below))

    def _node(self, word):
        # type: (int) -> tuple[str, tuple[int, tuple[int, ...]], list[tuple[int, str]]]
        # Return prefix, (first byte, words) of the children, values.
        at = word & OFFSET_MASK
        prefix = ""
        children = (0, ())  # type: tuple[int, tuple[int, ...]]
        values = []
        if word & HAS_PREFIX:
            prefix, at = self._string(at)
        if word & HAS_CHILDREN:
            first, last = self._numbers(">BB", at)
            if last < first:
                raise _damaged(
                    "children from %d to %d at offset %d" % (first, last, at)
                )
            children = (first, self._numbers(">%dI" % (last - first + 1), at + 2))
            at += 2 + 4 * (last - first + 1)
        if word & HAS_VALUES:
            count = self._numbers(">I", at)[0]
            at += 4
            if count > len(self.data):
                raise _damaged("%d values at offset %d" % (count, at))
            for _index in range(count):
                priority = self._numbers(">I", at)[0]
                text, at = self._string(at + 4)
                values.append((priority, text))
        return prefix, children, values

    def _numbers(self, layout, at):
        # type: (str, int) -> tuple[int, ...]
        size = struct.calcsize(layout)
        if at + size > len(self.data):
            raise _damaged("the index ends within a node at offset %d" % at)
        return struct.unpack(layout, self.data[at : at + size])

    def _string(self, at):
        # type: (int) -> tuple[str, int]
        end = self._text.find("\0", at)
        if end < 0:
            raise _damaged("the index ends within a text at offset %d" % at)
        return self._text[at:end], end + 1


def _child(children, letter):
    # type: (tuple[int, tuple[int, ...]], str) -> int
    place = ord(letter) - children[0]
    return children[1][place] if 0 <= place < len(children[1]) else 0


def _texts(values):
    # type: (list[tuple[int, str]]) -> list[str]
    return [text for _priority, text in in_index_order(values)]


def _first_wildcard(prefix):
    # type: (str) -> int
    places = [prefix.find(letter) for letter in _WILDCARDS if letter in prefix]
    return min(places) if places else len(prefix)


def _damaged(message):
    # type: (str) -> FormatError
    return FormatError(
        message, hint="write the indexes anew by depmod", code="index-damaged"
    )
