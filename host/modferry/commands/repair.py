"""``modferry repair``: what makes modules load again, and lets them go on loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modferry import resources
from modferry.commands.connect import on_boxes
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.settings import (
    Command,
    Settings,
    box_options,
    dry_run_option,
    pass_settings,
)
from modferry.core.results import Result
from modferry.session import Session
from modferry_agent.jobs.shellfiles import ARCHIVE

undo_option = click.option(
    "--undo", is_flag=True, help="Put everything back as it was, to the byte."
)


@click.group()
def repair() -> None:
    """Make modules load again: now, and after the next depmod.

    Each way is proved by the box's own modprobe before it is done, and can be undone.
    """


def _options(command: Command) -> Command:
    for option in (
        pass_settings,
        box_options,
        html_option,
        dry_run_option,
        undo_option,
        click.argument("release", required=False, metavar="[KERNEL]"),
    ):
        command = option(command)
    return command


@repair.command()
@_options
def indexes(
    settings: Settings,
    release: str | None,
    *,
    undo: bool,
    dry_run: bool,
    html: Path | None,
) -> Result:
    """Write the indexes anew, by the agent's depmod.

    The box's own depmod would break them again: see "aliases" and "divert".
    """
    return _repaired(
        settings, "indexes", release, undo=undo, dry_run=dry_run, html=html
    )


@repair.command()
@_options
def aliases(
    settings: Settings,
    release: str | None,
    *,
    undo: bool,
    dry_run: bool,
    html: Path | None,
) -> Result:
    """Replace links to modules by aliases in modprobe.d, then write the indexes.

    Every depmod gets such a tree right. Who opens a link by its path (insmod,
    rtai-load) does not find it any more.
    """
    return _repaired(
        settings, "aliases", release, undo=undo, dry_run=dry_run, html=html
    )


@repair.command()
@_options
def divert(
    settings: Settings,
    release: str | None,
    *,
    undo: bool,
    dry_run: bool,
    html: Path | None,
) -> Result:
    """Put the agent's depmod in the place of the box's own, by dpkg-divert.

    So each later run of dpkg, dkms or a kernel's postinst writes right indexes. The
    box's own runs if the agent's does not end well; nothing waits for it without end.
    """
    return _repaired(settings, "divert", release, undo=undo, dry_run=dry_run, html=html)


@repair.command()
@undo_option
@dry_run_option
@box_options
@pass_settings
def hook(settings: Settings, *, undo: bool, dry_run: bool) -> Result:
    """Check the indexes at each boot and after each run of dpkg.

    An init script, a systemd unit and a hook of dpkg. Where the indexes are damaged, or
    are not those of the modules, they are written anew, and the kernel's log says so.
    """

    def work(session: Session) -> Result:
        session.need("remove-hook" if undo else "install-hook")
        if undo:
            value = session.request("remove-hook", dry_run=dry_run)
        else:
            if not dry_run:
                session.push(resources.agent_archive(), ARCHIVE)
            value = session.request("install-hook", dry_run=dry_run)
        value["undo"] = undo
        return Result(settings.command, value, box=session.box.name)

    return on_boxes(settings, work)


def _repaired(  # noqa: PLR0913 - what the options say
    settings: Settings,
    kind: str,
    release: str | None,
    *,
    undo: bool,
    dry_run: bool,
    html: Path | None,
) -> Result:
    def work(session: Session) -> Result:
        change = undone if undo else repaired
        value = change(session, kind, release=release, dry_run=dry_run)
        return Result(settings.command, value, box=session.box.name)

    return with_page(on_boxes(settings, work), html)


def repaired(
    session: Session, kind: str, *, release: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Repair a box in one of the three ways; return what was changed and proved."""
    session.need("repair")
    if kind == "divert" and not dry_run:
        session.push(resources.agent_archive(), ARCHIVE)
    value = session.request("repair", kind=kind, release=release, dry_run=dry_run)
    return {**value, "undo": False}


def undone(
    session: Session, kind: str, *, release: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Undo a repair; return what was changed."""
    value = session.request("undo-repair", kind=kind, release=release, dry_run=dry_run)
    return {**value, "undo": True}
