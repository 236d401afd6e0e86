"""Index files of a tree, published as a set, by one run at a time."""

import errno
import os
import stat
import time

from modferry_agent.compat import raw
from modferry_agent.errors import FileError
from modferry_agent.system import publication, treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence  # noqa: F401  # novermin
    from modferry_agent.system import moduletree  # noqa: F401

    Files = Sequence[tuple[str, bytes]]

_LOCK_WAIT_S = 60
_LOCK_RETRY_S = 0.1
_WRITTEN_S = 120
_HELD = (errno.EACCES, errno.EAGAIN, errno.EINTR)
# A file system without such locks: there is nothing to wait for.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


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
            # Below Python 3.4 a decompressor would hold the lock, too.
            fcntl.fcntl(self._handle, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        except EnvironmentError as error:
            raise _refused(error, directory)
        deadline = time.time() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except EnvironmentError as error:
                if error.errno in _NO_LOCKS:
                    return
                if error.errno not in _HELD:
                    self.release()
                    raise _refused(error, directory)
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
        handle, self._handle = self._handle, -1
        if handle >= 0:
            try:
                os.close(handle)
            except EnvironmentError:
                # Nothing was written through it.
                pass


def compare(directory, files):
    # type: (str, Files) -> tuple[list[str], list[str]]
    """Return the names of the files that `publish` would change, and of the others."""
    changed = []  # type: list[str]
    unchanged = []  # type: list[str]
    for name, content in files:
        (unchanged if _reads(directory + "/" + name, content) else changed).append(name)
    return changed, unchanged


def _reads(path, content):
    # type: (str, bytes) -> bool
    try:
        return treefiles.read_if_there(path) == content
    except FileError:
        # On the way to be replaced.
        return False


def publish(directory, files, meanwhile=None):
    # type: (str, Files, Callable[[], None] | None) -> tuple[list[str], list[str]]
    """Make the files the directory's, all of them or none; return (changed, unchanged).

    files: ``(name, bytes)``, all of them
    meanwhile: called where there is a while to wait, which need not be

    The caller holds the `Lock`.  Raises FileError: ``disk-full``, ``read-only``, ...
    """
    tidy(directory)
    changed, unchanged = compare(directory, files)
    try:
        try:
            for name in unchanged:
                _sync_if_new(directory + "/" + name)
            if changed:
                publication.replace(directory, dict(files), changed)
        except EnvironmentError as error:
            if not publication.is_switched(directory):
                raise _refused(error, directory)
    finally:
        tidy(directory, meanwhile)
    overwritten = compare(directory, files)[0]
    if overwritten:
        raise FileError(
            "another program wrote %s meanwhile" % ", ".join(overwritten),
            where=directory,
            hint="run depmod again; another depmod than this one takes no lock",
            code="index-overwritten",
        )
    _mark_as_fresh(directory + "/modules.dep", unchanged)
    return changed, unchanged


def _sync_if_new(path):
    # type: (str) -> None
    # Its bytes are the right ones, but nobody says that the disk has them.  Linux
    # writes everything within 40 s, and an fsync takes 3 ms even for nothing.
    status = os.stat(raw(path))
    if time.time() - max(status.st_mtime, status.st_ctime) < _WRITTEN_S:
        publication.sync(path)


def tidy(directory, meanwhile=None):
    # type: (str, Callable[[], None] | None) -> bool
    """End a publication that was cut short; True if there was one.

    The caller holds the `Lock`.  Raises FileError.
    """
    try:
        return publication.settle(directory, meanwhile)
    except EnvironmentError as error:
        if not publication.is_switched(directory):
            raise _refused(error, directory)
        raise FileError(
            "the new indexes are in place, but as links into %s: %s"
            % (publication.HIDDEN, error.strerror),
            where=directory,
            hint="run depmod again",
            code="index-untidy",
            errno=error.errno,
        )


def _mark_as_fresh(path, unchanged):
    # type: (str, Sequence[str]) -> None
    # `depmod -A` compares the modules with the time of modules.dep.  A repair keeps the
    # file by a second name, with its time.
    if path[path.rfind("/") + 1 :] in unchanged:
        try:
            if os.stat(raw(path)).st_nlink == 1:
                os.utime(raw(path), None)
        except EnvironmentError:
            pass


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
