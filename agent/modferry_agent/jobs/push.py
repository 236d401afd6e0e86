"""Take a file from the host: into a part beside its place, checked, then renamed.

Until the rename the old file stays; whatever ends the transfer removes the part.
"""

import errno
import hashlib
import os
import stat

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.errors import FileError, RequestError
from modferry_agent.system.durable import sync_directory

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

_CHUNK = 65536
# What a push must leave free, so that the box goes on living.
_RESERVE_BYTES = 65536


class Push(object):
    """One file on its way to the box.

    path: absolute; its directory is made where `make_directories`
    size: bytes of the file; sha256: of the whole file, in hexadecimal
    encoding: "deflate" (zlib's format) or "stored", of the chunks together
    mode: permission bits of the file
    """

    def __init__(
        self, path, size, sha256, encoding="stored", mode=420, make_directories=True
    ):
        # type: (str, int, str, str, int, bool) -> None
        """Check the place; open the part unless the box has the file already."""
        if not path.startswith("/") or path.endswith("/"):
            raise RequestError("not an absolute file path: %r" % path)
        if encoding not in ("deflate", "stored"):
            raise RequestError("unknown encoding: %r" % encoding)
        self.path = path
        self.sha256 = sha256
        self.size = size
        self.mode = mode
        self.before = hash_file(path)
        self.present = self.before == sha256
        self._written = 0
        self._digest = hashlib.sha256()
        self._inflater = None  # type: Any
        self._stream = None  # type: Any
        directory = os.path.dirname(path)
        self._directory = directory
        self._part = part_of(path)
        if self.present:
            return
        if encoding == "deflate":
            try:
                import zlib
            except ImportError:
                raise RequestError("this Python has no zlib", code="no-decompressor")
            self._inflater = zlib.decompressobj()
        try:
            _make_room(directory, size, make_directories)
            self._stream = _open_part(self._part)
        except EnvironmentError as error:
            raise file_error(error, path)

    def offer(self):
        # type: () -> dict[str, Any]
        """Return what the host is told before it sends: nothing, it has chosen."""
        return {}

    def append(self, octets):
        # type: (bytes) -> None
        """Take the next bytes, as encoded."""
        try:
            if self._inflater is not None:
                # In pieces: a few bytes can inflate to more than the box has memory.
                while octets:
                    self._write(self._inflater.decompress(octets, _CHUNK))
                    octets = self._inflater.unconsumed_tail
            else:
                self._write(octets)
        except EnvironmentError as error:
            raise file_error(error, self.path)
        except FileError:
            raise
        except Exception as error:
            if type(error).__name__ != "error":  # zlib.error, which may not be imported
                raise
            raise FileError(
                "the bytes that came cannot be inflated: %s" % error,
                where=self.path,
                code="transfer-damaged",
            )

    def _write(self, octets):
        # type: (bytes) -> None
        self._written += len(octets)
        if self._written > self.size:
            raise FileError(
                "more bytes came than were announced",
                where=self.path,
                code="transfer-damaged",
            )
        self._digest.update(octets)
        self._stream.write(octets)

    def finish(self):
        # type: () -> dict[str, Any]
        """Check the whole, rename it into its place, and say what is there now."""
        if not self.present:
            try:
                self._finish()
            except EnvironmentError as error:
                raise file_error(error, self.path)
        return {
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "changed": not self.present,
            "replaced": self.before,
        }

    def _finish(self):
        # type: () -> None
        if self._inflater is not None:
            self._write(self._inflater.flush())
        found = self._digest.hexdigest()
        if self._written != self.size or found != self.sha256:
            raise FileError(
                "what arrived is not what was sent: sha256 %s" % found,
                where=self.path,
                hint="push again; nothing was changed",
                code="transfer-damaged",
            )
        self._stream.flush()
        os.fsync(self._stream.fileno())
        os.fchmod(self._stream.fileno(), self.mode)
        # Closed only now: with the lock gone, another push could empty the part.
        os.rename(raw(self._part), raw(self.path))
        stream, self._stream = self._stream, None
        stream.close()
        sync_directory(self._directory)

    def abandon(self):
        # type: () -> None
        """Remove what has come so far, unless it is in its place."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            os.unlink(raw(self._part))
        except EnvironmentError:
            pass  # Somebody else removed it.
        try:
            stream.close()
        except EnvironmentError:
            pass  # It writes what is left, and a full disk refuses that again.


def part_of(path):
    # type: (str) -> str
    """Return where the part of a file lies until all of it has come."""
    return "%s/.%s.modferry-part" % os.path.split(path)


def check_place(path, size, make_directories):
    # type: (str, int, bool) -> None
    """Make the directory of a file; FileError if it cannot be or has no room."""
    try:
        _make_room(os.path.dirname(path), size, make_directories)
    except EnvironmentError as error:
        raise file_error(error, path)


def _make_room(directory, size, make_directories):
    # type: (str, int, bool) -> None
    if make_directories and not os.path.isdir(raw(directory)):
        os.makedirs(raw(directory), 493)  # 0755
    room = os.statvfs(raw(directory))
    free = room.f_bavail * room.f_frsize
    if free < size + _RESERVE_BYTES:
        raise FileError(
            "no room: %d bytes free, %d needed" % (free, size + _RESERVE_BYTES),
            where=directory,
            hint="free space there, or push to another directory with --to",
            code="disk-full",
        )


def _open_part(path):
    # type: (str) -> Any
    # The lock keeps two pushes to one place apart, and ends with its process: a part
    # without it was left behind, and is begun anew.
    import fcntl

    # O_NONBLOCK: a FIFO of that name would wait for its reader.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    for _ in range(8):
        handle = os.open(raw(path), flags, 384)  # 0600
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                os.close(handle)
                break
            # A file system without such locks.
        opened = os.fstat(handle)
        if opened.st_nlink == 1 and os.path.samestat(opened, os.lstat(raw(path))):
            os.ftruncate(handle, 0)
            return os.fdopen(handle, "wb")
        # It was renamed or removed meanwhile, or is another file's second name.
        os.close(handle)
        if opened.st_nlink > 1:
            os.unlink(raw(path))
    raise FileError(
        "another push to this place is under way",
        where=path,
        hint="try again when it has ended",
        code="busy",
    )


def hash_file(path):
    # type: (str) -> str | None
    """Return the sha256 of a file in hexadecimal, None if there is no regular one."""
    try:
        # O_NONBLOCK: the opening of a FIFO would wait for its other end.
        handle = os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
    except EnvironmentError:
        return None
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        while True:
            octets = os.read(handle, _CHUNK)
            if not octets:
                return digest.hexdigest()
            digest.update(octets)
    except EnvironmentError as error:
        raise file_error(error, path)
    finally:
        os.close(handle)


_IN_THE_WAY = "a file is where a directory should be: name another directory"
_HINTS = {
    errno.ENOSPC: ("disk-full", "free space there; the old file is untouched"),
    errno.EDQUOT: ("disk-full", "raise the quota; the old file is untouched"),
    errno.EROFS: (
        "read-only",
        "mount it writable (mount -o remount,rw), then push again",
    ),
    errno.EACCES: ("not-permitted", "log in as root, or set become in the profile"),
    errno.EPERM: ("not-permitted", "log in as root, or set become in the profile"),
    errno.ENOENT: ("no-such-directory", "make the directory, or name another"),
    errno.EEXIST: ("file-error", _IN_THE_WAY),
    errno.ENOTDIR: ("file-error", _IN_THE_WAY),
    errno.EISDIR: ("file-error", "a directory has that name: name another"),
}


def file_error(error, path):
    # type: (EnvironmentError, str) -> FileError
    """Return the error of the box's file system as one that says what to do."""
    code, hint = _HINTS.get(error.errno or 0, ("file-error", ""))
    return FileError(
        native_text(error), where=path, hint=hint, code=code, errno=error.errno or 0
    )


def native_text(error):
    # type: (EnvironmentError) -> str
    """Return the system's words for an error, in lower case as our messages are."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]
