"""What a shell of a box is asked over: commands there, status and output back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Protocol

Recorder = Callable[[str, bytes], None]
"""Takes the direction (``>`` to the box, ``<`` from it) and the bytes."""

Taker = Callable[[bytes], None]
"""Takes an output as it comes, in its order."""

Told = Callable[[int, int], None]
"""Takes how many bytes of how many have gone."""

PORTION_BYTES = 4 << 20


class Way(Protocol):
    """A shell that obeys, whatever it is reached by.

    scratch: a directory on the box that goes when the shell ends, however that comes;
        nothing is there until somebody makes it.
    tools: what the box has of the optional tools; they are looked for over the way.
    portion_bytes: of contents in one answer.
    """

    tools: Mapping[str, str]
    portion_bytes: int

    @property
    def scratch(self) -> str:
        """Return the path of the directory."""

    def enter(self, text: str) -> None:
        """Begin: have the shell run the text itself."""

    def say(self, text: str) -> None:
        """Have the shell itself run a text; nothing is answered."""

    def run(self, script: str, take: Taker, limit_s: float) -> int:
        """Run a script in a shell below it; return its status.

        take: gets the output as it comes.
        limit_s: without a sign of it.  Raise TransportError after it.
        """

    def put(
        self, path: str, content: bytes, told: Told, limit_s: float
    ) -> tuple[int, bytes]:
        """Write a new file; return the status, and what was said if it is not 0."""

    def leave(self) -> None:
        """End the shell."""


def quoted(word: str) -> str:
    """Return a word as a shell takes it literally."""
    return shlex.quote(word)
