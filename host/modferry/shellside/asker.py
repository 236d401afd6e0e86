"""Questions to the program of `core.lineshell`, asked again until they are answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TypeVar

from modferry.core.lineshell import LINE_SUMS, Answers, line_to_box
from modferry.core.profile import Login
from modferry.endwatch import EndWatch
from modferry.errors import TransportError
from modferry.shellside.way import Recorder
from modferry.transport.base import Transport

POLL_S = 0.02
PATIENCE_S = 0.3
"""How long the box may think before it is asked again; then for longer each time."""

MOST_PATIENCE_S = 3.0
ALIVE_S = 2.0
"""So often the box hears of us while this machine thinks."""

GOODBYE_S = 2.0
QUIET_S = 0.01
HOLD_S = 0.25
"""A kernel that prints hears nothing; one that always prints is not waited for."""

TOOL_TRIES = 25
ANSWER_BYTES = 150
"""As long as an answer of the program's is that carries no output."""

Found = TypeVar("Found")
Pick = Callable[[list[str]], Found | None]
"""Takes the words of an answer; None: it is the answer to something else."""


class Asker:
    """Asks over one line.

    box: for messages.  console: takes what the box prints besides.
    token: of the program there.  baud: of the line.
    patience_s: how long an answer may take before it is asked for again.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of
        self,
        transport: Transport,
        record: Recorder,
        box: str,
        console: Callable[[bytes], None],
        token: str,
        baud: int,
    ) -> None:
        """Begin, and have the program know that somebody is there."""
        self._box = box
        self._transport = transport
        self._record = record
        self._token = token
        self._baud = baud
        self._end = EndWatch(Login().login_prompt)

        def heard(text: bytes) -> None:
            self._end.take(text, time.monotonic())
            console(text)

        self._answers = Answers(token, heard)
        self._waiting: list[list[str]] = []
        self.patience_s = PATIENCE_S
        self._lock = Lock()
        self._left = Event()
        self._alive = Thread(target=self._keep_alive, daemon=True)
        self._alive.start()

    def find_out(self) -> list[str]:
        """Return what the program says of itself; learn how its lines are summed."""

        def pick(words: list[str]) -> list[str] | None:
            return words[2:] if words[:2] == ["0", "a"] else None

        for tool in LINE_SUMS * TOOL_TRIES:
            # Lines that are summed otherwise are passed over there.
            self._answers.tool = tool
            self.send("0 a")
            told = self.next(pick, self.line_s(ANSWER_BYTES) + PATIENCE_S)
            if told:
                return told
        raise self.silent(TOOL_TRIES * len(LINE_SUMS) * PATIENCE_S)

    def leave(self) -> None:
        """End the program; the terminal is then put back as it was."""
        self._left.set()
        self._alive.join()
        limit = time.monotonic() + GOODBYE_S
        with suppress(TransportError):
            while time.monotonic() < limit:
                self.send("0 x")
                if self.next(lambda words: words == ["0", "x"] or None, PATIENCE_S):
                    return

    def ask(
        self, body: str, pick: Pick[Found], limit_s: float, flying: int = 0
    ) -> Found:
        """Return the answer to a question; TransportError: none came in time.

        flying: how many bytes are on the line before it.
        """
        began = time.monotonic()
        line_s = self.line_s(flying + len(body) + ANSWER_BYTES)
        patience_s = line_s + self.patience_s
        while True:
            self.send(body)
            found = self.next(pick, patience_s)
            took_s = time.monotonic() - began
            if found is not None:
                self._learn(took_s - line_s)
                return found
            if took_s > limit_s:
                raise self.silent(limit_s)
            patience_s = min(patience_s * 1.5, patience_s + MOST_PATIENCE_S)

    # A slow box that is asked again before it could answer becomes slower.
    def _learn(self, took_s: float) -> None:
        wanted = (3 * self.patience_s + 3 * took_s) / 4
        self.patience_s = max(PATIENCE_S, min(wanted, MOST_PATIENCE_S))

    def next(self, pick: Pick[Found], patience_s: float) -> Found | None:
        """Return the next answer that is picked; others are to earlier questions."""
        limit = time.monotonic() + patience_s
        while True:
            while self._waiting:
                found = pick(self._waiting.pop(0))
                if found is not None:
                    return found
            if time.monotonic() >= limit:
                return None
            self.listen(POLL_S)

    def listen(self, wait_s: float) -> bytes:
        """Take what comes in that time; return it.

        Raise BoxEndedError if the console says that no shell is there any more.
        """
        came = self._transport.read(wait_s)
        if came:
            self._record("<", came)
            answers = self._answers.feed(came)
            if answers:
                self._end.alive()
            self._waiting += answers
        self._end.check(time.monotonic(), self._box)
        return came

    def wait_for_quiet(self) -> None:
        """Let the box come to the end of what it prints."""
        limit = time.monotonic() + HOLD_S
        while self.listen(QUIET_S) and time.monotonic() < limit:
            pass

    def send(self, body: str) -> None:
        """Send a line, unless a getty or boot loader may be there to take it."""
        if self._end.doubts:
            return
        octets = line_to_box(self._token, body, self._answers.tool)
        with self._lock:
            self._record(">", octets)
            self._transport.write(octets)

    # The program leaves when it hears nothing; this machine may think for long.
    def _keep_alive(self) -> None:
        while not self._left.wait(ALIVE_S):
            with suppress(TransportError):
                self.send("0 k")

    def line_s(self, size: int) -> float:
        """Return how long the line takes for so many bytes."""
        return size * 10 / self._baud

    def silent(self, limit_s: float) -> TransportError:
        """Return the error for a box that answers nothing."""
        return TransportError(
            "the shell of the box does not answer",
            where=self._box,
            why=f"nothing whole came for {limit_s:.0f} s",
            next_step="see what runs there, and what its console says; its disk may "
            "hang",
        )
