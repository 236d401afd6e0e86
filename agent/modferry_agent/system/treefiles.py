"""Files of a module tree, read whole: regular ones alone, of bounded size.

What a file lacks is told from what the box failed to do.
"""

import errno
import os
import stat

from modferry_agent.compat import raw
from modferry_agent.errors import FileError
from modferry_agent.system import decompress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modferry_agent.errors import AgentError  # noqa: F401

# What an error says of the file itself.  Any other (EIO, ENOMEM, EMFILE, ...) says that
# the box cannot tell: an index without that file would be worse than the old one.
_OF_THE_FILE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EACCES,
    errno.EPERM,
    errno.ENXIO,
    errno.ENODEV,
)


def read_stored(path):
    # type: (str) -> bytes
    """Return the bytes as they lie on the disk; regular files of bounded size only.

    Raises FileError.
    """
    try:
        handle = os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
        try:
            return read_open(handle, path)
        finally:
            os.close(handle)
    except EnvironmentError as error:
        raise_fault(error, path)
        raise FileError(
            "could not be read: %s" % error.strerror, where=path, errno=error.errno
        )


def read_open(handle, path):
    # type: (int, str) -> bytes
    """Return the bytes of an open file, as `read_stored` does; EnvironmentError too."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise FileError("not a regular file", where=path)
    if status.st_size > decompress.MOST_BYTES:
        raise FileError(
            "%d bytes are too many for a module" % status.st_size, where=path
        )
    return _read_all(handle, status.st_size)


def is_fault(error):
    # type: (AgentError) -> bool
    """Say whether the box failed to read, which tells nothing about the file."""
    return error.details.get("errno", errno.ENOENT) not in _OF_THE_FILE


def raise_fault(error, path):
    # type: (EnvironmentError, str) -> None
    """Raise FileError if the error is the box's and not the file's."""
    if error.errno not in _OF_THE_FILE:
        raise FileError(
            "could not be read: %s" % error.strerror,
            where=path,
            hint="see what the kernel logs of its disk; or move the file away",
            errno=error.errno,
        )


def _read_all(handle, size):
    # type: (int, int) -> bytes
    content = os.read(handle, size + 1)
    if len(content) >= size:
        return content
    pieces = [content]
    while pieces[-1]:
        pieces.append(os.read(handle, size + 1))
    return b"".join(pieces)


def read_module(path):
    # type: (str) -> bytes
    """Return the module's bytes, decompressed by magic.

    Raises FileError, code ``no-decompressor`` naming the package among them, or
    FormatError for a broken compressed file.
    """
    return decompress.decompressed(read_stored(path), path)


def read_if_there(path):
    # type: (str) -> bytes | None
    """Return the bytes of a file of the tree; None if there is none to be read.

    FileError: there may be one, but the box failed to read it.
    """
    try:
        return read_stored(path)
    except FileError as error:
        if is_fault(error):
            raise
        return None
