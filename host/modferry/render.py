"""Results to text or JSON: the only writer of stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TextIO

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme

from modferry.core.describe import TEXTS
from modferry.core.outcomes import (
    Alike,
    FleetResult,
    alike,
    alike_errors,
    cause_lines,
    summary,
)
from modferry.core.results import Result, document, with_box
from modferry.errors import ModferryError
from modferry.watch import harmless
from modferry_agent import __version__

_THEME = Theme(
    {
        "modferry.bad": "red",
        "modferry.doubt": "yellow",
        "modferry.label": "bold",
        "modferry.kernel": "dim",
    }
)


class Highlighter(RegexHighlighter):
    """Colours by the words that begin a line; a terminal without them loses none."""

    base_style = "modferry."
    highlights = [  # noqa: RUF012 - RegexHighlighter's attribute
        r"^(?P<bad>error)\b",
        r"^(?P<doubt>warning|conflict|note)\b",
        r"^  (?P<label>where|why|next|seen|symbol|owner)\b",
        r"(?P<kernel>kernel\| .*)$",
    ]


class _Console(Console):
    """A console whose reader may go away; rich would end the process, status 1.

    The work goes on and has its own status, as many boxes may be at it.
    """

    def on_broken_pipe(self) -> None:
        """Lead what is still to be printed nowhere."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def error_console() -> Console:
    """Return the console of everything that is no result: stderr."""
    return _Console(stderr=True, theme=_THEME, highlighter=Highlighter(), markup=False)


def output() -> TextIO:
    """Return stdout, for what is written there while the work goes on."""
    return sys.stdout


def write_line(result: Result) -> None:
    """Print a result's document as the last event of a run, in one line."""
    told = document(result, __version__)
    event = {"event": "document", "time": round(time.time(), 3), **told}
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def write(result: Result, *, as_json: bool) -> None:
    """Print a result: on stdout, but an error told to a person on stderr."""
    if isinstance(result, FleetResult) and not as_json:
        write_fleet(result)
    elif as_json:
        json.dump(document(result, __version__), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        if result.value:
            console = _Console(theme=_THEME, highlighter=Highlighter(), markup=False)
            for line in TEXTS[result.command](result.value):
                told = harmless(with_box(line, result.box))
                console.print(told, soft_wrap=True)
        if result.error is not None:
            sys.stdout.flush()
            write_error(result.error)
    sys.stdout.flush()


def write_error(error: ModferryError) -> None:
    """Print the error's lines on stderr."""
    console = error_console()
    first, *rest = error.report().splitlines()
    console.print("modferry: " + harmless(first), soft_wrap=True, style="red")
    for line in rest:
        console.print(harmless(line), soft_wrap=True)


MOST_NAMES = 12


def write_fleet(result: FleetResult) -> None:
    """Print what the boxes said, those that said the same together, and a summary."""
    console = _Console(theme=_THEME, highlighter=Highlighter(), markup=False)
    for line in cause_lines(result.value["causes"]):
        console.print(harmless(line), soft_wrap=True)
    for group in alike(result.outcomes, TEXTS[result.command]):
        console.print(_heading(group), soft_wrap=True, style="bold")
        for line in group.lines:
            console.print("  " + harmless(line), soft_wrap=True)
    sys.stdout.flush()
    errors = error_console()
    for group in alike_errors(result.outcomes):
        errors.print(_heading(group), soft_wrap=True, style="bold red")
        for line in group.lines:
            errors.print("  " + harmless(line), soft_wrap=True)
    if result.error is not None:
        write_error(result.error)
    console.print(
        summary(result.command, result.outcomes), soft_wrap=True, style="bold"
    )


def _heading(group: Alike) -> str:
    names = ", ".join(group.names[:MOST_NAMES])
    if len(group.names) == 1:
        return harmless(f"{names}:")
    more = ", ..." if len(group.names) > MOST_NAMES else ""
    return harmless(f"{len(group.names)} boxes ({names}{more}):")
