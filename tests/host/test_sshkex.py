"""Classic key exchanges with GMP's arithmetic, with a real sshd at the other end."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from modferry.transport.sshkex import QUICK, Base, Connection
from support.sshd import sshd
from support.sshlink import USER


@pytest.fixture(scope="module")
def classic(tmp_path_factory, keys):
    """Run a server that takes all classic exchanges."""
    names = ",".join(QUICK)
    with sshd(
        tmp_path_factory.mktemp("classic"),
        [keys["ed25519"]],
        lines=(f"KexAlgorithms {names}",),
    ) as server:
        yield server


@pytest.mark.parametrize("name", sorted(QUICK))
def test_a_real_server_agrees_to_the_secret(
    classic, keys: dict[str, Path], name: str
) -> None:
    connection = Connection(("127.0.0.1", classic.port))
    connection.get_security_options().kex = (name,)
    try:
        connection.start_client(timeout=20)
        key = paramiko.Ed25519Key.from_private_key_file(str(keys["ed25519"]))
        connection.auth_publickey(USER, key)

        assert connection.is_authenticated()
    finally:
        connection.close()


def test_a_power_is_pythons() -> None:
    prime = 2**127 - 1

    assert pow(Base(5), 3**40, prime) == pow(5, 3**40, prime)
    assert Base(5) ** 2 == 25
