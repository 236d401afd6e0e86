"""A root on this machine with the files of a box, for the agent's code to work on.

Links are made anew so that they lead to where they lead on the box, and never out of
this root.  Its name is no part of any answer: `roots` finds it there.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from modferry.errors import ReplyError
from modferry.shellside.contents import Contents
from modferry.shellside.gather import Gathered
from modferry_agent.core.names import is_module_file

PREFIX = "mirror-"

NOWHERE = "/no/such/root"
"""Where the agent's code looks for what a box is asked for in another way."""

FUTURE_S = 4_000_000_000
"""A time after that of any content kept here, which is that of its last use."""


class Mirror:
    """One such root.

    root: its path, in the agent's text: one character a byte.
    """

    def __init__(self, root: Path, contents: Contents) -> None:
        """Take an empty directory on the file system of the contents."""
        self.root = os.fsencode(root).decode("latin-1")
        self._contents = contents
        self._taken: set[str] = set()
        self._indexed = 0
        self._order: Mapping[str, int] = {}

    def build(self, gathered: Gathered) -> None:
        """Make the files and links that were gathered."""
        self._order = gathered.order
        times = [node.mtime for path, node in gathered.nodes.items()
                 if path.endswith("/modules.dep")]  # fmt: skip
        self._indexed = min(times, default=0)
        made: dict[tuple[int, int], bytes] = {}
        for path in sorted(gathered.nodes):
            node, place = gathered.nodes[path], self.raw(path)
            if stat.S_ISDIR(node.kind):
                os.makedirs(place, exist_ok=True)  # noqa: PTH103 - no text path
            elif node.identity in made:
                os.link(made[node.identity], place)
            elif not stat.S_ISREG(node.kind):
                os.mkfifo(place)
            elif path in gathered.sums:
                self._fill(path, gathered.sums[path], node.mtime)
                made[node.identity] = place
            else:
                # Too large, or of no interest: there, but without its content.
                with open(place, "wb") as stream:  # noqa: PTH123 - no text path
                    stream.truncate(node.size)
        for path, target in gathered.links.items():
            leads = {None: "/missing/link", "": path}.get(target, target)
            with suppress(FileExistsError):
                os.symlink(self.raw(leads or ""), self.raw(path))  # noqa: PTH211

    def names_in(self, directory: bytes) -> list[bytes]:
        """Return the names in a directory of this root, in the box's order."""
        place = os.path.realpath(directory)
        path = place.decode("latin-1").removeprefix(self.root) + "/"
        last = len(self._order)
        return sorted(
            os.listdir(place),  # noqa: PTH208 - no text path
            key=lambda name: self._order.get(path + name.decode("latin-1"), last),
        )

    def fill(self, gathered: Gathered, paths: list[str]) -> None:
        """Give files that are there without their contents what was gathered since."""
        for path in paths:
            if path in gathered.sums:
                os.unlink(self.raw(path))  # noqa: PTH108 - no text path
                self._fill(path, gathered.sums[path], gathered.nodes[path].mtime)

    def _fill(self, path: str, sha256: str, mtime: int) -> None:
        if self._contents.read(sha256) is None:
            raise ReplyError(
                "a file that was kept here is gone, or damaged",
                code="cache-damaged",
                where=str(self._contents.place(sha256)),
                next_step="try again: it is fetched anew",
            )
        source, place = self._contents.place(sha256), self.raw(path)
        newer = mtime > self._indexed
        module = is_module_file(path.rpartition("/")[2])
        if module and not newer and sha256 not in self._taken:
            # The same content twice is two files on the box: only one can be this.
            self._taken.add(sha256)
            os.link(source, place)
            return
        shutil.copyfile(source, place)
        when = FUTURE_S + (1 if newer else 0)
        os.utime(place, (when, when))

    def place(self, path: str) -> str:
        """Return where a path of the box is here, in the agent's text."""
        return self.root + path

    def raw(self, path: str) -> bytes:
        """Return where a path of the box is here, as bytes."""
        return self.place(path).encode("latin-1")

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None if there is none."""
        try:
            return Path(os.fsdecode(self.raw(path))).read_bytes()
        except OSError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a file that the agent's code is to find, as old as the one there."""
        place = Path(os.fsdecode(self.raw(path)))
        place.parent.mkdir(parents=True, exist_ok=True)
        before = place.stat() if place.exists() else None
        place.write_bytes(content)
        if before is not None:
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


@contextmanager
def mirror_of(gathered: Gathered, contents: Contents) -> Iterator[Mirror]:
    """Yield a root with what was gathered; it is gone after."""
    contents.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=contents.folder) as name:
        made = Mirror(Path(name).resolve(), contents)
        made.build(gathered)
        yield made


def roots(contents: Contents) -> re.Pattern[str]:
    """Return what finds the roots of mirrors, in the agent's text."""
    folder = os.fsencode(contents.folder.resolve()).decode("latin-1")
    return re.compile(f"{re.escape(folder)}/{PREFIX}[a-z0-9_]+|{NOWHERE}")
