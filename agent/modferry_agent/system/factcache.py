"""What each module file said, kept between runs; the indexes never depend on it.

``/var/cache/modferry/<release>.<digest of the tree's path>.facts``, where others than
root have ``~/.cache/modferry``; or below ``$XDG_CACHE_HOME``, where that is set::

    modferry facts <form> <agent> <Python>     a line; any other one: as if not there
    LENGTH SHA256 what was published           the small part, which is read alone
    LENGTH SHA256 what the modules said        where it may do

It lies where depmod runs, so that nothing is left in the image of another box.  Of many
trees the last eight are kept.

The parts are plain values by marshal, which must not be fed what others made up: the
file counts only if root or this user owns it, nobody else may write to it, and each
part has the sha256 that stands before it.  It is not flushed to the disk: after a power
cut it is whole or does not count.

A file counts as the same while path, size, mtime, ctime, device and inode are the same.
A change within the same tick of the clock would not show: what was changed within two
seconds before it was read, or after, by its own times, is not kept.
"""

import hashlib
import marshal
import os
import stat
import struct
import sys
import time

from modferry_agent import __version__
from modferry_agent.compat import argument, native, raw
from modferry_agent.system import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    # Of a file: size, mtime, ctime, device, inode.
    Stamp = tuple[int, float, float, int, int]

# To be counted up whenever the facts of an unchanged file, or their form, change.
_FORM = 2
# The coarsest clock of a file system, FAT's, ticks every two seconds.
_TICK_S = 2.0
_HEAD = raw(
    "modferry facts %d %s %s\n" % (_FORM, __version__, sys.version.replace("\n", " "))
)
_PART = struct.Struct("=Q32s")
_SUFFIX = ".facts"
_MOST_TREES = 8
# No tree has facts of that size; a file that does is not ours.
_MOST_BYTES = 64 << 20


def stamp_of(status):
    # type: (os.stat_result) -> Stamp
    """Return by what a file is known again."""
    return (
        status.st_size,
        status.st_mtime,
        status.st_ctime,
        status.st_dev,
        status.st_ino,
    )


def path_of(directory):
    # type: (str) -> str
    """Return the path of the cache of a module tree."""
    whole = os.path.abspath(raw(directory))
    release = native(whole[whole.rfind(b"/") + 1 :])
    name = hashlib.sha256(whole).hexdigest()[:16]
    return "%s/%s.%s%s" % (_home(), release, name, _SUFFIX)


def _home():
    # type: () -> str
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return argument(named) + "/modferry"
    if os.geteuid() == 0:
        return "/var/cache/modferry"
    return argument(os.path.expanduser("~")) + "/.cache/modferry"


class Cache(object):
    """The cache of one tree, as it was when the run began.

    began: when that was, seconds since 1970
    """

    def __init__(self, path):
        # type: (str) -> None
        """Look whether there is one."""
        self.path = path
        self.began = time.time()
        self._parts = [b"", b""]
        self._packed = None  # type: bytes | None
        try:
            self._handle = os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
        except EnvironmentError:
            self._handle = -1
            return
        try:
            if not self._is_ours():
                self.close()
        except EnvironmentError:
            self.close()

    def _is_ours(self):
        # type: () -> bool
        status = os.fstat(self._handle)
        return (
            stat.S_ISREG(status.st_mode)
            and status.st_uid in (0, os.geteuid())
            and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            and status.st_size < _MOST_BYTES
            and os.read(self._handle, len(_HEAD)) == _HEAD
        )

    def close(self):
        # type: () -> None
        """Forget what was not read yet."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _next_part(self):
        # type: () -> Any
        # The next part's value, or None if it is not what was written.
        if self._handle < 0:
            return None
        try:
            size, digest = _PART.unpack(os.read(self._handle, _PART.size))
            content = os.read(self._handle, size) if size < _MOST_BYTES else b""
            if hashlib.sha256(content).digest() == digest:
                return marshal.loads(content)  # noqa: S302  (we wrote it, see above)
        except (EnvironmentError, struct.error, ValueError, EOFError, TypeError):
            pass
        self.close()
        return None

    def publication(self):
        # type: () -> dict[str, Any] | None
        """Return what `write` was given of the publication; call it once, first."""
        found = self._next_part()
        return found if isinstance(found, dict) else None

    def facts(self):
        # type: () -> dict[str, Any]
        """Return path -> (stamp, what the module said); to be called once, second."""
        found = self._next_part()
        self.close()
        return found if isinstance(found, dict) else {}

    def keeps(self, stamp):
        # type: (Stamp) -> bool
        """Say whether a file of that stamp, read since the run began, may be kept."""
        return max(stamp[1], stamp[2]) < self.began - _TICK_S

    def prepare(self, facts):
        # type: (dict[str, Any]) -> None
        """Do most of the work of the `write` that will follow, with the same facts."""
        self._packed = _part_of(facts)

    def write(self, publication, facts):
        # type: (dict[str, Any], dict[str, Any]) -> bool
        """Replace the cache; False if the box does not let us, which does no harm."""
        self.close()
        pieces = [_HEAD, _part_of(publication), self._packed or _part_of(facts)]
        directory = os.path.dirname(self.path)
        try:
            if not os.path.isdir(raw(directory)):
                os.makedirs(raw(directory), 493)  # rwxr-xr-x
            durable.replace_file(self.path, b"".join(pieces), 384, is_precious=False)
            _forget_old(directory)
        except EnvironmentError:
            return False
        return True


def _part_of(value):
    # type: (dict[str, Any]) -> bytes
    content = marshal.dumps(value, 2)
    return _PART.pack(len(content), hashlib.sha256(content).digest()) + content


def _forget_old(directory):
    # type: (str) -> None
    ages = []
    for octets in os.listdir(raw(directory)):
        path = raw(directory) + b"/" + octets
        if octets.endswith(raw(_SUFFIX)):
            ages.append((os.lstat(path).st_mtime, path))
    for _mtime, path in sorted(ages)[:-_MOST_TREES]:
        os.unlink(path)


def digest(content):
    # type: (bytes) -> str
    """Return by what the content of a file is known again."""
    return native(hashlib.sha256(content).digest())
