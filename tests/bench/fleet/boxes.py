"""Many boxes on loopback: one sshd, an address each, and a fleet file of them."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.sshd import make_key, sshd

MODERN = ("curve25519-sha256", "ed25519")
LINES = (
    "ListenAddress 0.0.0.0",
    "MaxStartups 4000",
    "MaxSessions 4000",
    "LogLevel QUIET",
    "LoginGraceTime 120",
)


@dataclass(frozen=True)
class Boxes:
    """The boxes, the port of all, the user's key, known hosts, the fleet file."""

    addresses: tuple[str, ...]
    port: int
    user: str
    key: Path
    known_hosts: Path
    fleet: Path
    folder: Path


ENTER = """\
#!/bin/sh
set -- $SSH_CONNECTION
box={folder}/boxes/$3
mkdir -p "$box"
export box
exec unshare -m sh -c 'mount --bind "$box" {folder}/own
exec sh -c "$SSH_ORIGINAL_COMMAND"'
"""
"""What a login runs: each box has a folder of its own at the same place."""


def addresses(count: int) -> tuple[str, ...]:
    """Return so many addresses of the loopback network."""
    return tuple(f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count))


@contextmanager
def boxes(
    count: int, lines: Sequence[str] = (), host_key: str = "ed25519"
) -> Iterator[Boxes]:
    """Run the sshd of so many boxes; their files are in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        folder.chmod(0o755)
        key = make_key(folder, "ed25519")
        (folder / "own").mkdir()
        enter = folder / "enter"
        enter.write_text(ENTER.format(folder=folder))
        enter.chmod(0o755)
        with sshd(
            folder / "sshd",
            [key],
            host_keys=(host_key,),
            lines=(*LINES, f"ForceCommand {enter}", *lines),
        ) as server:
            found = addresses(count)
            public = server.host_keys[host_key].with_suffix(".pub").read_text()
            known = folder / "known_hosts"
            known.write_text(
                "".join(f"[{one}]:{server.port} {public}" for one in found)
            )
            (folder / "profile.yaml").write_text(
                f"extends: bookworm\npython: [/usr/bin/python3]\n"
                f"directories: [{folder}/own]\n"
            )
            fleet = folder / "fleet.yaml"
            hosts = "".join(f"    {one}:\n" for one in found)
            fleet.write_text(
                f"boxes:\n  hosts:\n{hosts}  vars:\n"
                f"    ansible_port: {server.port}\n"
                f"    ansible_user: {getpass.getuser()}\n"
                f"    ansible_ssh_private_key_file: {key}\n"
                f"    ansible_python_interpreter: /usr/bin/python3\n"
                f"    ansible_ssh_common_args: -o UserKnownHostsFile={known}\n"
                f"    modferry_known_hosts: {known}\n"
                f"    modferry_profile: ./profile.yaml\n"
            )
            yield Boxes(
                found, server.port, getpass.getuser(), key, known, fleet, folder
            )
