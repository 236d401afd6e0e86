"""Writing byte code for the next session: see `modferry_agent.bytecode`."""

import binascii
import hashlib
import marshal
import os
import struct
import sys
import time

from modferry_agent import bytecode
from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.jobs.unpack import content_of, members_of
from modferry_agent.system import durable

if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
# Version needed, flags, stored; midnight of the first day that ZIP knows.
_KIND = (20, 0, 0, 0, 33)


def keep():
    # type: () -> None
    """Have a second process write what is missing of the archives in use.

    Nobody waits for it, and nothing is said where it can not.
    """
    used = _archives()
    missing = [path for path in used if bytecode.code_of(path) is None]
    if not missing or os.fork():
        return
    try:
        os.setsid()  # The end of the terminal is not its end.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        for path in missing:
            write(path)
        forget_old(os.path.dirname(used[0]), used)
    finally:
        # Nothing of what the other process was about to do is this one's.
        os._exit(0)


def forget_old(home, used):
    # type: (str, Iterable[str]) -> None
    """Remove archives of other builds that nobody has written for a long time.

    used: paths of those of this build
    """
    ours = [bytecode.digest_in(os.path.basename(path)) for path in used]
    for octets in os.listdir(raw(home)):
        name = native(octets)
        path = raw(home) + b"/" + octets
        if bytecode.digest_in(name) not in ours + [""]:
            if time.time() - os.lstat(path).st_mtime > _OLD_S:
                os.unlink(path)


# As long as a host of another build may still come back for it.
_OLD_S = 60 * 24 * 3600.0


def _archives():
    # type: () -> list[str]
    found = [bytecode.own_archive()]
    for path in sys.modules["modferry_agent"].__path__:
        above = os.path.dirname(path)
        if above.endswith(".zip"):
            found.append(above)
    return [path for path in found if os.path.isfile(raw(path))]


def write(archive):
    # type: (str) -> None
    """Write the byte code of an archive; EnvironmentError if it can not be."""
    octets = _zipped(_compiled(archive, content_of(archive)))
    digest = hashlib.sha256(octets).digest()
    durable.replace_file(bytecode.path_of(archive), digest + octets)


def _compiled(archive, content):
    # type: (str, bytes) -> Iterable[tuple[bytes, bytes]]
    # Behind the magic: flags and the source's time and size, as the Pythons went on.
    more = 12 if sys.version_info >= (3, 7) else 8 if sys.version_info >= (3, 3) else 4
    head = bytecode.magic() + b"\0" * more
    for name, source in members_of(content):
        if name.endswith(".py"):
            code = compile(source, archive + "/" + name, "exec", 0, True)
            yield raw(name + "c"), head + marshal.dumps(code)


def _zipped(members):
    # type: (Iterable[tuple[bytes, bytes]]) -> bytes
    # No zipfile in python-minimal.
    pieces, directory = [], []
    at = 0
    for name, content in members:
        crc = binascii.crc32(content) & 0xFFFFFFFF
        fields = _KIND + (crc, len(content), len(content), len(name), 0)
        piece = _LOCAL.pack(b"PK\3\4", *fields) + name + content
        entry = (20,) + fields + (0, 0, 0, 0, at)
        directory.append(_CENTRAL.pack(b"PK\1\2", *entry) + name)
        pieces.append(piece)
        at += len(piece)
    central = b"".join(directory)
    count = len(directory)
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(central), at, 0)
    return b"".join(pieces) + central + end
