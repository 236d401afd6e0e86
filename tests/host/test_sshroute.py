"""The way to a server: OpenSSH's configuration, jump hosts, a command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modferry.core.address import parse_address
from modferry.errors import TransportError
from modferry.secrets import Secrets
from modferry.transport import open_transport
from support.sshd import (
    Server,
)
from support.sshlink import QUICK, USER, answer, opened


def test_the_configuration_names_host_port_key_and_known_hosts(
    home: Path, modern: Server, keys: dict[str, Path]
) -> None:
    ssh = home / ".ssh"
    (ssh / "more.d").mkdir(parents=True)
    modern.known_hosts(ssh / "boxes")
    (ssh / "config").write_text("Include more.d/*.conf\nHost saw\n  Port 1\n")
    (ssh / "more.d" / "saw.conf").write_text(
        f"Host saw\n  HostName 127.0.0.1\n  Port {modern.port}\n  User {USER}\n"
        f"  IdentityFile {keys['ed25519']}\n  UserKnownHostsFile ~/.ssh/boxes\n"
    )

    link = open_transport(parse_address("ssh://saw"), QUICK, secrets=Secrets())

    assert link.name == f"{USER}@127.0.0.1:{modern.port}"
    link.close()


def test_a_chain_of_jump_hosts_is_gone_through_each_one_checked(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    (home / ".ssh").mkdir()
    known = modern.known_hosts(tmp_path / "known_hosts")
    config = home / ".ssh" / "config"
    common = (
        f"  HostName 127.0.0.1\n  Port {modern.port}\n  User {USER}\n"
        f"  IdentityFile {keys['ed25519']}\n"
    )
    config.write_text(
        f"Host gate\n{common}  UserKnownHostsFile {known}\n"
        f"Host inner\n{common}  UserKnownHostsFile {known}\n"
        f"Host saw\n{common}  UserKnownHostsFile {known}\n  ProxyJump gate,inner\n"
    )
    before = modern.log.read_text().count("direct-tcpip")

    link = open_transport(parse_address("ssh://saw"), QUICK, secrets=Secrets())
    said = answer(link, b"echo $((41+1))\n", b"\n")
    link.close()
    config.write_text(config.read_text().replace(str(known), "/dev/null", 1))
    with pytest.raises(TransportError, match="is not known"):
        open_transport(parse_address("ssh://saw"), QUICK, secrets=Secrets())

    assert said == b"42\n"
    assert modern.log.read_text().count("direct-tcpip") - before >= 2


def test_a_proxy_command_is_the_way(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    if shutil.which("nc") is None and shutil.which("busybox") is None:
        pytest.skip("no nc: apt install busybox")
    nc = "nc" if shutil.which("nc") else "busybox nc"
    (home / ".ssh").mkdir()
    known = modern.known_hosts(tmp_path / "known_hosts")
    (home / ".ssh" / "config").write_text(
        f"Host 127.0.0.1\n  ProxyCommand {nc} 127.0.0.1 {modern.port}\n"
    )

    link = opened(modern, known, keys["ed25519"])

    assert answer(link, b"echo $((41+1))\n", b"\n") == b"42\n"
    link.close()
