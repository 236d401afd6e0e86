"""Open a link to a server under test, and talk to the shell at its end."""

from __future__ import annotations

import getpass
import time
from pathlib import Path

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.secrets import Secrets
from modferry.transport import Transport, open_transport
from support.sshd import Server

USER = getpass.getuser()
QUICK = replaced(Profile(), {"timeouts.connect_s": 2.0, "timeouts.auth_s": 5.0})


def opened(
    server: Server | int,
    known_hosts: Path,
    key: Path | None,
    profile: Profile = QUICK,
    *,
    secrets: Secrets | None = None,
    accept_new: bool = False,
) -> Transport:
    """Return the link to a server on a port of this machine."""
    port = server if isinstance(server, int) else server.port
    identity = f"&identity={key}" if key else ""
    url = f"ssh://{USER}@127.0.0.1:{port}?known_hosts={known_hosts}{identity}"
    return open_transport(
        parse_address(url),
        profile,
        secrets=secrets or Secrets(),
        accept_new=accept_new,
    )


def answer(link: Transport, line: bytes, end: bytes) -> bytes:
    """Return what the shell says to a line, up to ``end``."""
    link.write(line)
    said = b""
    deadline = time.monotonic() + 10
    while end not in said and time.monotonic() < deadline:
        said += link.read(1.0)
    return said
