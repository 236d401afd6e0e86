"""``modferry push``: files to the box, each checked and renamed into its place."""

from __future__ import annotations

from pathlib import Path

import click

from modferry.commands.connect import on_boxes
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.settings import (
    Settings,
    box_options,
    diff_option,
    dry_run_option,
    pass_settings,
)
from modferry.commands.treeoptions import BoxPath
from modferry.core.filediff import difference
from modferry.core.plan import LocalFile, Move, check_fits, plan_push
from modferry.core.results import Result
from modferry.core.stripping import Stripped, without_debug
from modferry.errors import UsageError
from modferry.session import Session


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=Path)
@click.option(
    "--to",
    "directory",
    type=BoxPath(),
    metavar="DIR",
    help="The directory on the box.",
)
@click.option(
    "--any-kernel", is_flag=True, help="Push modules built for another kernel, too."
)
@click.option(
    "--keep-debug", is_flag=True, help="Send the debug sections of modules, too."
)
@html_option
@diff_option
@dry_run_option
@box_options
@pass_settings
def push(  # noqa: PLR0913 - an option each
    settings: Settings,
    files: tuple[Path, ...],
    directory: str | None,
    html: Path | None,
    *,
    any_kernel: bool,
    keep_debug: bool,
    with_diff: bool,
    dry_run: bool,
) -> Result:
    """Send files to the box.

    A module goes where a file of its name already is in the running kernel's module
    tree, else to "extra" there. Each file takes its place only when all of it has
    arrived and its sha256 is right. The indexes are written anew by "depmod".

    Debug sections, which no kernel loads, are left out; of a signed module nothing is.
    """
    local = [read_file(path, keep_debug=keep_debug) for path in files]

    def work(session: Session) -> Result:
        moves = plan_on(session, local, directory, any_kernel=any_kernel)
        act = would_push if dry_run else carry_out
        done = []
        for move in moves:
            told = difference_on(session, move) if with_diff else []
            done.append(act(session, move) | {"difference": told})
        value = {"dry_run": dry_run, "files": done}
        return Result("push", value, box=session.box.name)

    return with_page(on_boxes(settings, work), html)


def read_file(path: Path, *, keep_debug: bool = True) -> LocalFile:
    """Return a file of this machine; raise UsageError if it cannot be read.

    keep_debug: with its debug sections, if it is a module.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f'"{path}" cannot be read', where=str(path), why=error.strerror or ""
        ) from error
    stripped = Stripped(content) if keep_debug else without_debug(content)
    return LocalFile(
        str(path),
        path.name,
        stripped.content,
        stripped_bytes=stripped.removed_bytes,
        signed=stripped.signed,
    )


def plan_on(
    session: Session,
    files: list[LocalFile],
    directory: str | None,
    *,
    any_kernel: bool,
) -> list[Move]:
    """Return where the files go on that box, all of them checked to fit it."""
    machine, release = session.greeting["machine"], session.greeting["release"]
    for file in files:
        if not any_kernel:
            check_fits(file, machine=machine, release=release)
    if directory is not None:
        return plan_push(files, directory=directory, tree="", known={})
    place = session.request("find", names=[file.name for file in files])
    known = {name: paths[0] for name, paths in place["found"].items()}
    return plan_push(files, directory=None, tree=place["tree"], known=known)


def difference_on(session: Session, move: Move) -> list[str]:
    """Return the lines of a diff between the box's file and the one to be sent."""
    there = session.request("hash", path=move.path)
    if there == move.sha256:
        return []
    old = None if there is None else session.pull(move.path)
    return difference(old, move.file.content)


def would_push(session: Session, move: Move) -> dict[str, object]:
    """Return what a push of one file would do; nothing is written."""
    there = session.request("hash", path=move.path)
    return _describe(move, changed=there != move.sha256)


def carry_out(session: Session, move: Move) -> dict[str, object]:
    """Push one file; return what became of it."""
    reply = session.push(move.file.content, move.path)
    return _describe(move, changed=reply["changed"]) | {
        "replaces": reply["replaced"] is not None
    }


def _describe(move: Move, *, changed: bool) -> dict[str, object]:
    return {
        "file": move.file.path,
        "path": move.path,
        "size_bytes": len(move.file.content),
        "sha256": move.sha256,
        "stripped_bytes": move.file.stripped_bytes,
        "signed_with_debug": move.file.signed,
        "replaces": move.replaces,
        "changed": changed,
        "difference": [],
    }
