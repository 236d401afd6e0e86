"""Modules outside of the tree, in a mirror.

A line ``external`` of depmod.d puts whole paths into modules.dep.  On the box they
begin at its root, in a mirror at the mirror's.
"""

from __future__ import annotations

import re

from modferry.errors import ReplyError
from modferry.shellside.mirror import Mirror
from modferry_agent.compat import native, raw
from modferry_agent.core.names import split_paths
from modferry_agent.core.trie import build, encode
from modferry_agent.core.triereader import Index
from modferry_agent.errors import AgentError

TEXT, BINARY = "modules.dep", "modules.dep.bin"

Entries = list[tuple[str, int, str]]
"""Key, priority and line of each module in modules.dep.bin."""


class Outside:
    """What a tree's modules.dep and modules.dep.bin name outside of the tree.

    paths: whole, each once, in the agent's text.
    """

    def __init__(self, text: bytes, binary: bytes) -> None:
        """Read both; ``b""``: it is not there."""
        self._lines = native(text).split("\n")
        self._entries, self._damaged = _entries(binary) if binary else ([], False)
        found: dict[str, None] = {}
        for line in (*self._lines, *(line for _, _, line in self._entries)):
            path, _, rest = line.partition(":")
            found.update(dict.fromkeys((path, *split_paths(rest))))
        self.paths = [path for path in found if path.startswith("/")]
        # Of one that is damaged nobody knows what it still leads to.
        self._doubtful = self._damaged and (bool(self.paths) or not text)

    def place(self, mirror: Mirror, tree: str) -> None:
        """Have the mirror's two files name them as they are in the mirror."""
        if self._doubtful:
            mirror.write(f"{tree}/{BINARY}", b"damaged")
        if not self.paths:
            return
        # Their names are to stand in lines that blanks and colons part.
        if not re.fullmatch(r"[!-9;-~]+", mirror.root):
            raise ReplyError(
                "the cache is in a place whose name cannot stand in an index",
                code="cache-place",
                where=mirror.root,
                why="there are modules outside of the module tree, and the name has "
                "a blank, a colon or a letter that is not ASCII",
                next_step="set XDG_CACHE_HOME to another place",
            )
        lines = [_placed(mirror.root, line) for line in self._lines]
        mirror.write(f"{tree}/{TEXT}", raw("\n".join(lines)))
        if self._entries and not self._damaged:
            pairs = [
                (key, _placed(mirror.root, line), priority)
                for key, priority, line in self._entries
            ]
            mirror.write(f"{tree}/{BINARY}", encode(build(pairs)))


def _entries(binary: bytes) -> tuple[Entries, bool]:
    found: Entries = []
    try:
        found.extend(Index(binary).items())
    except AgentError:
        return found, True
    return found, False


def _placed(root: str, line: str) -> str:
    return " ".join(
        root + word if word[:1] == "/" else word for word in line.split(" ")
    )
