"""A file replaced so that a power cut leaves the old one or the new one, whole."""

import os

from modferry_agent.compat import raw

_PART = ".modferry-part"


def replace_file(path, content, mode=420):
    # type: (str, bytes, int) -> None
    """Write a file beside its place, flush it, rename it, flush the directory.

    mode: its permission bits, 0644 unless given.  EnvironmentError: the old file is as
    it was, and nothing is left beside it.
    """
    part = raw(path + _PART)
    try:
        stream = open(part, "wb")
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        finally:
            stream.close()
        os.chmod(part, mode)
        os.rename(part, raw(path))
    except EnvironmentError:
        if os.path.lexists(part):
            os.unlink(part)
        raise
    sync_directory(os.path.dirname(path))


def sync_directory(directory):
    # type: (str) -> None
    """Make the names in a directory survive a power cut."""
    handle = os.open(raw(directory), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
