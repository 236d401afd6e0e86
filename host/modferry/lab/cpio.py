"""Initial RAM file systems: archives in cpio's "newc" form, as the kernel unpacks them.

An archive is a run of members, each padded to 4 bytes, then one named ``TRAILER!!!``::

    070701 ino mode uid gid nlink mtime size devmajor devminor
           rdevmajor rdevminor namesize check      13 fields of 8 hexadecimal digits
    name NUL [padding]  content [padding]

Archives may follow one another in one file: later members replace earlier ones.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    name: the path without a leading ``/``.
    mode: type and permissions, as in ``st_mode``.
    content: the bytes of a file, the target of a symbolic link.
    device: major and minor number of a device.
    """

    name: str
    mode: int
    content: bytes = b""
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)


def file(name: str, content: bytes, permissions: int = 0o644) -> Member:
    """Return a regular file, root's."""
    return Member(name, stat.S_IFREG | permissions, content)


def link(name: str, target: str) -> Member:
    """Return a symbolic link."""
    return Member(name, stat.S_IFLNK | 0o777, target.encode())


def directory(name: str, permissions: int = 0o755) -> Member:
    """Return a directory, root's."""
    return Member(name, stat.S_IFDIR | permissions)


def encode(member: Member, number: int) -> bytes:
    """Return the bytes of one member.

    number: its inode number in the archive; unlike each other's, or the kernel
        would take two members for hard links of one file.
    """
    name = member.name.encode(errors="surrogateescape") + b"\0"
    fields = (
        number,
        member.mode,
        member.uid,
        member.gid,
        1,
        0,
        len(member.content),
        0,
        0,
        *member.device,
        len(name),
        0,
    )
    header = b"070701" + "".join(f"{field:08X}" for field in fields).encode()
    return _padded(header + name) + _padded(member.content)


class Writer:
    """Writes an archive, member by member, with the directories they need."""

    def __init__(self, stream: BinaryIO) -> None:
        """Begin an archive at the stream's position."""
        self._stream = stream
        self._number = 0
        self._directories: set[str] = set()

    def add(self, member: Member) -> None:
        """Write a member."""
        self._number += 1
        self._stream.write(encode(member, self._number))

    def add_with_parents(self, member: Member) -> None:
        """Write a member after the directories it lies in."""
        for parent in reversed(Path(member.name).parents[:-1]):
            if str(parent) not in self._directories:
                self._directories.add(str(parent))
                self.add(directory(str(parent)))
        if stat.S_ISDIR(member.mode):
            self._directories.add(member.name)
        self.add(member)

    def finish(self) -> None:
        """Write the end of the archive; the stream stays open."""
        self.add(Member(TRAILER, 0))


def write_tar(
    archive: tarfile.TarFile, stream: BinaryIO, keep: Callable[[str], bool]
) -> int:
    """Write what a tar archive holds as a cpio archive; return the bytes written.

    keep: says of a path, without a leading ``./``, whether it is wanted.
    """
    writer = Writer(stream)
    start = stream.tell()
    for entry in archive:
        name = entry.name.removeprefix(".").strip("/")
        if name and keep(name):
            for member in _from_tar(archive, entry, name):
                writer.add(member)
    writer.finish()
    return stream.tell() - start


# A hard link becomes a second copy: mmdebstrap's userland has a handful.
def _from_tar(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, name: str
) -> Iterator[Member]:
    content, kind, device = b"", stat.S_IFREG, (0, 0)
    if entry.isdir():
        kind = stat.S_IFDIR
    elif entry.issym():
        kind, content = stat.S_IFLNK, entry.linkname.encode(errors="surrogateescape")
    elif entry.ischr() or entry.isblk():
        kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK
        device = (entry.devmajor, entry.devminor)
    elif entry.isfifo():
        kind = stat.S_IFIFO
    else:
        stream = archive.extractfile(entry)
        content = stream.read() if stream is not None else b""
    yield Member(name, kind | entry.mode, content, entry.uid, entry.gid, device)


def _padded(octets: bytes) -> bytes:
    return octets + b"\0" * (-len(octets) % 4)
