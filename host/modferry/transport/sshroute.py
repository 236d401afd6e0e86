"""The way to an SSH server, over jump hosts, each checked and logged in to."""

from __future__ import annotations

import getpass
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import paramiko

from modferry.core.address import Address
from modferry.core.profile import Profile, Ssh
from modferry.errors import TransportError, UsageError
from modferry.profiles import profile_names, read_profile
from modferry.secrets import Secrets
from modferry.transport import sshoffer
from modferry.transport.hostcheck import KeyBook
from modferry.transport.opening import Means
from modferry.transport.sockets import PromptSocket, command_link
from modferry.transport.sshauth import RSA_ALGORITHMS, Login
from modferry.transport.sshconfig import Hop, read_hop, ssh_options
from modferry.transport.sshkex import Connection

LONGEST_ROUTE = 8
KEEPALIVES_MISSED = 4
BANNER = "banner"
"""In the message of paramiko's error when no SSH server says a word."""

# Without a handler of its own, paramiko's thread writes tracebacks to stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Stop:
    """One server on the way; the last is the box."""

    hop: Hop
    user: str
    port: int
    profile: Profile
    secrets: Secrets
    accept_new: bool

    @property
    def place(self) -> str:
        """Return ``user@host:port``, for messages."""
        host = (
            f"[{self.hop.hostname}]" if ":" in self.hop.hostname else self.hop.hostname
        )
        return f"{self.user}@{host}:{self.port}"


def route(address: Address, profile: Profile, means: Means) -> list[Stop]:
    """Return the servers to go through, the box last."""
    hop = read_hop(address.host, ssh_options(address))
    identity = address.options.get("identity")
    if identity:
        hop = replace(hop, identities=(identity, *hop.identities))
    known_hosts = address.options.get("known_hosts")
    if known_hosts:
        hop = replace(hop, known_hosts=(known_hosts,), hash_names=False)
    user = address.user or hop.user or profile.login.user
    port = address.port or hop.port or profile.ssh.port
    box = Stop(hop, user, port, profile, means.secrets, means.accept_new)
    # The box's password is not for the servers before it.
    others = replace(means, secrets=Secrets(ask=means.secrets.ask))
    return [*_jumps(hop, others, ()), box]


def _jumps(hop: Hop, means: Means, seen: tuple[str, ...]) -> list[Stop]:
    stops: list[Stop] = []
    for text in hop.jumps:
        user, host, port = _jump_parts(text)
        if host in seen or len(seen) >= LONGEST_ROUTE:
            raise UsageError(
                f'the way to "{hop.host}" goes in a circle',
                where="ssh configuration, ProxyJump",
                why=" -> ".join((*seen, host)),
            )
        found = read_hop(host)
        if not stops:
            stops += _jumps(found, means, (*seen, host))
        stops.append(
            Stop(
                found,
                user or found.user or getpass.getuser(),
                port or found.port or Ssh().port,
                Profile(),
                means.secrets,
                means.accept_new,
            )
        )
    return stops


def _jump_parts(text: str) -> tuple[str, str, int | None]:
    user, _, rest = text.removeprefix("ssh://").rpartition("@")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    return user, host, int(port) if port.isdecimal() else None


def connected_route(stops: Sequence[Stop]) -> list[paramiko.Transport]:
    """Return the connections to all stops, each through the one before, logged in."""
    connections: list[paramiko.Transport] = []
    try:
        for stop in stops:
            through = connections[-1] if connections else None
            connections.append(_connected(stop, through))
    except BaseException:
        for connection in reversed(connections):
            connection.close()
        raise
    return connections


LOOK_UP_S = 0.5
"""How often a connection that waits looks whether it was closed, or wants a keepalive;
paramiko's tenth of a second costs a fleet that waits a part of a processor."""


def _connected(stop: Stop, through: paramiko.Transport | None) -> paramiko.Transport:
    ssh, timeouts = stop.profile.ssh, stop.profile.timeouts
    book = KeyBook.of(stop.hop, stop.port, stop.place)
    rsa_off = [name for name in RSA_ALGORITHMS if name not in ssh.public_keys]
    began = time.monotonic()
    connection = Connection(
        _link_to(stop, through),  # a channel does as well
        disabled_algorithms={"pubkeys": rsa_off},
    )
    try:
        options = connection.get_security_options()
        options.kex, options.ciphers = _known(ssh.kex, options.kex), ssh.ciphers
        options.digests = ssh.macs
        options.key_types = book.preferred(ssh.host_keys)
        connection.banner_timeout = timeouts.connect_s
        connection.handshake_timeout = timeouts.auth_s
        connection.auth_timeout = timeouts.auth_s
        connection.start_client()
        book.check(connection.get_remote_server_key(), accept_new=stop.accept_new)
        connection.set_keepalive(ssh.keepalive_s)
        Login(
            stop.user,
            stop.place,
            ssh,
            stop.secrets,
            stop.hop.identities,
            stop.hop.identities_only,
            stop.hop.use_agent,
        ).authenticate(connection)
        # Until now a limit was near; from now on paramiko would wake up for nothing.
        with suppress(OSError):  # closed already: who reads from it is told
            connection.sock.settimeout(LOOK_UP_S)
    except (paramiko.SSHException, EOFError, OSError, ValueError) as error:
        connection.close()
        failure = _no_session(stop, through, error)
        if BANNER in str(error) and time.monotonic() - began < timeouts.connect_s:
            failure.passes()  # it ended: a full gateway, or a server that starts
        raise failure from error
    except BaseException:
        connection.close()
        raise
    return connection


# Whether curve25519 is there depends on paramiko's libraries.
def _known(names: Sequence[str], possible: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in possible)


def _link_to(
    stop: Stop, through: paramiko.Transport | None
) -> socket.socket | paramiko.Channel:
    timeout_s = stop.profile.timeouts.connect_s
    if through is not None:
        try:
            return through.open_channel(
                "direct-tcpip",
                (stop.hop.hostname, stop.port),
                ("127.0.0.1", 0),
                timeout=timeout_s,
            )
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise _unreachable(stop, f"the jump host says: {error}") from error
    if stop.hop.proxy_command:
        return command_link(stop.hop.proxy_command)
    try:
        plain = socket.create_connection((stop.hop.hostname, stop.port), timeout_s)
    except socket.gaierror as error:
        raise _unreachable(stop, f"the name is not known: {error.strerror}") from error
    except TimeoutError as error:
        raise _unreachable(stop, f"no answer within {timeout_s:g} s") from error
    except OSError as error:
        unreachable = _unreachable(stop, error.strerror or str(error))
        if isinstance(error, ConnectionRefusedError | ConnectionResetError):
            unreachable.passes()
        raise unreachable from error
    prompt = PromptSocket(fileno=plain.detach())
    prompt.settimeout(timeout_s)
    prompt.prepare(KEEPALIVES_MISSED * stop.profile.ssh.keepalive_s)
    return prompt


def _unreachable(stop: Stop, why: str) -> TransportError:
    return TransportError(
        f"{stop.place} cannot be reached",
        why=why,
        next_step="see that the box is up and the address right",
    )


def _no_session(
    stop: Stop, through: paramiko.Transport | None, error: Exception
) -> TransportError:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        offer = _asked_offer(stop, through)
        if offer is not None:
            return _nothing_in_common(stop, offer)
    text = str(error)
    if BANNER in text:
        return TransportError(
            f"no SSH server answers at {stop.place}",
            why="the connection was taken, but no banner came within "
            f"{stop.profile.timeouts.connect_s:g} s, or it ended",
            next_step="see that sshd runs there and does not refuse new connections",
        )
    return TransportError(
        f"no SSH session with {stop.place}",
        why=text or "the server ended the connection",
    )


def _asked_offer(
    stop: Stop, through: paramiko.Transport | None
) -> sshoffer.Offer | None:
    try:
        link = _link_to(stop, through)
    except TransportError:
        return None
    try:
        return sshoffer.read_offer(link, stop.profile.timeouts.connect_s)
    finally:
        link.close()


def _nothing_in_common(stop: Stop, offer: sshoffer.Offer) -> TransportError:
    name = stop.profile.name
    profiles = [read_profile(one) for one in profile_names()]
    fitting = sshoffer.fitting_profiles(offer, profiles)
    return TransportError(
        f'{stop.place} and profile "{name}" share no SSH algorithms',
        where=f"server {offer.banner}",
        why=sshoffer.explained(offer, stop.profile.ssh),
        next_step=f"profile {fitting[0]} allows it: name it in the fleet file"
        if fitting
        else "write a profile that allows it, with keys under ssh:",
    )
