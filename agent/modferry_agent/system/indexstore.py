"""Index files of a tree, published as a set.

All new files are written beside their places, checked and on the disk before the first
of them is renamed; then follow the renames and the directory.  Whatever fails before
the renames (a full disk, a kill, a power cut) leaves the old set as it was.
"""

import errno
import os
import stat
import time

from modferry_agent.compat import native, raw
from modferry_agent.errors import FileError
from modferry_agent.system import moduletree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    Files = Sequence[tuple[str, bytes]]

# Behind the name of a file that is not published yet; a leftover without the lock.
NEW = ".modferry-new"

_MODE = 420  # rw-r--r--, whatever the umask says
_LOCK_WAIT_S = 60
_LOCK_RETRY_S = 0.1


class Lock(object):
    """What keeps two runs on one directory apart, until `release` or the process ends.

    The lock is on the directory itself, so that no file stays behind.
    """

    def __init__(self, directory):
        # type: (str) -> None
        """Wait for the lock; raise FileError (code ``index-busy``) after a minute."""
        self._handle = -1
        try:
            import fcntl
        except ImportError:
            return
        try:
            if not os.path.isdir(raw(directory)):
                os.makedirs(raw(directory), 493)  # rwxr-xr-x
            self._handle = os.open(raw(directory), os.O_RDONLY)
        except EnvironmentError as error:
            raise _refused(error, directory)
        deadline = time.time() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except EnvironmentError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    # A file system without such locks; there is nothing to wait for.
                    return
            if time.time() > deadline:
                self.release()
                raise FileError(
                    "another run writes the indexes of this tree",
                    where=directory,
                    hint="wait until it has ended",
                    code="index-busy",
                )
            time.sleep(_LOCK_RETRY_S)

    def release(self):
        # type: () -> None
        """Let the next one in."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def compare(directory, files):
    # type: (str, Files) -> tuple[list[str], list[str]]
    """Return the names of the files that `publish` would change, and of the others."""
    changed = []  # type: list[str]
    unchanged = []  # type: list[str]
    for name, content in files:
        old = moduletree.read_if_there(directory + "/" + name)
        (unchanged if old == content else changed).append(name)
    return changed, unchanged


def publish(directory, files):
    # type: (str, Files) -> tuple[list[str], list[str]]
    """Make the files the directory's, all of them or none; return (changed, unchanged).

    files: ``(name, bytes)`` in the order of the renames

    The caller holds the `Lock`.  Raises FileError: ``disk-full``, ``read-only``, ...
    """
    changed, unchanged = compare(directory, files)
    remove_leftovers(directory)
    contents = dict(files)
    try:
        try:
            for name in changed:
                _write(directory + "/" + name + NEW, contents[name])
            for name in unchanged:
                # Its bytes are the right ones, but nobody says that the disk has them.
                _sync(directory + "/" + name)
        except EnvironmentError as error:
            raise _refused(error, directory)
        for name in changed:
            try:
                os.rename(
                    raw(directory + "/" + name + NEW), raw(directory + "/" + name)
                )
            except EnvironmentError as error:
                raise _refused(error, directory + "/" + name)
    finally:
        remove_leftovers(directory)
    try:
        _sync(directory)
    except EnvironmentError as error:
        raise _refused(error, directory)
    return changed, unchanged


def remove_leftovers(directory):
    # type: (str) -> list[str]
    """Remove what a run that was killed left behind; return the names."""
    removed = []
    try:
        for name in os.listdir(raw(directory)):
            if name.endswith(raw(NEW)) and name.startswith(b"modules."):
                os.unlink(raw(directory) + b"/" + name)
                removed.append(native(name))
    except EnvironmentError:
        # The directory is not there yet, or does not let us: publishing will tell.
        pass
    return removed


def _write(path, content):
    # type: (str, bytes) -> None
    handle = os.open(raw(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        os.fchmod(handle, _MODE)
        rest = content
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
        os.lseek(handle, 0, 0)
        if _content_of(handle) != content:
            raise OSError(errno.EIO, "what was written reads otherwise")
    finally:
        os.close(handle)


def _content_of(handle):
    # type: (int) -> bytes
    pieces = [os.read(handle, 1 << 20)]
    while pieces[-1]:
        pieces.append(os.read(handle, 1 << 20))
    return b"".join(pieces)


def _sync(path):
    # type: (str) -> None
    handle = os.open(raw(path), os.O_RDONLY)
    try:
        os.fsync(handle)
    except EnvironmentError as error:
        # Some file systems cannot sync a directory, or what they only read.
        if error.errno not in (errno.EINVAL, errno.EROFS, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def is_newer(directory, entries):
    # type: (str, Sequence[moduletree.Entry]) -> bool | None
    """Say whether a module is newer than modules.dep; None without a modules.dep."""
    try:
        status = os.stat(raw(directory + "/modules.dep"))
    except EnvironmentError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    # kmod compares whole microseconds.
    limit = int(status.st_mtime * 1000000)
    return any(int(entry.mtime * 1000000) > limit for entry in entries)


_CODES = {
    errno.ENOSPC: ("disk-full", "free space on that file system"),
    errno.EDQUOT: ("disk-full", "free space within the quota"),
    errno.EROFS: ("read-only", "mount that file system writable"),
    errno.EACCES: ("not-permitted", "run as root"),
    errno.EPERM: ("not-permitted", "run as root"),
}


def _refused(error, where):
    # type: (EnvironmentError, str) -> FileError
    code, hint = _CODES.get(error.errno or 0, ("file-error", ""))
    return FileError(
        "the indexes could not be written: %s" % error.strerror,
        where=where,
        hint=hint,
        code=code,
        errno=error.errno,
    )
