"""From an address to a link."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from modferry.core.address import Address
from modferry.core.profile import Profile
from modferry.secrets import Secrets
from modferry.transport.base import Transport


@dataclass(frozen=True, slots=True)
class Means:
    """What a transport is opened with, besides the address and profile.

    accept_new: an SSH host key that is not known is written down and trusted.
    """

    secrets: Secrets
    accept_new: bool = False


class Opener(Protocol):
    """The function each file of a transport has, named ``open_link``."""

    def __call__(self, address: Address, profile: Profile, means: Means) -> Transport:
        """Return the link; raise TransportError or UsageError."""


OPENERS: Mapping[str, str] = MappingProxyType(
    {
        "ssh": "modferry.transport.ssh",
        "openssh": "modferry.transport.openssh",
        "serial": "modferry.transport.serial",
        "rfc2217": "modferry.transport.serial",
        "socket": "modferry.transport.serial",
        "serial+unix": "modferry.transport.serial",
        "serial+ssh": "modferry.transport.serialssh",
        "local": "modferry.transport.local",
    }
)
"""Scheme of an address, or another transport -> who opens it; imported late, paramiko
takes its time."""


def open_transport(
    address: Address,
    profile: Profile,
    *,
    secrets: Secrets,
    accept_new: bool = False,
) -> Transport:
    """Return the link to a box, connected; over SSH logged in, with ``sh`` running.

    Raise TransportError when the box cannot be reached, UsageError when the address or
    profile asks for what cannot be.
    """
    scheme = address.scheme
    if scheme == "ssh" and address.options.get("transport") == "openssh":
        scheme = "openssh"
    opener = importlib.import_module(OPENERS[scheme])
    open_link = cast(Opener, opener.open_link)
    return open_link(address, profile, Means(secrets, accept_new=accept_new))
