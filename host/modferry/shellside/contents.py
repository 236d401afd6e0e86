"""The contents of boxes' files, kept on this machine by their sums.

::

    ~/.cache/modferry/files/SHA256         a content
    ~/.cache/modferry/files/md5-DIGEST     the sha256 of the content with that sum

A fleet of equal trees is read once.  All of it may be removed at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event, Lock

from modferry.sent import sent_directory

KEPT_BYTES = 4 << 30
"""All that is kept; what was used longest ago goes first."""

SHA256_DIGITS = 64


class Underway:
    """What is being fetched: of boxes at work at once, one fetches a content."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = Lock()
        self._events: dict[str, Event] = {}

    def claim(self, digests: Iterable[str]) -> tuple[list[str], list[Event]]:
        """Return which of them the caller is to fetch, and what tells of the others.

        The caller releases its own before it waits for others'.
        """
        ours, theirs = [], []
        with self._lock:
            for digest in digests:
                if digest in self._events:
                    theirs.append(self._events[digest])
                else:
                    self._events[digest] = Event()
                    ours.append(digest)
        return ours, theirs

    def release(self, digests: Iterable[str]) -> None:
        """Tell those who wait that these are here, or that somebody else may try."""
        with self._lock:
            for digest in digests:
                self._events.pop(digest).set()


class Contents:
    """The kept contents.

    folder: where they are.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder; it is made when something is kept."""
        self.folder = folder or sent_directory().with_name("files")

    def known(self, kind: str, digest: str) -> str | None:
        """Return the sha256 of a content of which another sum is known.

        kind: ``sha256``, ``sha1`` or ``md5``.  None: the content is not here.
        """
        sha256 = digest
        if kind != "sha256":
            try:
                sha256 = (self.folder / f"{kind}-{digest}").read_text("ascii")
            except (OSError, ValueError):
                return None
        place = self.place(sha256)
        try:
            os.utime(place)
        except OSError:
            return None
        return sha256

    def place(self, sha256: str) -> Path:
        """Return where a content is, or would be."""
        return self.folder / sha256

    def read(self, sha256: str) -> bytes | None:
        """Return a content, checked; None if it is not here or not what it was."""
        try:
            content = self.place(sha256).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        with contextlib.suppress(OSError):
            self.place(sha256).unlink()
        return None

    def keep(self, content: bytes, kind: str, digest: str) -> str:
        """Keep a content under its sums; return its sha256."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sha256 = hashlib.sha256(content).hexdigest()
        self._write(sha256, content)
        if kind != "sha256":
            self._write(f"{kind}-{digest}", sha256.encode())
        return sha256

    def trim(self) -> None:
        """Remove what was used longest ago, until the rest is within the limit."""
        files = sorted(self._files(), key=lambda each: -each[1])
        left = KEPT_BYTES
        for path, _, size in files:
            left -= size
            if left < 0:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _files(self) -> Iterator[tuple[Path, float, int]]:
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                if len(entry.name) == SHA256_DIGITS:
                    status = entry.stat()
                    yield Path(entry.path), status.st_mtime, status.st_size

    # Another run may keep the same at the same time: whole files, renamed.
    def _write(self, name: str, content: bytes) -> None:
        handle, part = tempfile.mkstemp(dir=self.folder, prefix="part-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(part).replace(self.folder / name)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
