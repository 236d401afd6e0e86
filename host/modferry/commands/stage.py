"""Where the demo plays: its box, what a person sees, the claims that were checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from modferry.core.results import with_box
from modferry.errors import BoxError
from modferry.fleet.inventory import read_inventory
from modferry.lab.box import PracticeBox
from modferry.lab.ssh import run_on
from modferry.session import Session
from modferry.watch import Lines, Watcher, harmless


class Stage:
    """The demo's box, and what tells a person what happens on it.

    checks: how many claims were found true so far.
    """

    def __init__(self, box: PracticeBox, console: Console, verbosity: int) -> None:
        """Begin with nothing checked."""
        self.box = box
        self.checks = 0
        self._console = console
        self._verbosity = verbosity
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return how long the demo has run."""
        return time.monotonic() - self._start

    def heading(self, text: str) -> None:
        """Say what comes now."""
        self._console.print(f"\n[{self.seconds:5.1f} s] {text}", soft_wrap=True)

    def show(self, text: str) -> None:
        """Show lines of a result."""
        for line in with_box(text, "practice").splitlines():
            self._console.print("    " + harmless(line), soft_wrap=True)

    def check(self, claim: str, *, holds: bool, seen: object = "") -> None:
        """Say that a claim holds; raise BoxError if it does not."""
        if not holds:
            raise BoxError(f"not true: {claim}", where="demo", why=f"seen: {seen}")
        self.checks += 1
        self._console.print(f"  + {claim}", soft_wrap=True)

    def on_box(self, command: str) -> tuple[int, str]:
        """Run a command of the box itself, over the system's ssh; show both."""
        self.show(f"practice# {command}")
        status, output = run_on(self.box, command)
        self.show(output)
        return status, output

    @contextmanager
    def session(self, name: str, lines: Lines = "kernel") -> Iterator[Session]:
        """Open a session with the box: "practice" over serial, "practice-ssh".

        lines: what of the box's console is shown, unless the user wants all of it.
        """
        inventory = read_inventory([self.box.directory / "boxes.yaml"])
        with self.watcher(lines) as watcher:
            box = inventory.resolve(name)
            with Session.open(box, events=watcher) as session:
                yield session
        if lines == "none":
            self.show(f"(the box's console printed {watcher.count} lines meanwhile)")

    def watcher(self, lines: Lines = "kernel") -> Watcher:
        """Return what shows the events of a piece of work."""
        return Watcher(
            self._console,
            "practice",
            states=True,
            lines="all" if self._verbosity > 0 else lines,
        )
