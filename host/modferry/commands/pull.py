"""``modferry pull``: a file of the box to this machine."""

from __future__ import annotations

import contextlib
import posixpath
from pathlib import Path

import click

from modferry.commands.connect import on_boxes
from modferry.commands.settings import Settings, box_options, pass_settings
from modferry.core.results import Result
from modferry.errors import UsageError
from modferry.pulling import Pulled
from modferry.session import Session


@click.command()
@click.argument("path", metavar="PATH")
@click.argument(
    "destination", required=False, type=click.Path(path_type=Path), metavar="[FILE]"
)
@box_options
@pass_settings
def pull(settings: Settings, path: str, destination: Path | None) -> Result:
    """Fetch a file of the box.

    It comes to FILE, or to a file of its own name here; of many boxes, to a folder of
    each box's name in FILE, or here.
    """
    if not path.startswith("/"):
        raise UsageError(
            f'"{path}" is no absolute path', next_step=f'say "/.../{path}"'
        )
    place = destination or Path()

    def work(session: Session) -> Result:
        file = place_of(place, path, None if settings.box else session.box.name)
        came = _fetch(session, path, file)
        return Result(
            settings.command,
            {
                "path": path,
                "file": str(file),
                "size_bytes": came.size_bytes,
                "sha256": came.sha256,
            },
            box=session.box.name,
        )

    return on_boxes(settings, work)


def place_of(place: Path, path: str, box: str | None) -> Path:
    """Return where a file goes here; box: its box's name, where it is one of many."""
    if box is not None:
        return place / box.replace("/", "_") / path.lstrip("/")
    return place / posixpath.basename(path) if place.is_dir() else place


# The place has the old file or the whole new one, whatever ends us.
def _fetch(session: Session, path: str, place: Path) -> Pulled:
    part = place.with_name(f".{place.name}.modferry-part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            came = session.pull_into(path, stream)
        part.replace(place)
    except OSError as error:
        raise UsageError(
            f'"{place}" cannot be written', where=str(place), why=error.strerror or ""
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return came
