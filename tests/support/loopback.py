"""Many boxes on loopback: one sshd, an address and a folder each, and faults to choose.

A login runs `ENTER`: it notes the login, gives the box a folder of its own at the same
place as the others' (``own``) in a mount namespace, and does what the box's fault does.
It needs root.
"""

from __future__ import annotations

import getpass
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.rootfs import RELEASE, make_tree, rtai_files, rtai_links
from support.sshd import Server, make_key, sshd

LINES = (
    "ListenAddress 0.0.0.0",
    "MaxStartups 4000",
    "MaxSessions 4000",
    "LogLevel QUIET",
    "LoginGraceTime 120",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
)

ENTER = """\
#!/bin/sh
set -- $SSH_CONNECTION
PATH=/usr/sbin:/usr/bin:/sbin:/bin
box={folder}/boxes/$3
mkdir -p "$box"
echo login >> {folder}/logins/$3
fault=$(cat {folder}/faults/$3 2> /dev/null)
export box PATH fault
exec unshare -m sh -c 'mount --bind "$box" {folder}/own
case $fault in
hangs) exec sleep 600 ;;
drops) head -c 9000 | sh ;;
no-python) for tool in python3 sha256sum sha1sum md5sum; do
    mount --bind /dev/null $(readlink -f /usr/bin/$tool)
    done
    exec sh ;;
read-only) mount --bind {folder}/own/root {folder}/own/root &&
    mount -o remount,ro,bind {folder}/own/root
    exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
full) cp -a {folder}/own/root {folder}/own/copy &&
    mount -t tmpfs -o size=160k box {folder}/own/root &&
    cp -a {folder}/own/copy/. {folder}/own/root
    dd if=/dev/zero of={folder}/own/root/fill bs=1k 2> /dev/null
    exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
lies) echo "@@MF READY"; exec cat ;;
*) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac'
"""
"""What a login runs."""

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "hangs": ("failed", "the agent does not start"),
    "drops": ("unreachable", "the link to"),
    "no-python": ("failed", "neither Python nor a tool for sums"),
    "read-only": ("failed", "Read-only file system"),
    "full": ("failed", "No space left on device"),
    "lies": ("failed", "the agent does not"),
    "wrong-key": ("unreachable", "is not the known one"),
}
"""Fault of a box -> the word for its outcome, and what its error says."""


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
    faults: Mapping[str, str]

    def logins(self, address: str) -> int:
        """Return how often somebody has logged in to a box."""
        path = self.folder / "logins" / address
        return len(path.read_text().splitlines()) if path.exists() else 0

    def tree(self, address: str) -> Path:
        """Return the folder of a box's modules."""
        return self.folder / "boxes" / address / "root" / "lib" / "modules" / RELEASE


def addresses(count: int) -> tuple[str, ...]:
    """Return so many addresses of the loopback network."""
    return tuple(f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count))


@contextmanager
def boxes(
    count: int,
    lines: Sequence[str] = (),
    host_key: str = "ed25519",
    *,
    faults: Mapping[str, str] | None = None,
    trees: bool = False,
) -> Iterator[Boxes]:
    """Run the sshd of so many boxes; their files are in memory.

    faults: address -> a key of `OUTCOMES`.  trees: each has a module tree of its own.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        folder.chmod(0o755)
        key = make_key(folder, "ed25519")
        for each in ("own", "logins", "faults", "boxes"):
            (folder / each).mkdir()
        for address, fault in (faults or {}).items():
            (folder / "faults" / address).write_text(fault)
        enter = folder / "enter"
        enter.write_text(ENTER.format(folder=folder))
        enter.chmod(0o755)
        given = {line.split()[0] for line in lines}
        usual = [line for line in LINES if line.split()[0] not in given]
        # No user's shell reads the start files of whoever runs the tests.
        own = (*usual, f"ForceCommand {enter}", f"SetEnv HOME={folder}", *lines)
        with sshd(folder / "sshd", [key], host_keys=(host_key,), lines=own) as server:
            there = _written(folder, addresses(count), server, key, faults or {})
            if trees:
                _plant(there)
            yield there


def _written(
    folder: Path,
    found: tuple[str, ...],
    server: Server,
    key: Path,
    faults: Mapping[str, str],
) -> Boxes:
    (public,) = (
        path.with_suffix(".pub").read_text() for path in server.host_keys.values()
    )
    other = key.with_suffix(".pub").read_text()
    known = folder / "known_hosts"
    known.write_text(
        "".join(
            f"[{one}]:{server.port} "
            + (other if faults.get(one) == "wrong-key" else public)
            for one in found
        )
    )
    (folder / "profile.yaml").write_text(
        f"extends: bookworm\npython: [/usr/bin/python3]\n"
        f"directories: [{folder}/own]\nconsole: {{login_timeout_s: 3}}\n"
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
    return Boxes(
        found, server.port, getpass.getuser(), key, known, fleet, folder, faults
    )


# A tree is made once; the boxes get copies, so that each is written by itself.
def _plant(there: Boxes) -> None:
    make_tree(there.folder / "seed", rtai_files(), links=rtai_links())
    for address in there.addresses:
        place = there.folder / "boxes" / address / "root"
        shutil.copytree(there.folder / "seed", place, symlinks=True)
