"""The machine that has the serial ports: this one, through its sshd."""

from __future__ import annotations

from pathlib import Path

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.secrets import Secrets
from modferry.transport import Transport, open_transport
from support.sshd import Server
from support.sshlink import USER


class Gateway:
    """The machine with the ports: this one, through its sshd."""

    def __init__(self, server: Server, known_hosts: Path, key: Path) -> None:
        self.server, self._known_hosts, self._key = server, known_hosts, key

    def address(self, device: str, more: str = "") -> str:
        return (
            f"serial+ssh://{USER}@127.0.0.1:{self.server.port}{device}"
            f"?known_hosts={self._known_hosts}&identity={self._key}{more}"
        )

    def opened(self, device: str, more: str = "") -> Transport:
        address = parse_address(self.address(device, more))
        return open_transport(address, Profile(), secrets=Secrets())
