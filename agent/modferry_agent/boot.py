"""The second step of a first contact: take the archive over the wire and keep it.

The host sends this file with `wire`, `link` and what they need as text, since the
archive is not on the box yet.  One message comes: ``z`` or ``s`` (deflated or stored)
and the archive; the answer is ``+`` and its path, or ``-`` and why nothing took it.
"""

import hashlib
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.link import box_link
from modferry_agent.system.wireend import LineError, WireEnd, clock

if TYPE_CHECKING:
    from modferry_agent.link import Link  # noqa: F401  # novermin


def receive_archive(sha256, directories, link_id, lease_s):
    # type: (str, list[str], int, float) -> str
    """Return the path of the archive, taken from the wire and kept under its sha256.

    directories: where to keep it, the first that takes it wins
    LineError if the host is silent for the lease, or no directory takes it.
    """
    end = WireEnd(lease_s)
    try:
        end.write(raw("@@MF READY\r\n"))
        link = box_link(link_id, end.tty)
        octets = _next_message(end, link, lease_s)
        try:
            path = _keep(sha256, directories, octets)
        except ValueError as error:
            link.send(raw("-%s" % error))
            _drain(end, link)
            raise LineError(str(error))
        link.send(raw("+" + path))
        _drain(end, link)
        return path
    finally:
        end.close()


def _next_message(end, link, lease_s):
    # type: (WireEnd, Link, float) -> bytes
    heard = clock()
    while True:
        octets = end.read(0.2)
        now = clock()
        messages = link.receive(octets, now)
        end.write(link.transmit(now))
        if messages:
            return messages[0]
        if link.last_heard is not None:
            heard = max(heard, link.last_heard)
        if now - heard > lease_s:
            raise LineError("the host is silent")


def _drain(end, link):
    # type: (WireEnd, Link) -> None
    start = clock()
    while not link.idle and clock() - start < 5:
        now = clock()
        end.write(link.transmit(now))
        link.receive(end.read(0.1), now)


def _keep(sha256, directories, octets):
    # type: (str, list[str], bytes) -> str
    kind, octets = octets[:1], octets[1:]
    if kind == b"z":
        import zlib

        octets = zlib.decompress(octets)
    if hashlib.sha256(octets).hexdigest() != sha256:
        raise ValueError("the archive's sha256 differs from the host's")
    refusals = []
    for directory in directories:
        path = "%s/modferry-%s.pyz" % (directory, sha256)
        part = "%s.%d.part" % (path, os.getpid())
        try:
            if not os.path.isdir(raw(directory)):
                os.makedirs(raw(directory), 448)  # 0700
            status = os.lstat(raw(directory))
            if status.st_uid != os.geteuid() or status.st_mode & 18:  # 0022
                # As in the first step: who may write there could change the archive.
                refusals.append("%s: others may write there" % directory)
                continue
            with open(raw(part), "wb") as stream:
                stream.write(octets)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(raw(part), raw(path))
            return path
        except (OSError, IOError) as error:
            refusals.append("%s: %s" % (directory, error.strerror))
            try:
                os.unlink(raw(part))
            except OSError:
                pass  # It was never made.
    raise ValueError("; ".join(refusals) or "no directory named")
