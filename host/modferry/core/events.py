"""What happens during a session besides its results: for a person to watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsoleText:
    """Something the box printed on its console that is no frame of ours.

    text: one line, without its end; may hold any character.
    time: seconds since the session began.
    """

    text: str
    time: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long piece of work is.

    done, total: bytes or pieces; total is 0 where it is not known.
    what: the work, in the words of the user: a file, a step.
    """

    done: int
    total: int
    what: str


@dataclass(frozen=True, slots=True)
class State:
    """A step of the way to the agent that was reached, such as "logged in"."""

    text: str


Event = ConsoleText | Progress | State
EventSink = Callable[[Event], None]
"""What takes the events of a session, in the order in which they happen."""


def ignore(event: Event) -> None:
    """Take an event and do nothing: the sink of a caller who watches nothing."""
