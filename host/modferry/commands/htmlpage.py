"""``--html FILE``: the result as a page beside what is printed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from modferry.core.describe import TEXTS
from modferry.core.outcomes import FleetResult
from modferry.core.results import Result
from modferry.errors import UsageError
from modferry.report.document import Document, Log
from modferry.report.fleetpage import KINDS, fleet_page
from modferry.report.html import page
from modferry.report.pages import PAGES
from modferry_agent import __version__

html_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--html",
    "html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the result as a page, too; it needs nothing but a browser.",
)
"""Give a command ``--html``; hand what it says to `with_page`."""


def with_page(result: Result, path: Path | None) -> Result:
    """Write the page of a command's result, if it is wanted; return the result."""
    if path is not None and result.value:
        if isinstance(result, FleetResult):
            document = fleet_page(result)
        else:
            document = PAGES.get(result.command, text_page)(result)
        write_page(document, path)
    return result


def text_page(result: Result) -> Document:
    """Return the page of a result that has none of its own: its lines of text."""
    return Document(
        title=f"{result.command} on {result.box}",
        verdict=result.error.message if result.error else "done",
        kind=KINDS[result.status],
        facts=[("Box", result.box or "")],
        sections=[Log("Answer", TEXTS[result.command](result.value))],
    )


def write_page(document: Document, path: Path) -> None:
    """Write a page, whole or not at all; raise UsageError if it cannot be."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    made = replace(document, made=f"modferry {__version__}, {now}")
    write_whole(path, page(made).encode("utf-8", "backslashreplace"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the user's, so that it is whole or as it was before."""
    try:
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            mask = os.umask(0)
            os.umask(mask)
            Path(scratch).chmod(0o666 & ~mask)
            Path(scratch).replace(path)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror}",
            where=str(path),
            next_step="name another file, or make its directory",
        ) from error
