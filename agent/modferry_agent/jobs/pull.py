"""Read a file of the box for the host."""

import errno
import os
import stat

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.errors import FileError
from modferry_agent.jobs.push import file_error

if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

_CHUNK = 16384


def read_chunks(path):
    # type: (str) -> tuple[int, int, Iterator[bytes]]
    """Return the size, the permission bits and the bytes, in chunks.

    FileError if there is no such file, or it is no regular one.
    """
    try:
        # O_NONBLOCK: the opening of a FIFO would wait for its other end.
        descriptor = os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise FileError(
                "there is no such file",
                where=path,
                hint="look for a module with: modferry facts --module NAME --on BOX",
                code="no-such-file",
                errno=error.errno,
            )
        raise file_error(error, path)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileError(
            "not a regular file",
            where=path,
            hint="name one file; a directory is not fetched",
            code="not-a-file",
        )
    return status.st_size, stat.S_IMODE(status.st_mode), _chunks(descriptor, path)


def _chunks(descriptor, path):
    # type: (int, str) -> Iterator[bytes]
    try:
        while True:
            octets = os.read(descriptor, _CHUNK)
            if not octets:
                return
            yield octets
    except EnvironmentError as error:
        raise file_error(error, path)
    finally:
        os.close(descriptor)
