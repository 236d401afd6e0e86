"""``--html FILE``: the result as a page beside what is printed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from modferry.commands.outfile import OutFile
from modferry.core.results import Result
from modferry.errors import UsageError

html_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--html",
    "html",
    type=OutFile(),
    metavar="FILE",
    help="Write the result as a page, too; it needs nothing but a browser.",
)
"""Give a command ``--html``; hand what it says to `with_page`."""


def with_page(result: Result, path: Path | None) -> Result:
    """Write the page of a command's result, if it is wanted; return the result."""
    if path is not None and result.value:
        # Few ask for it, and what makes it takes its time to import.
        from modferry.commands.pagetext import page_of  # noqa: PLC0415

        write_whole(path, page_of(result))
    return result


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
