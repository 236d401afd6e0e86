"""What is known of a box's files: kinds, sizes, links; pure.

A path is resolved as the box's kernel would do it, with the box's own links.  What is
not known yet raises `Unknown`, so that it can be asked for.
"""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LINE = re.compile(r"([0-9a-f]+) (\d+) (\d+) (\d+) (-?\d+) (.*)", re.DOTALL)
LS_LINE = re.compile(
    r" *(\d+) +([-a-zA-Z.+@]{10,12}) +\d+ +\d+ +\d+ +(?:\d+, *)?(\d+)"
    r" +\S+ +\d+ +\S+ (.*)",
    re.DOTALL,
)
"""Of ``ls -lind`` in the C locale. Source: POSIX, ls, STDOUT."""

KINDS = {"d": stat.S_IFDIR, "l": stat.S_IFLNK, "-": stat.S_IFREG}
MOST_LINKS = 40
"""As many links the kernel follows in a path. Source: path_resolution(7)."""


class Unknown(Exception):  # noqa: N818 - no error: a question
    """Paths of which nothing is known yet.

    paths: all that are needed on the way, as far as they can be told.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Keep the paths."""
        super().__init__("unknown paths")
        self.paths = tuple(paths)


@dataclass(frozen=True, slots=True)
class Node:
    """One name on the box.

    kind: as of ``stat``; 0: there is no such name.  identity: device and inode.
    target: of a link, as it is written.
    """

    kind: int
    identity: tuple[int, int] = (0, 0)
    size: int = 0
    mtime: int = 0
    target: str = ""


MISSING = Node(0)


class Picture:
    """The names of a box by path; a path here has no link, dot or slash too many.

    listed: directories all below which is known.  order: of the names there, as the
        box's file system lists them.
    """

    def __init__(self) -> None:
        """Begin with the root alone."""
        self.nodes: dict[str, Node] = {"/": Node(stat.S_IFDIR, (0, 2))}
        self.listed: set[str] = set()
        self.order: dict[str, int] = {}

    def add(self, path: str, node: Node) -> None:
        """Learn of a name."""
        self.nodes[path] = node

    def links_to_read(self) -> list[str]:
        """Return the links whose target is not known yet."""
        return [
            path for path, node in self.nodes.items()
            if node.kind == stat.S_IFLNK and not node.target
        ]  # fmt: skip

    def resolve(self, path: str) -> str | None:
        """Return the path without links; None: it leads nowhere; "": links in a circle.

        Raise Unknown for names on the way that are not known.
        """
        waiting = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        here, links = "/", 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                here = posixpath.dirname(here)
                continue
            place = posixpath.join(here, part)
            node = self.nodes.get(place)
            if node is None:
                if self._has_listed(place):
                    return None
                raise Unknown(_prefixes(place, waiting))
            if node.kind == stat.S_IFLNK:
                links += 1
                if links > MOST_LINKS:
                    return ""
                if node.target.startswith("/"):
                    here = "/"
                parts = node.target.split("/")
                waiting += [each for each in reversed(parts) if each not in ("", ".")]
            elif node.kind == 0 or (waiting and node.kind != stat.S_IFDIR):
                return None
            else:
                here = place
        return here

    def _has_listed(self, path: str) -> bool:
        # All below a directory that was listed is known.
        while path != "/":
            path = posixpath.dirname(path)
            if path in self.listed:
                return True
        return False

    def below(self, top: str) -> Iterator[tuple[str, Node]]:
        """Yield the names below a directory, each directory before what is in it."""
        start = top.rstrip("/") + "/"
        for path in sorted(self.nodes):
            if path.startswith(start) and path != "/":
                yield path, self.nodes[path]


def _prefixes(place: str, waiting: list[str]) -> list[str]:
    # If none of them is a link, these are all the names on the way.
    paths = [place]
    for part in reversed(waiting):
        if part == "..":
            break
        paths.append(posixpath.join(paths[-1], part))
    return paths


def parse_listing(text: str) -> Iterator[tuple[str, Node]]:
    """Yield path and node of what ``stat -c`` with `scripts.LIST_FORMAT` printed."""
    for fields in _records(text, LINE):
        mode, device, inode, size, mtime, path = fields
        kind = stat.S_IFMT(int(mode, 16))
        yield path, Node(kind, (int(device), int(inode)), int(size), int(mtime))


def parse_ls(text: str) -> Iterator[tuple[str, Node]]:
    """Yield path and node of what ``ls -lind`` printed; of links the target, too."""
    for inode, mode, size, rest in _records(text, LS_LINE):
        kind = KINDS.get(mode[0], stat.S_IFIFO)
        path, target = rest, ""
        if kind == stat.S_IFLNK:
            path, _, target = rest.partition(" -> ")
        yield path, Node(kind, (0, int(inode)), int(size), 0, target)


def _records(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    # A line that is no record is the rest of a name with a newline in it.
    whole = ""
    for line in text.split("\n")[:-1]:
        if pattern.fullmatch(line) or not whole:
            if found := pattern.fullmatch(whole):
                yield found.groups()
            whole = line
        else:
            whole += "\n" + line
    if found := pattern.fullmatch(whole):
        yield found.groups()
