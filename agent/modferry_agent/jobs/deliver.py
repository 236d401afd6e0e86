"""Take a file over a slow line: packed, as a difference, and on from where it was cut.

What comes is kept as it comes, beside the agent and not in the module tree, under the
sha256 of the whole of it.  A host that comes again finds it there and sends the rest.
When all of it has come it is unpacked, checked, and put into its place as any push is.
"""

import hashlib
import os
import re
import struct
import time

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.unpacking import patched, rows_of
from modferry_agent.errors import FileError, RequestError
from modferry_agent.jobs.push import Push, check_place, file_error, hash_file
from modferry_agent.system.inflaters import available, inflated

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

# A stream that nobody continued for so long is removed; so are all but the newest few.
_KEPT_S = 86400
_KEPT_STREAMS = 4
# Written to the disk that often: what a box that is reset may lose.
_SYNC_BYTES = 32768
# Where this file's archive is: .../modferry-SHA256.zip/modferry_agent/jobs/deliver.py
HOME = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
)
# Of a file at most so many blocks are told.
_SUMS = 4096
_NAME = re.compile("^modferry-([0-9a-f]{64})[.]stream$")


class Delivery(object):
    """One file on its way over a slow line; the host says after `offer` what it sends.

    path, size, sha256, mode, make_directories: as of a `Push`
    bases: paths of files that the new one may resemble
    block: the host does not know what is at the path: sums of blocks of that size
    """

    def __init__(
        self, path, size, sha256, mode=420, make_directories=True, bases=(), block=0
    ):
        # type: (str, int, str, int, bool, Any, int) -> None
        """Check the place; see whether the box has the file already."""
        if not path.startswith("/") or path.endswith("/"):
            raise RequestError("not an absolute file path: %r" % path)
        self.path = path
        self.sha256 = sha256
        self.size = size
        self.before = hash_file(path)
        self.present = self.before == sha256
        self._mode = mode
        self._make_directories = make_directories
        self._bases = list(bases)
        self._block = block
        self._plan = {}  # type: dict[str, Any]
        self._stream = None  # type: Any
        self._came = 0
        self._unsynced = 0
        self._digest = hashlib.sha256()
        if not self.present:
            check_place(path, size, make_directories)

    def offer(self):
        # type: () -> dict[str, Any]
        """Return what the host chooses by: what is here and what this box can undo."""
        _forget_old()
        return {
            "before": self.before,
            "bases": [hash_file(path) for path in self._bases],
            "held": _held(),
            "opens": available(),
            "sums": _sums(self.path, self._block) if self._block else b"",
        }

    def begin(self, plan):
        # type: (dict[str, Any]) -> None
        """Take the host's choice.

        ``sha256`` and ``size`` are the stream's, ``at`` is where in it the host begins;
        ``packing`` is of `available` or "stored"; ``unpacked`` is the size of what it
        packs: a delta where ``base`` has a path and a sha256, else a file by columns.
        """
        self._plan = plan
        self._name = _stream_path(native(plan["sha256"]))
        try:
            self._stream = open(raw(self._name), "ab+")
            self._stream.seek(0)
            kept = self._stream.read(plan["at"])
            self._stream.seek(plan["at"])
            self._stream.truncate()
        except EnvironmentError as error:
            raise file_error(error, self._name)
        if len(kept) != plan["at"]:
            raise FileError(
                "what was kept of the file is gone",
                where=self._name,
                hint="push again",
                code="stream-gone",
            )
        self._came = len(kept)
        self._digest.update(kept)

    def append(self, octets):
        # type: (bytes) -> None
        """Keep the next bytes of the stream."""
        self._came += len(octets)
        self._digest.update(octets)
        try:
            self._stream.write(octets)
            self._unsynced += len(octets)
            if self._unsynced >= _SYNC_BYTES:
                self._sync()
            else:
                self._stream.flush()
        except EnvironmentError as error:
            raise file_error(error, self._name)

    def _sync(self):
        # type: () -> None
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._unsynced = 0

    def finish(self):
        # type: () -> dict[str, Any]
        """Unpack the stream, check the file, put it into its place; say what is there.

        A stream that is wrong is removed: the next push begins anew.
        """
        push = Push(
            self.path,
            self.size,
            self.sha256,
            mode=self._mode,
            make_directories=self._make_directories,
        )
        try:
            try:
                if not push.present:
                    push.append(self._unpacked())
                push.finish()
            finally:
                push.abandon()
        except FileError as error:
            if error.code in ("transfer-damaged", "base-changed"):
                self._remove()
            raise
        self._remove()
        # What the host knows need not go over the line.
        return {"changed": not push.present, "replaced": push.before}

    def _unpacked(self):
        # type: () -> bytes
        plan = self._plan
        if self._came != plan["size"] or self._digest.hexdigest() != native(
            plan["sha256"]
        ):
            raise self._damaged("sha256 %s" % self._digest.hexdigest())
        self._stream.flush()
        try:
            octets = inflated(self._stream, native(plan["packing"]), plan["unpacked"])
            if plan["base"]:
                return patched(self._base(), octets, self.size)
            return rows_of(octets)
        except ValueError as error:
            raise self._damaged(str(error))
        except EnvironmentError as error:
            raise file_error(error, self._name)

    def _base(self):
        # type: () -> bytes
        path, sha256 = [native(item) for item in self._plan["base"]]
        try:
            stream = open(raw(path), "rb")
            try:
                octets = stream.read()
            finally:
                stream.close()
        except EnvironmentError as error:
            raise file_error(error, path)
        if hashlib.sha256(octets).hexdigest() != sha256:
            raise FileError(
                "the file that the new one differs from has changed meanwhile",
                where=path,
                hint="push again",
                code="base-changed",
            )
        return octets

    def _damaged(self, why):
        # type: (str) -> FileError
        return FileError(
            "what arrived is not what was sent: %s" % why,
            where=self.path,
            hint="push again; nothing was changed",
            code="transfer-damaged",
        )

    def abandon(self):
        # type: () -> None
        """Keep what has come for a host that comes again."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close()
            except EnvironmentError:
                pass  # A full disk: what is there is what was kept.

    def _remove(self):
        # type: () -> None
        self.abandon()
        if self._plan:
            _unlink(self._name)


def _stream_path(sha256):
    # type: (str) -> str
    path = "%s/modferry-%s.stream" % (HOME, sha256)
    if not _NAME.match(os.path.basename(path)):
        raise RequestError("no sha256: %r" % sha256)
    return path


def _streams():
    # type: () -> list[tuple[float, str, int]]
    # Of each: when it was written to last, sha256, size; the oldest first.
    found = []
    for octets in os.listdir(raw(HOME)):
        match = _NAME.match(native(octets))
        if match:
            try:
                status = os.stat(raw(HOME) + b"/" + octets)
            except EnvironmentError:
                continue
            found.append((status.st_mtime, match.group(1), status.st_size))
    return sorted(found)


def _sums(path, block):
    # type: (str, int) -> bytes
    # Of each whole block its Adler-32, and the beginning of its sha256.
    try:
        import zlib

        stream = open(raw(path), "rb")
    except (ImportError, EnvironmentError):
        return b""
    octets = stream.read(block * _SUMS)
    stream.close()
    sums = []
    for at in range(0, len(octets) - block + 1, block):
        piece = octets[at : at + block]
        sums.append(struct.pack(">I", zlib.adler32(piece) & 0xFFFFFFFF))
        sums.append(hashlib.sha256(piece).digest()[:4])
    return b"".join(sums)


def _held():
    # type: () -> dict[str, int]
    return dict([(sha256, size) for _when, sha256, size in _streams()])


def _forget_old():
    # type: () -> None
    streams = _streams()
    for index, (when, sha256, _size) in enumerate(streams):
        # A clock that stood wrong can only make one be sent anew.
        stale = abs(time.time() - when) > _KEPT_S
        if stale or index < len(streams) - _KEPT_STREAMS:
            _unlink(_stream_path(sha256))


def _unlink(path):
    # type: (str) -> None
    try:
        os.unlink(raw(path))
    except EnvironmentError:
        pass  # Another session removed it.
