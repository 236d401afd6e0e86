"""What a box's shell is asked for: runs, files, sums, a lock; over any way to it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from modferry.core import events
from modferry.errors import BootstrapError, ModferryError, ReplyError, TransportError
from modferry.shellside import scripts
from modferry.shellside.way import Taker, Way, quoted

START_LIMIT_S = 30.0
TIDY_LIMIT_S = 10.0
GZIP_FORMAT = 31
"""For zlib: gzip's header, and the largest window."""


class Shell:
    """The shell of one box.

    box: its name, for messages.
    tools: what the box has of the optional tools, by name.
    """

    def __init__(self, way: Way, box: str, sink: events.EventSink) -> None:
        """Take over a shell that waits for commands."""
        self.box = box
        self._way = way
        self._sink = sink

    @property
    def tools(self) -> Mapping[str, str]:
        """Return what the box has of the optional tools."""
        return self._way.tools

    @property
    def scratch(self) -> str:
        """Return a path for a directory, which the shell removes when it ends."""
        return self._way.scratch

    @property
    def portion_bytes(self) -> int:
        """Return how much of contents is to be asked for at once."""
        return self._way.portion_bytes

    def begin(self) -> None:
        """Prepare the shell, and learn what tools the box has."""
        self._way.enter(scripts.ENTER)
        text = self.text(scripts.PREPARE, limit_s=START_LIMIT_S)
        self._way.tools = dict(line.split("=", 1) for line in text.splitlines())
        if "sum" not in self.tools:
            raise BootstrapError(
                "the box has neither Python nor a tool for sums",
                where=self.box,
                why="without sha256sum, sha1sum or md5sum no file can be checked",
                next_step="install python3-minimal there, or a busybox with md5sum",
            )

    def run(self, script: str, *, limit_s: float) -> tuple[int, bytes]:
        """Return the status and the output of a script.

        limit_s: without a byte of an answer.  Raise TransportError after it.
        """
        output: list[bytes] = []
        status = self._way.run(script, output.append, limit_s)
        return status, b"".join(output)

    def text(self, script: str, *, limit_s: float) -> str:
        """Return the output of a script as text, one character a byte."""
        _, output = self.run(script, limit_s=limit_s)
        return output.decode("latin-1")

    def write_file(
        self, path: str, content: bytes, *, limit_s: float, name: str = ""
    ) -> None:
        """Write a new file on the box; raise ReplyError if what it reads is other.

        Whoever calls it chooses a path that is nobody's but ours.
        name: under which it is told how far it is, in place of the path.
        """

        def told(done: int, total: int) -> None:
            at = len(content) * done // total if total else 0
            self._sink(events.Progress(at, len(content), name or path))

        status, said = self._way.put(path, content, told, limit_s)
        if status:
            raise scripts.refused(said, path)
        if self.sums([path], limit_s=limit_s).get(path) != self.sum_of(content):
            raise ReplyError(
                "what arrived is not what was sent",
                code="transfer-damaged",
                where=f"{self.box}, {path}",
                next_step="try again; nothing was changed",
            )

    @property
    def sum_name(self) -> str:
        """Return which sum the box's tool computes: sha256, sha1 or md5."""
        return self.tools["sum"].removesuffix("sum")

    def sum_of(self, content: bytes) -> str:
        """Return the sum of a content, by the tool that the box has for it."""
        return hashlib.new(self.sum_name, content, usedforsecurity=False).hexdigest()

    def sums(self, paths: Iterable[str], *, limit_s: float) -> dict[str, str]:
        """Return path -> sum of the regular files among the paths."""
        found: dict[str, str] = {}
        for some in scripts.portions(paths):
            script = scripts.sums(self.tools["sum"], some)
            text = self.text(script, limit_s=limit_s)
            found |= scripts.parse_sums(text, some)
        return found

    def read_file(self, path: str, *, limit_s: float) -> bytes | None:
        """Return the content of a file, the kernel's own among them; None: no file."""
        pieces: list[bytes] = []
        there = self.stream_file(path, pieces.append, limit_s=limit_s)
        return b"".join(pieces) if there else None

    def stream_file(self, path: str, take: Taker, *, limit_s: float) -> bool:
        """Hand on the content of a file as it comes; False: there is none."""
        place = quoted(path)
        check = f"[ -f {place} ]&&[ -r {place} ]"
        if "gzip" not in self.tools:
            script = f"{check}||exit 1\ncat {place}"
            return not self._way.run(script, take, limit_s)
        unpack = zlib.decompressobj(GZIP_FORMAT)
        status = self._way.run(
            f"{check}||exit 1\ncat {place}|gzip -1c",
            lambda octets: take(unpack.decompress(octets)),
            limit_s,
        )
        return not status

    def output(self, check: str, command: str, *, limit_s: float) -> bytes | None:
        """Return the output of a command; None if the check before it fails."""
        pack = "|gzip -1c" if "gzip" in self.tools else ""
        script = f"{{ {check}; }}||exit 1\n{{ {command}; }}{pack}"
        status, octets = self.run(script, limit_s=limit_s)
        if status:
            return None
        return gzip.decompress(octets) if pack else octets

    @contextmanager
    def tidied(self, script: str) -> Iterator[None]:
        """Run a script at the end of a block, whose outcome it does not change.

        Not where nobody answers any more, or waits: what it would tidy goes with the
        shell, or is recognised by the shell's being gone.
        """
        try:
            yield
        except (TransportError, KeyboardInterrupt):
            raise
        except BaseException:
            self._tidy(script)
            raise
        self._tidy(script)

    def _tidy(self, script: str) -> None:
        with suppress(ModferryError):
            self.run(script, limit_s=TIDY_LIMIT_S)

    def lock(self, directory: str, *, wait_s: int) -> bool:
        """Lock a directory as the agent does, until `unlock`; False: another has it.

        A box without ``flock`` locks nothing.
        """
        if "flock" not in self.tools:
            return True
        place = quoted(directory)
        # In this shell itself: the lock lasts as long as the descriptor.
        self._way.say(f"[ -d {place} ]&&[ -r {place} ]&&exec 9<{place}")
        status, _ = self.run(
            f"i=0\nwhile ! flock -n 9; do\n"
            f"i=$((i+1));[ $i -gt {wait_s} ]&&exit 1;sleep 1; done",
            limit_s=wait_s + START_LIMIT_S,
        )
        return not status

    def unlock(self) -> None:
        """Let the next one in."""
        if "flock" in self.tools:
            self._way.say("exec 9<&-")

    def leave(self) -> None:
        """End the shell."""
        self._way.leave()
