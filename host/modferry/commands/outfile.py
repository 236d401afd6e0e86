"""A file that a command writes beside its answer, as an option's value."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import click

STDOUT = Path("-")
"""Stands for the standard output, where an option takes that for a file."""


class OutFile(click.ParamType[Path]):
    """A file that can be written: refused before the work and not after it.

    or_stdout: ``-`` is no file's name, but `STDOUT`.
    """

    name = "file"

    def __init__(self, *, or_stdout: bool = False) -> None:
        """Say whether the standard output will do."""
        self._or_stdout = or_stdout

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path; click's usage error if nothing can be written there."""
        path = Path(value)
        if self._or_stdout and value == "-":
            return STDOUT
        why = ""
        if path.is_dir():
            why = "it is a directory"
        elif not path.exists() and not path.parent.is_dir():
            why = f'there is no directory "{path.parent}"'
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            why = os.strerror(errno.EACCES)
        if why:
            self.fail(f'"{path}" cannot be written: {why}', param, ctx)
        return path
