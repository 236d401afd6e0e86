"""What an engine is: it takes the names of boxes and gives back their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from modferry.core.results import Result


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a box, and the steps on the way to it, each with its time."""

    result: Result
    steps: tuple[tuple[float, str], ...] = ()


Job = Callable[[str, Event], Done]
"""Does the work on one box: its name, and what is set when it is to stop early."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A box's work has ended, after so many seconds."""

    name: str
    done: Done
    seconds: float


class Engine(Protocol):
    """Runs the same job on many boxes at once."""

    def has_room(self) -> bool:
        """Say whether another box may be started now."""

    def start(self, name: str) -> None:
        """Start the work on a box."""

    def ended(self, timeout_s: float) -> list[Ended]:
        """Return what has ended, waiting so long for the first."""

    def stop(self) -> None:
        """Tell all that runs to end soon; `ended` still gives what does."""

    def close(self) -> None:
        """Let go of what the engine holds; what still runs is left behind."""
