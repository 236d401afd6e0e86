"""The options that every command takes, before or after its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from modferry import log
from modferry.commands.outfile import OutFile

Command = Callable[..., Any]


@dataclass(slots=True)
class Settings:
    """What the options said; one for each run, filled while click parses.

    verbosity: how often ``-v`` was given.
    command: the words of the command that runs, such as "lab up".
    on, limit: the boxes: a name, an address or a pattern, and a second pattern.
    box: the box at work, where it is one.
    jobs, serial, max_fail, retries: how many boxes are worked on at once.
    arguments: the words of the command line.  resume: the run that is taken up again.
    """

    verbosity: int = 0
    as_json: bool = False
    trace: Path | None = None
    command: str = ""
    on: str = ""
    box: str | None = None
    limit: str = ""
    inventory: tuple[Path, ...] = ()
    jobs: int | None = None
    engine: str = "local"
    scheduler: str | None = None
    serial: str = ""
    max_fail: str = ""
    retries: int | None = None
    retry_file: Path | None = None
    journal: Path | None = None
    events: Path | None = None
    junit: Path | None = None
    arguments: tuple[str, ...] = ()
    resume: int | None = None
    profile: str | None = None
    accept_new: bool = False
    password_env: str = ""
    password_file: str = ""
    password_command: str = ""
    password_fd: int | None = None
    ask_password: bool = False
    ask_become_password: bool = False
    timeout_s: float | None = None
    connect_timeout_s: float | None = None


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click's
    settings = context.ensure_object(Settings)
    settings.command = context.command_path.partition(" ")[2]
    if (
        value is None
        or value is False
        or value == ()
        or (parameter.name == "verbosity" and not value)
    ):
        return
    assert parameter.name is not None  # noqa: S101 - for the type checker
    setattr(settings, parameter.name, value)
    if parameter.name == "on":
        settings.box = settings.on
    if parameter.name == "verbosity":
        log.set_up(settings.verbosity)


def _option(*names: str, **attributes: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - click's
    return click.option(*names, expose_value=False, callback=_store, **attributes)


_OUTPUT = (
    _option("-v", "verbosity", count=True, help="Say more; twice: libraries too."),
    _option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    _option(
        "--trace",
        type=OutFile(),
        metavar="FILE",
        help="Record what goes over the wire.",
    ),
)


def _on(*, required: bool) -> Callable[[Command], Command]:
    return _option(
        "--on",
        required=required,
        metavar="BOXES",
        help="A name from the fleet file, or an address such as ssh://root@box7,"
        " serial:///dev/ttyUSB0?baud=115200, rfc2217://gateway:4001, local:;"
        " or many boxes by Ansible's patterns: all, GROUP, A:B, A:&B, A:!B, 'web*',"
        " '~regex', GROUP[0:2], @FILE.",
    )


_BOX: tuple[Callable[[Command], Command], ...] = (
    _option(
        "-i",
        "--inventory",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The fleet file, modferry's or Ansible's YAML inventory;"
        " without it modferry.yaml.",
    ),
    _option(
        "-l", "--limit", metavar="BOXES", help="Of these only those: a pattern, too."
    ),
    _option("--profile", metavar="NAME", help="The kind of box, over the fleet file."),
    _option(
        "--accept-new", is_flag=True, help="Trust the key of an SSH host not yet known."
    ),
    _option(
        "--password-env", metavar="NAME", help="The variable with the login's password."
    ),
    _option(
        "--password-file",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="A file with the login's password on its first line.",
    ),
    _option(
        "--password-command",
        metavar="COMMAND",
        help="A shell command that prints the login's password.",
    ),
    _option(
        "--password-fd",
        type=click.IntRange(min=0),
        metavar="N",
        help="An open descriptor to read the login's password from.",
    ),
    _option(
        "-k",
        "--ask-password",
        is_flag=True,
        help="Ask for the login's password, once for all boxes.",
    ),
    _option(
        "-K",
        "--ask-become-password",
        is_flag=True,
        help="Ask for sudo's or su's password, once for all boxes.",
    ),
    _option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long the box may take to answer a request.",
    ),
    _option(
        "--connect-timeout",
        "connect_timeout_s",
        type=click.FloatRange(min=0.1),
        metavar="SECONDS",
        help="How long the box may take to answer at all.",
    ),
)

_FLEET = (
    _option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Of many boxes, so many at once; without it as many as hide the waiting.",
    ),
    _option(
        "--engine",
        type=click.Choice(["local", "dask"]),
        help="Where the work is done: here, or by Dask's workers.",
    ),
    _option(
        "--scheduler",
        metavar="URL",
        help="Dask's scheduler, such as tcp://head:8786; without it workers here.",
    ),
    _option(
        "--serial",
        metavar="N,N%,...",
        help="Many boxes in batches, each when the one before has ended;"
        " the last number serves for the rest.",
    ),
    _option(
        "--max-fail",
        metavar="N|N%",
        help="Start no more boxes once more than so many have failed.",
    ),
    _option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Other tries when a link broke before the box said a word, or a box "
        "restarted at its console. [default: 3]",
    ),
    _option(
        "--retry-file",
        type=OutFile(),
        metavar="FILE",
        help="Write the boxes that failed or were never started there,"
        " for --limit @FILE.",
    ),
    _option(
        "--journal",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The journal, in place of ~/.local/state/modferry/journal.sqlite.",
    ),
    _option(
        "--events",
        type=OutFile(or_stdout=True),
        metavar="FILE",
        help="Write what happens as it does: a JSON object a line; -: on stdout, with"
        " the document of --json as the last line.",
    ),
    _option(
        "--junit",
        type=OutFile(),
        metavar="FILE",
        help="Write the outcomes as JUnit XML.",
    ),
)


def _apply(options: tuple[Callable[[Command], Command], ...], to: Command) -> Command:
    for option in reversed(options):
        to = option(to)
    return to


def output_options(command: Command) -> Command:
    """Give a command ``-v``, ``--json`` and ``--trace``."""
    return _apply(_OUTPUT, command)


def box_options(command: Command) -> Command:
    """Give a command ``--on``, the options of a login, of many boxes, of output."""
    return _apply((_on(required=True), *_BOX, *_FLEET, *_OUTPUT), command)


def optional_box_options(command: Command) -> Command:
    """Give a command what `box_options` does, but let it go without a box."""
    return _apply((_on(required=False), *_BOX, *_FLEET, *_OUTPUT), command)


dry_run_option = click.option(
    "-n",
    "--dry-run",
    "-C",
    "--check",
    "dry_run",
    is_flag=True,
    help="Say what would be done; change nothing.",
)

diff_option = click.option(
    "--diff", "with_diff", is_flag=True, help="Show what is or would be different."
)

pass_settings = click.make_pass_decorator(Settings, ensure=True)
