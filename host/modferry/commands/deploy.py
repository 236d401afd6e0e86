"""``modferry deploy``: the agent and kmod's command names on the box, to stay."""

from __future__ import annotations

from dataclasses import replace

import click

from modferry import resources
from modferry.commands.box import answered
from modferry.commands.connect import on_boxes
from modferry.commands.repair import repaired, undone
from modferry.commands.settings import (
    Settings,
    box_options,
    dry_run_option,
    pass_settings,
)
from modferry.commands.treeoptions import BoxPath
from modferry.core.results import Result
from modferry.session import Session
from modferry_agent.jobs import shellfiles
from modferry_agent.jobs.install import ARCHIVE, DIRECTORY


@click.command()
@click.option(
    "--directory",
    type=BoxPath(),
    default=DIRECTORY,
    show_default=True,
    metavar="DIR",
    help="Where the command names go on the box.",
)
@click.option("--undo", is_flag=True, help="Remove what an earlier deploy wrote.")
@click.option(
    "--divert",
    is_flag=True,
    help='Put its depmod in the place of the box\'s own, too: see "repair divert".',
)
@dry_run_option
@box_options
@pass_settings
def deploy(
    settings: Settings, directory: str, *, undo: bool, divert: bool, dry_run: bool
) -> Result:
    """Install the agent on the box, with depmod, modprobe, ... beside it.

    They go to a directory of their own; the box's kmod stays as it is, unless --divert
    is given. --undo removes all of it, the diversion and the check at boot among it.
    """
    path = f"{directory}/{ARCHIVE}"
    archive = resources.agent_archive()

    def work(session: Session) -> Result:
        # Before the archive goes: a box without Python would keep it for nothing.
        session.need("uninstall" if undo else "install")
        if undo:
            # First what rests on the agent. A box without it is asked nothing more.
            changed = _restored(session, dry_run=dry_run)
            result = answered(
                "deploy", session, "uninstall", directory=directory, dry_run=dry_run
            )
            value = {**result.value, "undo": True}
            value["changed"] = [*changed, *result.value["changed"]]
            return replace(result, value=value)
        if dry_run:
            there = session.request("hash", path=path)
            changed = there != resources.sha256(archive)
        else:
            changed = session.push(archive, path)["changed"]
        value = session.request("install", directory=directory, dry_run=dry_run)
        value["changed" if changed else "unchanged"].insert(0, path)
        if divert:
            done = repaired(session, "divert", dry_run=dry_run)
            value["changed"] += done["changed"]
        return Result("deploy", value | {"undo": False}, box=session.box.name)

    return on_boxes(settings, work)


def _restored(session: Session, *, dry_run: bool) -> list[str]:
    if session.request("hash", path=shellfiles.ARCHIVE) is None:
        return []
    divert = undone(session, "divert", dry_run=dry_run)
    hook = session.request("remove-hook", dry_run=dry_run)
    return [*divert["changed"], *hook["changed"]]
