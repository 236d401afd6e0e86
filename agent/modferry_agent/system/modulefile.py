"""Module files, opened: of a large one only what is asked for is read.

Of the 400 MB that the modules of a distribution have, the indexes need 60.
"""

import os
import stat

from modferry_agent.compat import raw
from modferry_agent.errors import FileError, FormatError
from modferry_agent.system import decompress, treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable  # noqa: F401  # novermin

# A file up to this size is read at once, which takes less time than many small reads.
_WHOLE_BYTES = 32 * 1024


def _pread(handle, size, start):
    # type: (int, int, int) -> bytes
    os.lseek(handle, start, 0)
    return os.read(handle, size)


# Python 2 has no pread.
_read_at = getattr(os, "pread", _pread)  # type: Callable[[int, int, int], bytes]


class ModuleFile(object):
    """An open module file; has a length and gives slices as bytes do.

    status: what fstat said when it was opened

    Raises FileError for what is no regular file of bounded size.
    """

    def __init__(self, path):
        # type: (str) -> None
        """Open the file; `close` must follow."""
        self.path = path
        self._handle = -1
        try:
            self._handle = os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
            self.status = os.fstat(self._handle)
            self._size = self.status.st_size
            if not stat.S_ISREG(self.status.st_mode):
                raise FileError("not a regular file", where=path)
            if self._size > decompress.MOST_BYTES:
                text = "%d bytes are too many for a module"
                raise FileError(text % self._size, where=path)
        except EnvironmentError as error:
            self.close()
            raise _refused(error, path)
        except FileError:
            self.close()
            raise

    def close(self):
        # type: () -> None
        """Close the file."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            try:
                os.close(handle)
            except EnvironmentError:
                # What was read came before.
                pass

    def __len__(self):
        # type: () -> int
        """Return the file's size."""
        return self._size

    def __getitem__(self, part):
        # type: (slice) -> bytes
        """Return some of the file; FormatError if it became shorter meanwhile."""
        start, end, _step = part.indices(self._size)
        wanted = max(0, end - start)
        if not wanted:
            return b""
        try:
            content = _read_at(self._handle, wanted, start)
            while len(content) < wanted:
                at = start + len(content)
                piece = _read_at(self._handle, wanted - len(content), at)
                if not piece:
                    raise FormatError("the file is written to while it is read")
                content += piece
        except EnvironmentError as error:
            raise _refused(error, self.path)
        return content

    def content(self, whole=False):
        # type: (bool) -> bytes | ModuleFile
        """Return the module's own bytes, or this if they can be read in pieces.

        whole: read all of it

        Raises FileError or FormatError, as `decompress.decompressed` does.
        """
        if whole or self._size <= _WHOLE_BYTES:
            return decompress.decompressed(self[:], self.path)
        if decompress.is_compressed(self[:8]):
            return decompress.decompressed(self[:], self.path)
        return self


def _refused(error, path):
    # type: (EnvironmentError, str) -> FileError
    treefiles.raise_fault(error, path)
    return FileError(
        "could not be read: %s" % error.strerror, where=path, errno=error.errno
    )
