"""A shell on a pipe, which loses nothing.

What comes back ends in a mark that nobody can guess, and the status.  Nothing is sent
while the shell may be reading: dash takes a block of what comes, and a tool that is
told to take so many bytes may take more.
"""

from __future__ import annotations

import gzip
import re
import secrets
import time
from collections.abc import Mapping

from modferry.errors import TransportError
from modferry.shellside import scripts
from modferry.shellside.way import PORTION_BYTES, Recorder, Taker, Told, quoted
from modferry.transport.base import Transport

POLL_S = 0.2
PIECE_BYTES = 65_536
"""What a link takes at once, within its own limit of time."""

TEXT_BYTES = 4096
"""Of a file in one command, where it goes as text."""

MARK_BYTES = 128
"""As long as a mark with its status may be."""


class Pipe:
    """The shell of one box, on a pipe.

    timeout_s: in place of each command's own limit.
    """

    portion_bytes = PORTION_BYTES

    def __init__(
        self,
        transport: Transport,
        record: Recorder,
        box: str,
        timeout_s: float | None = None,
    ) -> None:
        """Take over a shell that waits for commands."""
        self.tools: Mapping[str, str] = {}
        self._box = box
        self._transport = transport
        self._record = record
        self._timeout_s = timeout_s
        token = secrets.token_hex(12)
        self._scratch = f"/tmp/modferry-{token}"  # noqa: S108 - it cannot be guessed
        self._mark = f"@@MF-{token}"
        self._end = re.compile(b"\n" + self._mark.encode() + rb" (\d+)\n")
        self._rest = b""

    @property
    def scratch(self) -> str:
        """Return the path of a directory that goes with the shell."""
        return self._scratch

    def enter(self, text: str) -> None:
        """Begin: have the shell run the text itself."""
        trap = f"trap 'rm -rf {self._scratch}' EXIT;trap 'exit 1' HUP TERM PIPE"
        self.say(f"{text};{trap}")

    def say(self, text: str) -> None:
        """Have the shell itself run a text; nothing is answered."""
        self._write(text.encode("latin-1") + b"\n")

    def run(self, script: str, take: Taker, limit_s: float) -> int:
        """Run a script in a shell below it; return its status."""
        # In a subshell: whatever it does, this shell stays.
        self.say(f"(\n{script}\n) </dev/null 2>/dev/null\n{self._ending}")
        return self._answer(take, limit_s)

    def put(
        self, path: str, content: bytes, told: Told, limit_s: float
    ) -> tuple[int, bytes]:
        """Write a new file; return the status, and what was said if it is not 0."""
        put = self._put_binary if "head" in self.tools else self._put_text
        return put(path, content, told, limit_s)

    def leave(self) -> None:
        """End the shell."""
        self._transport.write(b"exit\n")

    def _put_binary(
        self, path: str, content: bytes, told: Told, limit_s: float
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
        self.say(f"{ready};{{ {take}; }} 2>&1;{self._ending}")
        self._answer(lambda _: None, limit_s)
        for at in range(0, len(packed), PIECE_BYTES):
            self._write(packed[at : at + PIECE_BYTES])
            told(min(at + PIECE_BYTES, len(packed)), len(packed))
        said: list[bytes] = []
        return self._answer(said.append, limit_s), b"".join(said)

    def _put_text(
        self, path: str, content: bytes, told: Told, limit_s: float
    ) -> tuple[int, bytes]:
        place = quoted(path)
        said: list[bytes] = []
        status = self.run(f"exec 2>&1\n: >{place}", said.append, limit_s)
        for at in range(0, len(content), TEXT_BYTES):
            if status:
                break
            piece = content[at : at + TEXT_BYTES]
            line = f"exec 2>&1\nprintf {scripts.octal(piece)} >>{place}"
            status = self.run(line, said.append, limit_s)
            told(at + len(piece), len(content))
        return status, b"".join(said)

    @property
    def _ending(self) -> str:
        return f"printf '\\n%s %d\\n' {self._mark} $?"

    def _write(self, octets: bytes) -> None:
        self._record(">", octets)
        self._transport.write(octets)

    def _answer(self, take: Taker, limit_s: float) -> int:
        limit_s = self._timeout_s or limit_s
        held, self._rest = self._rest, b""
        last = time.monotonic()
        while (found := self._end.search(held)) is None:
            # The end of it may be the begin of the mark.
            take(held[:-MARK_BYTES])
            held = held[-MARK_BYTES:]
            came = self._transport.read(POLL_S)
            if came:
                self._record("<", came)
                last = time.monotonic()
                held += came
            elif time.monotonic() - last > limit_s:
                raise TransportError(
                    "the shell of the box does not answer",
                    where=self._box,
                    why=f"no byte came for {limit_s:.0f} s",
                    next_step="see what runs there; its disk may hang",
                )
        take(held[: found.start()])
        self._rest = held[found.end() :]
        return int(found[1])
