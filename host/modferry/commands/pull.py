"""``modferry pull``: a file of the box to this machine."""

from __future__ import annotations

import hashlib
import posixpath
from pathlib import Path

import click

from modferry.commands.connect import session_on
from modferry.commands.settings import Settings, box_options, pass_settings
from modferry.core.results import Result
from modferry.errors import UsageError


@click.command()
@click.argument("path", metavar="PATH")
@click.argument(
    "destination", required=False, type=click.Path(path_type=Path), metavar="[FILE]"
)
@box_options
@pass_settings
def pull(settings: Settings, path: str, destination: Path | None) -> Result:
    """Fetch a file of the box.

    It comes to FILE, or to a file of its own name here.
    """
    if not path.startswith("/"):
        raise UsageError(
            f'"{path}" is no absolute path', next_step=f'say "/.../{path}"'
        )
    place = destination or Path()
    if place.is_dir():
        place /= posixpath.basename(path)
    with session_on(settings) as session:
        content = session.pull(path)
    _write(place, content)
    return Result(
        settings.command,
        {
            "path": path,
            "file": str(place),
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        box=settings.box,
    )


# The place has the old file or the whole new one, whatever ends us.
def _write(place: Path, content: bytes) -> None:
    part = place.with_name(f".{place.name}.modferry-part")
    try:
        part.write_bytes(content)
        part.replace(place)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(
            f'"{place}" cannot be written', where=str(place), why=error.strerror or ""
        ) from error
