"""The record of what each module file was when it was indexed or pushed.

``<basedir>/var/lib/modferry/<release>.sha256``, a line a file, sorted by path::

    <sha256, 64 hex digits>  <size in bytes>  <path below /lib/modules/<release>>

The digest is of the file as it lies there (compressed, if it is).  A damaged module
can crash any kernel, so what is loaded must be what was once known to be whole.
"""

import errno
import hashlib
import os

from modferry_agent import compat
from modferry_agent.errors import FileError, FormatError
from modferry_agent.system import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    Record = tuple[str, int]

DIRECTORY = "/var/lib/modferry"


def path_of(basedir, release):
    # type: (str, str) -> str
    """Return the path of that release's record."""
    return "%s%s/%s.sha256" % (basedir, DIRECTORY, release)


def fingerprint(content):
    # type: (bytes) -> tuple[str, int]
    """Return the ``(sha256 in hex, size in bytes)`` of a file's content."""
    return str(hashlib.sha256(content).hexdigest()), len(content)


def parse(text, path=""):
    # type: (str, str) -> dict[str, Record]
    """Return path -> (sha256, size) of a record's text.

    FormatError: a line is not of the form above; nothing is guessed about the rest.
    """
    records = {}  # type: dict[str, Record]
    for number, line in enumerate(text.split("\n")):
        if not line:
            continue
        fields = line.split("  ", 2)
        if len(fields) != 3 or len(fields[0]) != 64 or not fields[1].isdigit():
            raise FormatError(
                "line %d of the fingerprint record is malformed" % (number + 1),
                where=path,
                hint="remove the file; modferry depmod --on BOX writes it anew",
                code="bad-fingerprints",
            )
        records[fields[2]] = (fields[0], int(fields[1]))
    return records


def read(basedir, release):
    # type: (str, str) -> dict[str, Record]
    """Return path -> (sha256, size) of everything recorded; no record: empty."""
    path = path_of(basedir, release)
    try:
        stream = open(compat.raw(path), "rb")
        try:
            content = stream.read()
        finally:
            stream.close()
    except (IOError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return {}
        raise FileError("fingerprint record: %s" % error.strerror, where=path)
    return parse(compat.native(content), path)


def update(basedir, release, records, replace=False):
    # type: (str, str, dict[str, Record], bool) -> bool
    """Record these files, keeping the others unless ``replace``; True: it changed.

    Files outside of the tree, by whole paths, were pushed: no walk of the tree can
    tell that they are gone, so they are kept.
    The new record is on the disk, whole, before it takes the old one's place.
    """
    path = path_of(basedir, release)
    known = read(basedir, release)
    wanted = {}  # type: dict[str, Record]
    if replace:
        wanted.update((name, known[name]) for name in known if name.startswith("/"))
    else:
        wanted.update(known)
    wanted.update(records)
    if wanted == known and os.path.exists(compat.raw(path)):
        return False
    lines = []
    for name in sorted(wanted):
        if "\n" not in name:  # no line could hold it: it stays unrecorded
            lines.append("%s  %d  %s\n" % (wanted[name][0], wanted[name][1], name))
    directory = os.path.dirname(path)
    try:
        if not os.path.isdir(compat.raw(directory)):
            os.makedirs(compat.raw(directory), 493)  # rwxr-xr-x
        durable.replace_file(path, compat.raw("".join(lines)))
    except (IOError, OSError) as error:
        raise FileError("fingerprint record: %s" % error.strerror, where=path)
    return True
