"""Parse, dispatch, print the result; errors become lines and exit statuses."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TextIO

import click

from modferry import render
from modferry.commands.outfile import STDOUT
from modferry.commands.settings import Settings, output_options
from modferry.core.results import Result, with_box
from modferry.errors import (
    EXIT_MEANINGS,
    ExitStatus,
    ModferryError,
    UsageError,
    exit_status,
)
from modferry_agent import __version__

_EPILOG = "Exit status: " + "; ".join(
    f"{int(status)} {meaning}" for status, meaning in EXIT_MEANINGS.items()
)


class Commands(click.Group):
    """A group whose commands are imported only when they are asked for."""

    later: Mapping[str, str] = MappingProxyType(
        {
            "console": "modferry.commands.console",
            "deploy": "modferry.commands.deploy",
            "depmod": "modferry.commands.indexes",
            "diagnose": "modferry.commands.box",
            "diff": "modferry.commands.snapshot",
            "explain": "modferry.commands.indexes",
            "facts": "modferry.commands.facts",
            "klog": "modferry.commands.box",
            "lab": "modferry.commands.lab",
            "load": "modferry.commands.box",
            "modules": "modferry.commands.box",
            "pull": "modferry.commands.pull",
            "push": "modferry.commands.push",
            "repair": "modferry.commands.repair",
            "runs": "modferry.commands.runs",
            "snapshot": "modferry.commands.snapshot",
            "unload": "modferry.commands.box",
            "upgrade": "modferry.commands.upgrade",
        }
    )

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted({*super().list_commands(context), *self.later})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command of that name."""
        if name in self.later:
            command: click.Command = getattr(import_module(self.later[name]), name)
            return command
        return super().get_command(context, name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG + ".",
)
@click.version_option(__version__, prog_name="modferry")
@output_options
def modferry() -> None:
    """Carry kernel modules to a box, index, load and diagnose them there.

    The box is reached over SSH or its serial console, and needs a Python from 2.6 on,
    or a shell for most.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line; print its result or error; return the exit status."""
    settings = Settings(arguments=tuple(arguments))
    as_line = _has_events_on_stdout(arguments)
    as_json = as_line or "--json" in arguments
    try:
        result = modferry.main(
            list(arguments),
            prog_name="modferry",
            standalone_mode=False,
            obj=settings,
        )
    except (KeyboardInterrupt, click.Abort):
        result = _failed(settings, ModferryError("interrupted"))
        result = Result(
            result.command, box=result.box, status=ExitStatus.INTERRUPTED,
            error=result.error,
        )  # fmt: skip
    except click.exceptions.NoArgsIsHelpError as error:
        if not as_json:
            click.echo(error.format_message(), err=True)
            return ExitStatus.USAGE
        missing = click.UsageError("missing command", error.ctx)
        result = _failed(settings, _usage(missing, settings))
    except click.ClickException as error:
        result = _failed(settings, _usage(error, settings))
    except ModferryError as error:
        result = _failed(settings, error)
    except Exception as error:  # noqa: BLE001 - the edge: a bug keeps its traceback
        traceback.print_exc()
        result = _failed(settings, ModferryError(f"a bug in modferry: {error!r}"))
    if not isinstance(result, Result):
        return int(result or 0)  # --help and --version: click has printed
    if result.error is not None:
        result.error.next_step = with_box(result.error.next_step, result.box)
    as_line = as_line or settings.events == STDOUT  # of a run that was resumed
    return _print(result, as_json=as_json, as_line=as_line)


# The command line may be so wrong that no option was taken out of it.
def _has_events_on_stdout(arguments: Sequence[str]) -> bool:
    return "--events=-" in arguments or ("--events", "-") in pairwise(arguments)


def _print(result: Result, *, as_json: bool, as_line: bool) -> int:
    try:
        if as_line:
            render.write_line(result)
        else:
            render.write(result, as_json=as_json)
    except BrokenPipeError:
        _leave_stdout()  # who read it went away
    except OSError as error:
        _leave_stdout()
        return _untold(result, error)
    return int(result.status)


# The interpreter's last flush has to find a place.
def _leave_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _untold(result: Result, error: OSError) -> int:
    with contextlib.suppress(OSError):
        render.write_error(
            ModferryError(
                "the result cannot be written",
                where="stdout",
                why=error.strerror or "",
                next_step="modferry runs show prints that of work on boxes again",
            )
        )
    # Who reads nothing must not take it for a good answer.
    return int(result.status if result.error else ExitStatus.FAILED)


def _failed(settings: Settings, error: ModferryError) -> Result:
    return Result(
        settings.command,
        box=settings.box,
        status=exit_status(error),
        error=error,
    )


def _usage(error: click.ClickException, settings: Settings) -> UsageError:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "modferry"
    settings.command = settings.command or where.partition(" ")[2]
    message = error.format_message().rstrip(".")
    return UsageError(
        message[:1].lower() + message[1:],
        where=where,
        next_step=f"{where} --help",
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


# None stands for a stream that was closed before we began.  Of a name that a locale
# has no letters for, its escapes are printed.
def _printable(stream: TextIO | None) -> TextIO:
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def main() -> None:
    """Be the ``modferry`` command.

    A signal that ends us is an interruption: sessions give the console back first.
    """
    sys.stdout, sys.stderr = _printable(sys.stdout), _printable(sys.stderr)
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command began, or while its answer is told
        sys.stderr.write("\nmodferry: interrupted\n")
        status = ExitStatus.INTERRUPTED
    sys.exit(status)
