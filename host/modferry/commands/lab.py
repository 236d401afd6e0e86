"""``modferry lab``: the practice box, up, looked at, shown at work, and down."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

import click

from modferry import render
from modferry.commands import demo, terminal
from modferry.commands.settings import Settings, output_options, pass_settings
from modferry.core.results import Result
from modferry.errors import ExitStatus, UsageError
from modferry.lab.box import LOG_LEVEL, PracticeBox
from modferry.lab.ssh import ssh_argv
from modferry.lab.switches import SWITCHES
from modferry.watch import Watcher


@click.group()
def lab() -> None:
    """Run the practice box: a Debian kernel under QEMU with a practice RTAI.

    While it is up, it is known as "practice" (its serial console) and "practice-ssh".
    """


def _facts(box: PracticeBox) -> dict[str, object]:
    """Return the status of the box, in plain values."""
    status = asdict(box.status())
    return {
        name: fact if isinstance(fact, bool | int | None) else str(fact)
        for name, fact in status.items()
    }


@lab.command()
@click.option(
    "--log-level",
    type=click.IntRange(0, 8),
    default=LOG_LEVEL,
    show_default=True,
    help="What the kernel prints on the console; 8 is everything.",
)
@click.option(
    "--with",
    "switches",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="What the box lacks or does: "
    + "; ".join(f"{name}: {words}" for name, words in SWITCHES.items())
    + ".",
)
@output_options
@pass_settings
def up(settings: Settings, log_level: int, switches: tuple[str, ...]) -> Result:
    """Build the practice box if need be, and boot it."""
    box = PracticeBox()
    pairs = (switch.partition("=") for switch in switches)
    chosen = {name: value for name, _equals, value in pairs}
    with Watcher(render.error_console(), "practice", states=True) as watcher:
        box.build(watcher)
        box.start(log_level=log_level, switches=chosen)
        box.wait_until_up(events=watcher)
    return Result(settings.command, _facts(box))


@lab.command()
@output_options
@pass_settings
def status(settings: Settings) -> Result:
    """Say whether the practice box runs, and where; the status is 1 if it does not."""
    facts = _facts(PracticeBox())
    return Result(
        settings.command,
        facts,
        status=ExitStatus.DONE if facts["running"] else ExitStatus.NO,
    )


@lab.command()
def console() -> None:
    """Be at the serial console of the practice box; Ctrl-] leaves it."""
    box = PracticeBox()
    path = box.serial_socket
    words = f"root's password: {box.password}   Ctrl-] leaves"
    render.error_console().print(words, soft_wrap=True)
    terminal.attach(path, sys.stdin.fileno(), sys.stdout.fileno())


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(command: tuple[str, ...]) -> None:
    """Log in to the practice box over SSH, or run a COMMAND there."""
    argv = ssh_argv(PracticeBox(), command)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell; ssh takes our place
    except OSError as error:
        raise UsageError(
            "ssh cannot be started", why=error.strerror or "", where="practice box"
        ) from error


@lab.command()
@output_options
@pass_settings
def down(settings: Settings) -> Result:
    """Stop the practice box; what was done on it is forgotten."""
    return Result(settings.command, {"stopped": PracticeBox().stop()})


lab.add_command(demo.demo)
