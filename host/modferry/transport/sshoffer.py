"""What an SSH server offers, and why a profile and a server find nothing in common.

The first packet of the key exchange, in the clear::

    uint32 length, byte padding, byte 20 (KEXINIT), 16 bytes cookie,
    10 name-lists (uint32 length, names with commas), ...

Source: RFC 4253, sections 4.2, 6 and 7.1.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from modferry.core.profile import Profile, Ssh
from modferry.errors import FormatError

BANNER = b"SSH-2.0-modferry\r\n"
KEXINIT = 20
LONGEST_BYTES = 65_536

LISTS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "kex": ("key exchange", 0),
        "host_keys": ("host key", 1),
        "ciphers": ("cipher", 3),
        "macs": ("MAC", 5),
    }
)
"""Key of the profile's ``ssh`` section -> words for it, index of the server's list."""

IMPLIED_MAC = frozenset({"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"})


class Readable(Protocol):
    """A socket, or a channel through another server."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Limit the next calls."""

    def recv(self, size: int, /) -> bytes:
        """Return what came."""

    def sendall(self, octets: bytes, /) -> None:
        """Send all."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers: its banner, and by key of `LISTS` its algorithms."""

    banner: str
    lists: Mapping[str, tuple[str, ...]]


def parse_offer(octets: bytes) -> Offer | None:
    """Return the offer in what a server sent first; None if more is to come.

    Raise FormatError if that is no SSH 2 server.
    """
    start = octets.find(b"SSH-")
    end = octets.find(b"\n", start) if start >= 0 else -1
    if end < 0:
        if len(octets) > LONGEST_BYTES:
            raise FormatError("no SSH server: no banner in its first 64 kB")
        return None
    packet = octets[end + 1 :]
    if len(packet) < 6:  # noqa: PLR2004 - length, padding, type
        return None
    length, _padding, kind = struct.unpack_from(">IBB", packet)
    if kind != KEXINIT or length > LONGEST_BYTES:
        raise FormatError("no SSH server: no key exchange after its banner")
    if len(packet) < 4 + length:
        return None
    lists, offset = [], 6 + 16
    for _index in range(10):
        if offset + 4 > 4 + length:
            raise FormatError("the server's key exchange packet is cut")
        (size,) = struct.unpack_from(">I", packet, offset)
        names = packet[offset + 4 : offset + 4 + size].decode("ascii", "replace")
        lists.append(tuple(names.split(",")) if names else ())
        offset += 4 + size
    banner = octets[start:end].decode("utf-8", "replace").strip()
    return Offer(banner, {key: lists[index] for key, (_, index) in LISTS.items()})


def read_offer(connection: Readable, timeout_s: float) -> Offer | None:
    """Return what a server offers, None if it says nothing of the kind in time."""
    octets = b""
    deadline = time.monotonic() + timeout_s
    try:
        connection.settimeout(timeout_s)
        connection.sendall(BANNER)
        while time.monotonic() < deadline:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            piece = connection.recv(LONGEST_BYTES)
            if not piece:
                return None
            octets += piece
            offer = parse_offer(octets)
            if offer is not None:
                return offer
    except (OSError, socket.timeout, FormatError):  # noqa: UP041 - paramiko's channels
        return None
    return None


def refusals(offer: Offer, ssh: Ssh) -> list[str]:
    """Return the keys of `LISTS` in which profile and server have nothing in common."""
    missing = [
        key
        for key, names in offer.lists.items()
        if not set(names) & set(getattr(ssh, key))
    ]
    if "macs" in missing and "ciphers" not in missing:
        first = next(c for c in ssh.ciphers if c in offer.lists["ciphers"])
        if first in IMPLIED_MAC:
            missing.remove("macs")
    return missing


def explained(offer: Offer, ssh: Ssh) -> str:
    """Return why profile and server have nothing in common, a line a list."""
    return "\n".join(
        f"as {LISTS[key][0]} it offers only {', '.join(offer.lists[key])}"
        + (" (RSA with SHA-1)" if offer.lists[key] == ("ssh-rsa",) else "")
        for key in refusals(offer, ssh)
    )


def fitting_profiles(offer: Offer, profiles: Iterable[Profile]) -> list[str]:
    """Return the names of the profiles that have something in common with a server.

    The one that allows the fewest old algorithms beyond the offer's comes first.
    """
    fitting = [one for one in profiles if not refusals(offer, one.ssh)]

    def unneeded(one: Profile) -> int:
        return sum(
            name not in names
            for key, names in offer.lists.items()
            for name in getattr(one.ssh, key)
        )

    return [one.name for one in sorted(fitting, key=unneeded)]
