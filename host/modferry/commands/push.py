"""``modferry push``: files to the box, each checked and renamed into its place."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

import click

from modferry.commands.connect import session_on
from modferry.commands.settings import (
    Settings,
    box_options,
    dry_run_option,
    pass_settings,
)
from modferry.core.plan import LocalFile, Move, check_fits, plan_push
from modferry.core.results import Result
from modferry.errors import UsageError
from modferry.session import Session
from modferry_agent.core.names import is_module_file, module_name


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=Path)
@click.option("--to", "directory", metavar="DIR", help="The directory on the box.")
@click.option(
    "--any-kernel", is_flag=True, help="Push modules built for another kernel, too."
)
@dry_run_option
@box_options
@pass_settings
def push(
    settings: Settings,
    files: tuple[Path, ...],
    directory: str | None,
    *,
    any_kernel: bool,
    dry_run: bool,
) -> Result:
    """Send files to the box.

    A module goes where a file of its name already is in the running kernel's module
    tree, else to "extra" there. Each file takes its place only when all of it has
    arrived and its sha256 is right. The indexes are written anew by "depmod".
    """
    local = [read_file(path) for path in files]
    with session_on(settings) as session:
        moves = plan_on(session, local, directory, any_kernel=any_kernel)
        done = [_describe(move, changed=False) for move in moves]
        if not dry_run:
            done = [carry_out(session, move) for move in moves]
    return Result("push", {"dry_run": dry_run, "files": done}, box=settings.box)


def read_file(path: Path) -> LocalFile:
    """Return a file of this machine; raise UsageError if it cannot be read."""
    try:
        return LocalFile(str(path), path.name, path.read_bytes())
    except OSError as error:
        raise UsageError(
            f'"{path}" cannot be read', where=str(path), why=error.strerror or ""
        ) from error


def plan_on(
    session: Session,
    files: list[LocalFile],
    directory: str | None,
    *,
    any_kernel: bool,
) -> list[Move]:
    """Return where the files go on that box, all of them checked to fit it."""
    facts = session.request("facts")
    for file in files:
        if not any_kernel:
            check_fits(file, machine=facts["machine"], release=facts["release"])
    return plan_push(
        files,
        directory=directory,
        tree=facts["module_tree"]["path"],
        known=_places(session, files) if directory is None else {},
    )


# Where the box has a module is part of a diagnosis, indexed or not.
def _places(session: Session, files: Iterable[LocalFile]) -> dict[str, str]:
    places: dict[str, str] = {}
    for file in files:
        if not is_module_file(file.name):
            continue
        name = module_name(file.name)
        found = session.request("diagnose", module=name, with_log=False)["path"]
        if found and posixpath.basename(found) == file.name:
            places[file.name] = found
    return places


def carry_out(session: Session, move: Move) -> dict[str, object]:
    """Push one file; return what became of it."""
    reply = session.push(Path(move.file.path), move.path)
    return _describe(move, changed=reply["changed"]) | {
        "replaces": reply["replaced"] is not None
    }


def _describe(move: Move, *, changed: bool) -> dict[str, object]:
    return {
        "file": move.file.path,
        "path": move.path,
        "size_bytes": len(move.file.content),
        "sha256": move.sha256,
        "replaces": move.replaces,
        "changed": changed,
    }
