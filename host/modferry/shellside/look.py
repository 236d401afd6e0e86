"""Learn of a box's files: the picture of them, filled by questions to its shell."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from modferry.shellside import scripts
from modferry.shellside.picture import (
    MISSING,
    Picture,
    Unknown,
    parse_listing,
    parse_ls,
)
from modferry.shellside.talk import Shell
from modferry.shellside.way import quoted

LIMIT_S = 300.0
"""Without a byte: a disk that spins up, a tree that is not in memory."""

Found = TypeVar("Found")


class Looker:
    """Asks one box for what the picture lacks."""

    def __init__(self, shell: Shell) -> None:
        """Begin with an empty picture."""
        self.picture = Picture()
        self._shell = shell

    def asked(self, question: Callable[[], Found]) -> Found:
        """Return the answer to a question, learning what it needs to know."""
        while True:
            try:
                return question()
            except Unknown as unknown:
                self.learn(unknown.paths)

    def resolve(self, path: str) -> str | None:
        """Return the path without links; None or "": it leads nowhere."""
        return self.asked(lambda: self.picture.resolve(path))

    def learn(self, paths: Iterable[str]) -> None:
        """Learn what these names are."""
        wanted = [path for path in paths if path not in self.picture.nodes]
        for some in scripts.portions(wanted):
            self._take(f"set -- {scripts.words_of(some)}\n{self._show}")
        for path in wanted:
            self.picture.nodes.setdefault(path, MISSING)
        self._read_links()

    def learn_tree(self, top: str) -> str | None:
        """Learn all names below a directory, which may be a link; return its path.

        What links in it lead to is not learnt.  None: there is no such directory.
        """
        place = self.resolve(top)
        if not place or self.picture.nodes[place].kind != stat.S_IFDIR:
            return None
        if place not in self.picture.listed:
            if "plus" in self._shell.tools:
                act = f"-exec stat -c '{scripts.LIST_FORMAT}' {{}} +"
            elif "stat" in self._shell.tools:
                act = f"-exec stat -c '{scripts.LIST_FORMAT}' {{}} \\;"
            else:
                act = "-exec ls -lind {} \\;"
            for path in self._take(f"find {quoted(place)} {act}"):
                self.picture.order.setdefault(path, len(self.picture.order))
            self.picture.listed.add(place)
            self._read_links()
        return place

    @property
    def _show(self) -> str:
        # stat tells of those that are there, in spite of those that are not.
        if "stat" in self._shell.tools:
            return f"stat -c '{scripts.LIST_FORMAT}' \"$@\""
        return 'ls -lind "$@"'

    def _take(self, script: str) -> list[str]:
        text = self._shell.text(script, limit_s=LIMIT_S)
        parse = parse_listing if "stat" in self._shell.tools else parse_ls
        found = list(parse(text))
        for path, node in found:
            self.picture.add(path, node)
        return [path for path, _ in found]

    def _read_links(self) -> None:
        for some in scripts.portions(self.picture.links_to_read()):
            # Source: POSIX, ls: "%s -> %s" of a link in the long format.
            text = self._shell.text(
                f'for f in {scripts.words_of(some)}; do l=$(ls -ld "$f")\n'
                'printf "%s\\n" "${l#*"$f" -> }"; done',
                limit_s=LIMIT_S,
            )
            for path, target in zip(some, text.split("\n"), strict=False):
                node = self.picture.nodes[path]
                self.picture.add(path, replace(node, target=target or "."))
