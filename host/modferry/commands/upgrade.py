"""``modferry upgrade``: know before what would break, prove after that nothing did."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modferry.commands import snapshot
from modferry.commands.connect import on_boxes
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.settings import (
    Settings,
    box_options,
    dry_run_option,
    pass_settings,
)
from modferry.commands.treeoptions import basedir_option
from modferry.core.results import Result
from modferry.core.upgrade import Target, next_release, parse_target, verdict_of
from modferry.core.verifying import verification
from modferry.errors import ExitStatus
from modferry.session import Session


@click.group()
def upgrade() -> None:
    """Know before an upgrade what breaks, prove after it that nothing did."""


@upgrade.command()
@click.option(
    "--to",
    "target",
    metavar="RELEASE",
    help="What comes: wheezy, jessie, ..., kmod=N or module-init-tools=3.N;"
    " the release after the box's unless given.",
)
@basedir_option
@click.argument("release", required=False, metavar="[KERNEL]")
@html_option
@box_options
@pass_settings
def check(
    settings: Settings,
    target: str | None,
    basedir: str | None,
    release: str | None,
    html: Path | None,
) -> Result:
    """Say which modules the next depmod would break, line by line.

    KERNEL is the release whose modules are meant, the running one's unless given. The
    exit status is 1 if something would stop loading, or cannot load now.
    """
    wanted = None if target is None else parse_target(target)

    def work(session: Session) -> Result:
        value = forecast(session, wanted, release=release, basedir=basedir)
        safe = value["verdict"]["safe"]
        status = ExitStatus.DONE if safe else ExitStatus.NO
        return Result(settings.command, value, box=session.box.name, status=status)

    return with_page(on_boxes(settings, work), html)


def forecast(
    session: Session, target: Target | None, *, release: str | None, basedir: str | None
) -> dict[str, Any]:
    """Return what the depmod to come makes of a box's modules, with a verdict.

    target: the release after the box's if None.
    """
    if target is None:
        target = next_release(session.request("foresee")["distribution"])
    value: dict[str, Any] = session.request(
        "foresee",
        tool=target.tool,
        version=target.version,
        release=release,
        basedir=basedir or "",
    )
    value["to"] = asdict(target)
    return value | {"verdict": asdict(verdict_of(value))}


@upgrade.command()
@click.argument(
    "file", required=False, type=click.Path(path_type=Path), metavar="[SNAPSHOT]"
)
@dry_run_option
@html_option
@box_options
@pass_settings
def verify(
    settings: Settings, file: Path | None, *, dry_run: bool, html: Path | None
) -> Result:
    """Load what was loaded when the snapshot was taken; say what regressed.

    SNAPSHOT is a file of "modferry snapshot", the box's last one unless given. With
    --dry-run nothing is loaded: the box's indexes and files prove that it would be.
    The exit status is 1 if something does not load as it did.
    """

    def work(session: Session) -> Result:
        name = session.box.name
        before = snapshot.read_file(file or snapshot.last_file(name))
        value = verified(session, before, dry_run=dry_run)
        status = ExitStatus.NO if value["regressed"] else ExitStatus.DONE
        return Result(settings.command, value, box=name, status=status)

    return with_page(on_boxes(settings, work), html)


def verified(
    session: Session, before: dict[str, Any], *, dry_run: bool
) -> dict[str, Any]:
    """Return what became of the modules that the snapshot says were loaded."""
    names = [each["name"] for each in before["loaded"]]
    proof = session.request("prove", modules=names, load=not dry_run)
    now = snapshot.taken(session, before["box"])
    return verification(before, now, proof, dry_run=dry_run)
