"""The agent's archive as a folder of files with byte code: that starts far quicker.

Python keeps the byte code of files, but compiles what is in an archive each time.  The
archive stays beside the folder, and serves where the folder is gone.
"""

import os
import struct

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.jobs.push import hash_file
from modferry_agent.system import durable

if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_START = ".modferry-"


def folder_of(archive):
    # type: (str) -> str
    """Return the folder for the archive as it is now: named by its sha256."""
    return os.path.dirname(archive) + "/" + _START + str(hash_file(archive))[:16]


def unpack(archive):
    # type: (str) -> str
    """Return the folder with the archive's files and their byte code; made at need.

    It appears whole, or not at all.
    """
    folder = folder_of(archive)
    if os.path.isdir(raw(folder)):
        return folder
    part = folder + ".part"
    _remove(part)
    try:
        for name, content in members_of(content_of(archive)):
            path = part + "/" + name
            if not os.path.isdir(os.path.dirname(path)):
                os.makedirs(os.path.dirname(path), 493)  # rwxr-xr-x
            durable.replace_file(path, content)
        _compile(part)
        os.rename(part, folder)
    except EnvironmentError:
        _remove(part)
        raise
    durable.sync_directory(os.path.dirname(archive))
    return folder


def content_of(path):
    # type: (str) -> bytes
    """Return the bytes of a file."""
    stream = open(raw(path), "rb")
    try:
        return stream.read()
    finally:
        stream.close()


def members_of(octets):
    # type: (bytes) -> Iterator[tuple[str, bytes]]
    """Yield name and content of each member of an archive of the agent's."""
    # The archive's members are stored, not deflated; and no zipfile in python-minimal.
    at = 0
    while octets[at : at + 4] == b"PK\3\4":
        fields = _LOCAL_HEADER.unpack(octets[at : at + _LOCAL_HEADER.size])
        size, name_size, more = fields[7], fields[9], fields[10]
        start = at + _LOCAL_HEADER.size
        name = native(octets[start : start + name_size])
        start += name_size + more
        yield name, octets[start : start + size]
        at = start + size


def _compile(folder):
    # type: (str) -> None
    # Without byte code all works, and starts more slowly.
    try:
        import py_compile
    except ImportError:
        return
    for directory, _, names in os.walk(folder):
        for name in [name for name in names if name.endswith(".py")]:
            py_compile.compile(os.path.join(directory, name))
    # A file that a power cut has emptied would end every command.
    for directory, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(directory, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def remove_folders(directory, keep=""):
    # type: (str, str) -> list[str]
    """Remove the folders of all archives but one; return their paths."""
    removed = []
    for name in os.listdir(raw(directory)):
        path = directory + "/" + native(name)
        if native(name).startswith(_START) and path != keep:
            _remove(path)
            removed.append(path)
    return removed


def _remove(path):
    # type: (str) -> None
    # No shutil in Debian's python3-minimal.
    for directory, folders, names in os.walk(path, topdown=False):
        for name in names:
            os.unlink(os.path.join(directory, name))
        for name in folders:
            os.rmdir(os.path.join(directory, name))
    if os.path.isdir(raw(path)):
        os.rmdir(raw(path))
