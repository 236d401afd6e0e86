"""``modferry snapshot`` and ``modferry diff``: what loads, kept, and compared."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from modferry.commands.connect import on_boxes
from modferry.commands.htmlpage import html_option, with_page, write_whole
from modferry.commands.settings import (
    Settings,
    box_options,
    optional_box_options,
    pass_settings,
)
from modferry.core.results import Result
from modferry.core.snapshots import Graph, difference, document_of, parse_document
from modferry.errors import ExitStatus, UsageError, system_words
from modferry.session import Session


def taken(session: Session, box: str) -> dict[str, Any]:
    """Return a snapshot of the box as it is now."""
    answer = session.request("snapshot")
    return document_of(answer, box, datetime.now(UTC).isoformat(timespec="seconds"))


def directory_of(box: str) -> Path:
    """Return where the snapshots of a box are kept, unless the user names a file."""
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", box).strip("._") or "box"
    return Path(home).expanduser() / "modferry" / "snapshots" / name


def last_file(box: str) -> Path:
    """Return the box's last snapshot; raise UsageError if it has none."""
    files = sorted(directory_of(box).glob("*.json"))
    if not files:
        raise UsageError(
            f'there is no snapshot of "{box}"',
            where=str(directory_of(box)),
            next_step="modferry snapshot --on BOX, before anything is changed",
        )
    return files[-1]


def read_file(path: Path) -> dict[str, Any]:
    """Return the snapshot in a file; raise UsageError or FormatError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the snapshot cannot be read", where=str(path), why=system_words(error)
        ) from error
    return parse_document(text, str(path))


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file or directory, not ~/.local/share/modferry/snapshots/BOX.",
)
@box_options
@pass_settings
def snapshot(settings: Settings, output: Path | None) -> Result:
    """Keep what loads on the box today: the graph, options, aliases, what is loaded."""

    def work(session: Session) -> Result:
        if output is not None and settings.box is None and not output.is_dir():
            raise UsageError(
                "many boxes' snapshots do not go into one file",
                where=f"--output {output}",
                next_step="name a directory that is there",
            )
        document = taken(session, session.box.name)
        value = keep(document, output)
        return Result(settings.command, value, box=session.box.name)

    return on_boxes(settings, work)


def keep(document: dict[str, Any], output: Path | None) -> dict[str, Any]:
    """Write a snapshot to a file; return what it holds, and where it is.

    output: in place of a new file among the box's others; of a directory, the file
        called by the box.
    """
    if output is not None and output.is_dir():
        output = output / f"{directory_of(document['box']).name}.json"
    if output is None:
        stamp = document["taken"].replace("+00:00", "Z").replace(":", "")
        output = directory_of(document["box"]) / f"{stamp}.json"
        output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, json.dumps(document, indent=1, sort_keys=True).encode())
    graph = Graph(document)
    return {
        "box": document["box"],
        "file": str(output),
        "taken": document["taken"],
        "release": document["release"],
        "modules": len(graph.needs),
        "edges": sum(map(len, graph.needs.values())),
        "loaded": len(document["loaded"]),
        "resolves": len(document["resolves"]),
    }


@click.command()
@click.argument(
    "files", nargs=-1, type=click.Path(path_type=Path), metavar="[SNAPSHOT [SNAPSHOT]]"
)
@html_option
@optional_box_options
@pass_settings
def diff(settings: Settings, files: tuple[Path, ...], html: Path | None) -> Result:
    """Say how two snapshots differ, or a snapshot and the box now.

    With --on the box as it is now is the later one; the earlier is its last snapshot
    unless given. The exit status is 1 if the graph, aliases or options differ.
    """
    if not settings.on:
        if len(files) != 2:  # noqa: PLR2004 - the earlier and the later one
            raise UsageError(
                f"{len(files)} snapshots are given",
                where="diff",
                next_step="give two files, or --on BOX and one file or none",
            )
        before, after = map(read_file, files)
        return with_page(_compared(settings.command, before, after, None), html)
    if len(files) > 1:
        raise UsageError(
            "two snapshots are given, and a box",
            where="diff --on",
            next_step="leave --on out, or give one file or none",
        )

    def work(session: Session) -> Result:
        name = session.box.name
        before = read_file(files[0] if files else last_file(name))
        return _compared(settings.command, before, taken(session, name), name)

    return with_page(on_boxes(settings, work), html)


def _compared(
    command: str, before: dict[str, Any], after: dict[str, Any], box: str | None
) -> Result:
    value = difference(before, after)
    status = ExitStatus.DONE if value["same"] else ExitStatus.NO
    return Result(command, value, box=box, status=status)
