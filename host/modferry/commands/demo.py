"""``modferry lab demo``: the main job on the practice box, each claim checked."""

from __future__ import annotations

from collections.abc import Callable

import click

from modferry import render
from modferry.commands import demosteps
from modferry.commands.settings import Settings, output_options, pass_settings
from modferry.commands.stage import Stage
from modferry.core.results import Result
from modferry.fleet.inventory import lab_directory
from modferry.lab.box import PracticeBox
from modferry.lab.image import Image

STEPS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    (
        "1. build and boot the practice box; log in at its serial console meanwhile",
        demosteps.boot,
    ),
    ("2. the box is as the upgrade to kmod 9 left it", demosteps.upgraded),
    ("3. the box's own modprobe fails", demosteps.modprobe_fails),
    ("4. over the serial console: what is wrong?", demosteps.diagnose),
    ("5. over the serial console: push, index, load, unload", demosteps.over_serial),
    ("6. the same over SSH; the box's own kmod agrees", demosteps.over_ssh),
)


@click.command()
@click.option("--keep", is_flag=True, help="Leave the demo's box running at the end.")
@output_options
@pass_settings
def demo(settings: Settings, *, keep: bool) -> Result:
    """Show the main job on a practice box of its own; fail if any of it is not true."""
    home = lab_directory()
    box = PracticeBox(home / "demo", Image(home / "image"))
    box.stop()  # one that an earlier demo was kept from stopping
    stage = Stage(box, render.error_console(), settings.verbosity)
    try:
        for title, step in STEPS:
            stage.heading(title)
            step(stage)
    finally:
        if not keep:
            box.stop()
    return Result(
        settings.command,
        {"checks": stage.checks, "seconds": round(stage.seconds, 1)},
        box="practice",
    )
