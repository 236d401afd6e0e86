"""What was sent to the boxes, kept on this machine so that the next time less is.

::

    ~/.cache/modferry/sent/SHA256          a file's content, deflated
    ~/.cache/modferry/sent/box-NAME.json   path on the box -> sha256, sketch

A convenience: what cannot be read or written is as if it were not there, and the box
is asked for the sha256 of a file before anything is built on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zlib
from pathlib import Path

from modferry.core.packing import LIKENESS, Base, likeness, sketch_of

KEPT_BYTES = 256 << 20
"""All that is kept; what was used longest ago goes first."""

FILE_LIMIT = 16 << 20
PATHS_KEPT = 512
CANDIDATES = 3


class Sent:
    """What one box was sent.

    folder: where all boxes' are.  box: its address.
    """

    def __init__(self, box: str, folder: Path | None = None) -> None:
        """Name the box; nothing is read yet."""
        self._folder = folder or sent_directory()
        name = hashlib.sha256(box.encode()).hexdigest()[:24]
        self._list = self._folder / f"box-{name}.json"

    def like(self, content: bytes, path: str) -> list[tuple[str, str]]:
        """Return path and sha256 of the files on the box that resemble the content.

        The one that most resembles it first; what is at the path itself is left out.
        """
        sketch = sketch_of(content)
        found = [
            (likeness(sketch, other), place, sha256)
            for place, (sha256, other) in self._known().items()
            if place != path
        ]
        best = sorted((each for each in found if each[0] >= LIKENESS), reverse=True)
        return [(place, sha256) for _, place, sha256 in best[:CANDIDATES]]

    def knows(self, path: str) -> bool:
        """Say whether a file was sent to that path."""
        return path in self._known()

    def base(self, path: str, sha256: str | None) -> Base | None:
        """Return a file of the box, if its content is known here."""
        if sha256 is None:
            return None
        kept = self._folder / sha256
        try:
            content = zlib.decompress(kept.read_bytes())
            os.utime(kept)
        except (OSError, zlib.error):
            return None
        if hashlib.sha256(content).hexdigest() != sha256:
            return None
        return Base(path, sha256, content)

    def keep(self, path: str, content: bytes) -> None:
        """Remember that the box has the content at that path."""
        if len(content) > FILE_LIMIT:
            return
        sha256 = hashlib.sha256(content).hexdigest()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (self._folder / sha256).exists():
                self._write(self._folder / sha256, zlib.compress(content, 6))
                self._make_room()
            known = self._known()
            known.pop(path, None)
            known[path] = (sha256, sketch_of(content))
            newest = list(known.items())[-PATHS_KEPT:]
            listed = {
                place: {"sha256": each, "sketch": sketch}
                for place, (each, sketch) in newest
            }
            self._write(self._list, json.dumps(listed).encode())

    def _known(self) -> dict[str, tuple[str, list[int]]]:
        try:
            known = json.loads(self._list.read_bytes())
            return {
                str(path): (
                    str(each["sha256"]),
                    [int(number) for number in each["sketch"]],
                )
                for path, each in known.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self, path: Path, octets: bytes) -> None:
        # Whole or not at all: another session may read it.
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as stream:
            stream.write(octets)
        Path(stream.name).replace(path)

    def _make_room(self) -> None:
        files = [each for each in self._folder.iterdir() if each.suffix != ".json"]
        sized = sorted(
            ((each.stat(), each) for each in files), key=lambda pair: pair[0].st_mtime
        )
        total = sum(status.st_size for status, _ in sized)
        for status, each in sized:
            if total <= KEPT_BYTES:
                return
            each.unlink(missing_ok=True)
            total -= status.st_size


def sent_directory() -> Path:
    """Return where what was sent is kept: below the user's cache directory."""
    given = os.environ.get("MODFERRY_SENT")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "modferry" / "sent"
