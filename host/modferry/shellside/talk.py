"""A shell on a pipe, asked command by command.

What comes back ends in a mark that nobody can guess, and the status.  Nothing is sent
while the shell may be reading: dash takes a block of what comes, and a tool that is
told to take so many bytes may take more.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import shlex
import time
from collections.abc import Callable, Iterable, Mapping

from modferry.errors import BootstrapError, ReplyError, TransportError
from modferry.shellside import scripts
from modferry.transport.base import Transport

POLL_S = 0.2
PIECE_BYTES = 65_536
"""What a link takes at once, within its own limit of time."""

START_LIMIT_S = 30.0
TEXT_BYTES = 4096
"""Of a file in one command, where it goes as text."""

Recorder = Callable[[str, bytes], None]


class Shell:
    """The shell of one box.

    tools: what the box has of the optional tools, by name.
    scratch: a directory that the shell removes when it ends, however that comes.
    sent, received: bytes so far.
    timeout_s: in place of each command's own limit.
    """

    def __init__(
        self,
        transport: Transport,
        record: Recorder,
        box: str,
        timeout_s: float | None = None,
    ) -> None:
        """Take over a shell that waits for commands on a pipe."""
        self.box = box
        self.tools: Mapping[str, str] = {}
        self.sent = self.received = 0
        self._transport = transport
        self._record = record
        self._timeout_s = timeout_s
        token = secrets.token_hex(12)
        self.scratch = f"/tmp/modferry-{token}"  # noqa: S108 - it cannot be guessed
        self._mark = f"@@MF-{token}"
        self._end = re.compile(b"\n" + self._mark.encode() + rb" (\d+)\n")
        self._rest = b""

    def begin(self) -> None:
        """Prepare the shell, and learn what tools the box has."""
        self._say(scripts.ENTER.format(scratch=self.scratch) + "\n")
        text = self.text(scripts.PREPARE, limit_s=START_LIMIT_S)
        self.tools = dict(line.split("=", 1) for line in text.splitlines())
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
        # In a subshell: whatever it does, this shell stays.
        self._say(f"(\n{script}\n) </dev/null 2>/dev/null\n{self._ending}\n")
        return self._answer(limit_s)

    def text(self, script: str, *, limit_s: float) -> str:
        """Return the output of a script as text, one character a byte."""
        _, output = self.run(script, limit_s=limit_s)
        return output.decode("latin-1")

    def write_file(self, path: str, content: bytes, *, limit_s: float) -> None:
        """Write a new file on the box; raise ReplyError if what it reads is other.

        Whoever calls it chooses a path that is nobody's but ours.
        """
        if "head" in self.tools:
            status, said = self._write_binary(path, content, limit_s)
        else:
            status, said = self._write_text(path, content, limit_s)
        if status:
            raise scripts.refused(said, path)
        if self.sums([path], limit_s=limit_s).get(path) != self.sum_of(content):
            raise ReplyError(
                "what arrived is not what was sent",
                code="transfer-damaged",
                where=f"{self.box}, {path}",
                next_step="try again; nothing was changed",
            )

    def _write_binary(
        self, path: str, content: bytes, limit_s: float
    ) -> tuple[int, bytes]:
        packed = gzip.compress(content, 6) if "gzip" in self.tools else content
        unpack = "gzip -dc" if "gzip" in self.tools else "cat"
        # Whatever fails, all that is sent is taken: the shell must not read it.
        take = (
            f"head -c {len(packed)}|{{ {unpack} >{quoted(path)};s=$?;"
            "cat >/dev/null;exit $s; }"
        )
        # In one line, so that it is read whole before the file follows.
        ready = "printf '\\n%s 0\\n' " + self._mark
        self._say(f"{ready};{{ {take}; }} 2>&1;{self._ending}\n")
        self._answer(limit_s)
        for at in range(0, len(packed), PIECE_BYTES):
            self._write(packed[at : at + PIECE_BYTES])
        return self._answer(limit_s)

    def _write_text(
        self, path: str, content: bytes, limit_s: float
    ) -> tuple[int, bytes]:
        place = quoted(path)
        lines = [f": >{place}"]
        for at in range(0, len(content), TEXT_BYTES):
            piece = content[at : at + TEXT_BYTES]
            lines.append(f"printf {scripts.octal(piece)} >>{place}")
        status, said = 0, b""
        for line in lines:
            status, said = self.run(f"exec 2>&1\n{line}", limit_s=limit_s)
            if status:
                break
        return status, said

    def sum_of(self, content: bytes) -> str:
        """Return the sum of a content, by the tool that the box has for it."""
        name = self.tools["sum"].removesuffix("sum")
        return hashlib.new(name, content, usedforsecurity=False).hexdigest()

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
        place = quoted(path)
        return self.output(
            f"[ -f {place} ]&&[ -r {place} ]", f"cat {place}", limit_s=limit_s
        )

    def output(self, check: str, command: str, *, limit_s: float) -> bytes | None:
        """Return the output of a command; None if the check before it fails."""
        pack = "|gzip -1c" if "gzip" in self.tools else ""
        script = f"{{ {check}; }}||exit 1\n{{ {command}; }}{pack}"
        status, octets = self.run(script, limit_s=limit_s)
        if status:
            return None
        return gzip.decompress(octets) if pack else octets

    def lock(self, directory: str, *, wait_s: int) -> bool:
        """Lock a directory as the agent does, until `unlock`; False: another has it.

        A box without ``flock`` locks nothing.
        """
        if "flock" not in self.tools:
            return True
        place = quoted(directory)
        # In this shell itself: the lock lasts as long as the descriptor.
        self._say(f"[ -d {place} ]&&[ -r {place} ]&&exec 9<{place}\n")
        status, _ = self.run(
            f"i=0\nwhile ! flock -n 9; do\n"
            f"i=$((i+1));[ $i -gt {wait_s} ]&&exit 1;sleep 1; done",
            limit_s=wait_s + START_LIMIT_S,
        )
        return not status

    def unlock(self) -> None:
        """Let the next one in."""
        if "flock" in self.tools:
            self._say("exec 9<&-\n")

    def leave(self) -> None:
        """End the shell."""
        self._transport.write(b"exit\n")

    @property
    def _ending(self) -> str:
        return f"printf '\\n%s %d\\n' {self._mark} $?"

    def _say(self, text: str) -> None:
        self._write(text.encode("latin-1"))

    def _write(self, octets: bytes) -> None:
        self.sent += len(octets)
        self._record(">", octets)
        self._transport.write(octets)

    def _answer(self, limit_s: float) -> tuple[int, bytes]:
        limit_s = self._timeout_s or limit_s
        pieces = [self._rest]
        tail = self._rest
        last = time.monotonic()
        while (found := self._end.search(tail)) is None:
            came = self._transport.read(POLL_S)
            if came:
                self._record("<", came)
                self.received += len(came)
                last = time.monotonic()
                pieces.append(came)
                tail = tail[-128:] + came
            elif time.monotonic() - last > limit_s:
                raise TransportError(
                    "the shell of the box does not answer",
                    where=self.box,
                    why=f"no byte came for {limit_s:.0f} s",
                    next_step="see what runs there; its disk may hang",
                )
        whole = b"".join(pieces)
        behind = len(tail) - found.end()
        self._rest = whole[len(whole) - behind :]
        return int(found[1]), whole[: len(whole) - len(tail) + found.start()]


def quoted(word: str) -> str:
    """Return a word as a shell takes it literally."""
    return shlex.quote(word)
