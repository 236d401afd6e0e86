"""The events of a session on stderr: progress, states, the box's console."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from modferry.core import events

Lines = Literal["none", "kernel", "all"]

KERNEL_LINE = re.compile(r"^(<\d+>)?\[ *\d+\.\d{6}\]")
"""How a kernel line looks on a console, where the kernel prints times."""


ESCAPES = re.compile(
    r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_=>])"
)
"""A terminal's control sequences: a shell's prompt is full of them.

Source: ECMA-48, 5.4 and 5.6.
"""


def plain(text: str) -> str:
    """Return the text without what only steers a terminal."""
    return ESCAPES.sub("", text).replace("\r", "").replace("\x07", "")


def harmless(text: str) -> str:
    r"""Return the text with control characters shown as ``\x1b``, not sent.

    What a box prints must not be able to move the cursor of the user's terminal.
    """
    return "".join(
        each if each.isprintable() or each == "\t" else repr(each)[1:-1]
        for each in text
    )


class Watcher:
    """Takes the events of one session and shows them while it is entered.

    box: the name printed before each line of the box's console.
    states: show the steps of the way to the agent.
    lines: what of the box's console is shown.
    count: how many lines of the console came so far.
    """

    def __init__(
        self,
        console: Console,
        box: str,
        *,
        states: bool = False,
        lines: Lines = "kernel",
    ) -> None:
        """Show nothing yet."""
        self.count = 0
        self._console = console
        self._box = box
        self._states = states
        self._lines = lines
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._what = ""

    def __call__(self, event: events.Event) -> None:
        """Show one event."""
        match event:
            case events.ConsoleText(text=text):
                self.count += 1
                kernels = self._lines == "kernel" and KERNEL_LINE.match(text)
                if kernels or self._lines == "all":
                    self._line("|", text)
            case events.State(text=text):
                if self._states:
                    self._line(":", text)
            case events.Progress():
                self._advance(event)

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the progress bar off the terminal."""
        if self._progress is not None:
            self._progress.stop()

    def _line(self, separator: str, text: str) -> None:
        self._console.print(
            Text(f"{self._box}{separator} {harmless(plain(text))}", style="dim"),
            soft_wrap=True,
        )

    def _advance(self, event: events.Progress) -> None:
        if not self._console.is_terminal:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        if self._task is None or event.what != self._what:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(event.what, total=event.total or None)
            self._what = event.what
        self._progress.update(
            self._task, completed=event.done, total=event.total or None
        )
