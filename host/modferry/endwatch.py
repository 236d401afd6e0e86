"""Watch the console of a box at work for the end of all that runs there."""

from __future__ import annotations

import re

from modferry.core.boxend import KEPT_BYTES, RESTARTED, end_in
from modferry.errors import BoxEndedError

BELIEVED_S = 1.5
"""As long must no frame have come since the sign: an agent that lives sends some."""


class EndWatch:
    """Knows whether the box may have ended, and since when."""

    def __init__(self, login_prompt: str) -> None:
        """Begin with nothing read.

        login_prompt: of a getty, as a pattern for the text's end; a getty begins where
        what ran on that line before has ended.
        """
        self._prompt = re.compile(login_prompt.encode())
        self._text = b""
        self._ended = self._before = ""
        self._sign = b""
        self._since = 0.0
        self._asked_for_login = False

    @property
    def doubts(self) -> bool:
        """Say whether nothing may be sent: a getty or boot loader would take it."""
        return bool(self._ended)

    def alive(self) -> None:
        """Take note that a frame came: what was read before says nothing."""
        self._text, self._ended, self._asked_for_login = b"", "", False

    def take(self, text: bytes, now: float) -> None:
        """Read what came beside the frames."""
        if self._ended and not self._asked_for_login:
            self._sign = (self._sign + text)[:KEPT_BYTES]
            return
        # One read may bring much behind a sign: it is looked for before the cut.
        text = self._text + text
        self._text = text[-KEPT_BYTES:]
        ended, at = end_in(text)
        # What others print may end like a prompt, and go on behind it.
        self._asked_for_login = not ended and bool(self._prompt.search(self._text))
        if self._asked_for_login:
            ended, at = RESTARTED, len(text)
        if ended and not self._ended:
            self._since = now
            self._before, self._sign = last_lines(text[:at]), text[at:]
        self._ended = ended

    def check(self, now: float, name: str) -> None:
        """Raise BoxEndedError if no frame has come since a sign for long enough."""
        if not self._ended or now - self._since < BELIEVED_S:
            return
        error = BoxEndedError(
            f"{self._ended} meanwhile",
            where=name,
            why=f"on its console:\n{self._said()}",
            next_step="give the same command again once it is up: it goes on with what "
            "is there; modferry console shows what the box does",
        )
        error.is_back = self._ended == RESTARTED
        raise error

    # The line with the sign, and what led to it: there may be much behind.
    def _said(self) -> str:
        sign = last_lines(self._sign.partition(b"\n")[0])
        return "\n".join(filter(None, (self._before, sign)))


def last_lines(text: bytes, count: int = 3) -> str:
    """Return the last lines of a text that have something in them."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").split("\n")]
    return "\n".join([line for line in lines if line][-count:])
