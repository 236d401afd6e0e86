"""A box over the system's ssh: what its own configuration, agent and helpers can do.

The profile's algorithms are given as options; keys and known hosts are ssh's own.  ssh
asks nothing here: there is no password by this way.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from modferry.core.address import Address
from modferry.core.profile import Profile
from modferry.errors import TransportError, UsageError
from modferry.transport.local import ChildTransport
from modferry.transport.opening import Means
from modferry.transport.sshconfig import ssh_options

KEEPALIVES_MISSED = 4

CAUSES = (
    (
        "Host key verification failed",
        "--accept-new trusts a host not yet known",
    ),
    ("HOST IDENTIFICATION HAS CHANGED", "compare with ssh-keygen -l on its console"),
    ("no matching", "name a profile that allows it: wheezy-rtai or squeeze-rtai"),
    ("Permission denied", "name a key with identity_file, or use transport: paramiko"),
)
"""What ssh says -> the next step."""

PASSING = ("kex_exchange_identification", "Connection refused", "Connection reset")


class SshTransport(ChildTransport):
    """A shell at the other end of a child that is ssh."""

    def read(self, timeout_s: float) -> bytes:
        """Return what came; when ssh ends, say why it did."""
        try:
            return super().read(timeout_s)
        except TransportError as error:
            said = self.stderr_text().strip()
            found = TransportError(
                f"ssh ends: {said.splitlines()[-1] if said else error.why}",
                where=self.name,
                why="\n".join(said.splitlines()[-6:-1]),
                next_step=next((step for text, step in CAUSES if text in said), ""),
            )
            # Before the first byte nothing has been done on the box.
            if not self.heard and any(text in said for text in PASSING):
                found.passes()
            raise found from error


def open_link(address: Address, profile: Profile, means: Means) -> SshTransport:
    """Return a link by the system's ssh; it connects while the first bytes wait."""
    program = shutil.which("ssh")
    if program is None:
        raise UsageError(
            "no ssh on this machine",
            where=f"transport of {address.place}",
            next_step="apt install openssh-client, or transport: paramiko",
        )
    name = f"{address.user or profile.login.user}@{address.place}"
    return SshTransport(
        name,
        [program, *arguments(address, profile, means)],
        profile.timeouts.write_s,
    )


def arguments(address: Address, profile: Profile, means: Means) -> list[str]:
    """Return ssh's arguments."""
    words = ["-T", "-x"]
    for name, value in _options(address, profile, means):
        words += ["-o", f"{name}={value}"]
    return [*words, "--", address.host, profile.shell]


def _options(
    address: Address, profile: Profile, means: Means
) -> Iterator[tuple[str, object]]:
    given = ssh_options(address)
    ssh = profile.ssh
    yield "User", address.user or given.get("user") or profile.login.user
    yield "Port", address.port or given.get("port") or ssh.port
    yield "BatchMode", "yes"
    # A changed key is refused by both.
    yield "StrictHostKeyChecking", "accept-new" if means.accept_new else "yes"
    yield "ConnectTimeout", max(1, round(profile.timeouts.connect_s))
    yield "ServerAliveInterval", ssh.keepalive_s
    yield "ServerAliveCountMax", KEEPALIVES_MISSED
    yield "KexAlgorithms", ",".join(ssh.kex)
    yield "HostKeyAlgorithms", ",".join(ssh.host_keys)
    yield "Ciphers", ",".join(ssh.ciphers)
    yield "MACs", ",".join(ssh.macs)
    yield "PubkeyAcceptedAlgorithms", ",".join(ssh.public_keys)
    if address.options.get("identity"):
        yield "IdentityFile", address.options["identity"]
    if address.options.get("known_hosts"):
        yield "UserKnownHostsFile", address.options["known_hosts"]
    for name, value in given.items():
        if name not in ("user", "port", "stricthostkeychecking"):
            yield name, value
