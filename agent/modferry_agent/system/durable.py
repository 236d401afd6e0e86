"""A file replaced so that a power cut leaves the old one or the new one, whole."""

import os

from modferry_agent.compat import native, raw

# Behind the file's name and a process id: what that process is writing.
_PART = ".modferry-part"


def replace_file(path, content, mode=420, is_precious=True):
    # type: (str, bytes, int, bool) -> None
    """Write a file beside its place, flush it, rename it, flush the directory.

    mode: its permission bits, 0644 unless given
    is_precious: if not, nothing is flushed, and a power cut may leave a cut file

    EnvironmentError: the old file is as it was, and nothing is left beside it.  What a
    killed process left beside it is removed.
    """
    remove_leftovers(path)
    part = raw("%s.%d%s" % (path, os.getpid(), _PART))
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        handle = os.open(part, flags, 384)  # rw-------
        try:
            rest = content
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fchmod(handle, mode)
            if is_precious:
                os.fsync(handle)
            # Open as long as it is a part: see `_is_written_by`.
            os.rename(part, raw(path))
        finally:
            os.close(handle)
    except EnvironmentError:
        if os.path.lexists(part):
            os.unlink(part)
        raise
    if is_precious:
        sync_directory(os.path.dirname(path))


def remove_leftovers(path):
    # type: (str) -> None
    """Remove what runs that were cut short left beside a file's place."""
    directory, start = os.path.split(path + ".")
    if not os.path.isdir(raw(directory)):
        return
    for octets in os.listdir(raw(directory)):
        name = native(octets)
        number = name[len(start) : -len(_PART)]
        if name.startswith(start) and name.endswith(_PART) and number.isdigit():
            part = raw(directory) + b"/" + octets
            if int(number) == os.getpid() or not _is_written_by(part, int(number)):
                os.unlink(part)


def _is_written_by(part, number):
    # type: (bytes, int) -> bool
    # After a power cut another process has the number.
    try:
        os.kill(number, 0)
    except OverflowError:
        return False
    except OSError:
        # EPERM: somebody else's, which is alive.
        return os.path.isdir("/proc/%d" % number)
    files = "/proc/%d/fd" % number
    try:
        status = os.lstat(part)
        opened = os.listdir(files)
    except EnvironmentError:
        return True
    for name in opened:
        try:
            if os.path.samestat(status, os.stat(files + "/" + name)):
                return True
        except EnvironmentError:
            continue  # It was closed meanwhile.
    return False


def sync_directory(directory):
    # type: (str) -> None
    """Make the names in a directory survive a power cut."""
    handle = os.open(raw(directory), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_if_empty(directory):
    # type: (str) -> None
    """Remove a directory unless something is in it, or mounted on it, or it is gone."""
    try:
        os.rmdir(raw(directory))
    except EnvironmentError:
        pass
