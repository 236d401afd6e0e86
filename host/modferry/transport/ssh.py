"""A box over SSH: a shell on a session channel, without a pty, without sftp."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import paramiko

from modferry.core.address import Address
from modferry.core.profile import Profile
from modferry.errors import TransportError
from modferry.transport.base import KEPT_STDERR_BYTES, Kind
from modferry.transport.descriptors import gone
from modferry.transport.opening import Means
from modferry.transport.sshroute import connected_route, route

CHUNK_BYTES = 65_536
STATUS_TIMEOUT_S = 1.0
CHANNEL_REQUEST = b"\x62"
"""SSH_MSG_CHANNEL_REQUEST.  Source: RFC 4254, section 9."""


class SshTransport:
    """A shell at the other end of an SSH session channel."""

    kind: Kind = "pipe"

    def __init__(
        self,
        connections: Sequence[paramiko.Transport],
        channel: paramiko.Channel,
        name: str,
        write_s: float,
    ) -> None:
        """Take over a channel that runs a shell, and the connections below it."""
        self.name = name
        self._connections = connections
        self._channel = channel
        self._write_s = write_s
        self._stderr = b""
        self._closed = False

    def read(self, timeout_s: float) -> bytes:
        """Return what came; ``b""`` if nothing did in time."""
        self._check_open()
        self._drain()
        try:
            self._channel.settimeout(max(0.0, timeout_s))
            octets = self._channel.recv(CHUNK_BYTES)
        except TimeoutError:
            return b""
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise gone(self.name, str(error)) from error
        if not octets:
            raise self._ended()
        return octets

    def write(self, octets: bytes) -> None:
        """Send all; the time limit is for a box that takes nothing, not a slow one."""
        self._check_open()
        # The server may take a while to close what has ended.
        if self._channel.eof_received:
            raise self._ended()
        rest = memoryview(octets)
        try:
            self._channel.settimeout(self._write_s)
            while rest:
                sent = self._channel.send(bytes(rest[:CHUNK_BYTES]))
                if not sent:
                    raise self._ended()
                rest = rest[sent:]
        except TimeoutError as error:
            raise TransportError(
                f"{self.name} takes no more bytes",
                where=f"{len(octets) - len(rest)} of {len(octets)} bytes were sent",
                why=f"none went out for {self._write_s:g} s",
            ) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._channel.closed or self._channel.eof_received:
                raise self._ended() from error
            raise gone(self.name, str(error)) from error

    def stderr_text(self) -> str:
        """Return the last of what the shell and its children wrote to stderr."""
        self._drain()
        return self._stderr.decode("utf-8", "replace")

    def finish(self, limit_s: float) -> None:
        """Tell the far end that no more comes, and wait until it has ended."""
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._channel.shutdown_write()
            self._channel.status_event.wait(limit_s)

    def close(self) -> None:
        """Close the channel and the connections it went through."""
        if self._closed:
            return
        self._closed = True
        self._drain()
        self._channel.close()
        for connection in reversed(self._connections):
            connection.close()

    def _drain(self) -> None:
        while self._channel.recv_stderr_ready():
            octets = self._channel.recv_stderr(CHUNK_BYTES)
            self._stderr = (self._stderr + octets)[-KEPT_STDERR_BYTES:]

    def _ended(self) -> TransportError:
        why = "its end was closed"
        if not self._connections[-1].is_active():
            why = "the connection was lost"
        elif self._channel.status_event.wait(STATUS_TIMEOUT_S):
            why = f"the shell ended with status {self._channel.recv_exit_status()}"
        error = gone(self.name, why)
        error.where = self.stderr_text().strip()[-500:]
        return error

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError(f"the link to {self.name} is closed")


def open_link(address: Address, profile: Profile, means: Means) -> SshTransport:
    """Return a link over SSH: logged in, the profile's shell started."""
    stops = route(address, profile, means)
    connections = connected_route(stops)
    place = stops[-1].place
    try:
        channel = connections[-1].open_session(timeout=profile.timeouts.auth_s)
        channel.settimeout(profile.timeouts.auth_s)
        _start_shell(channel, profile.shell)
    except (paramiko.SSHException, EOFError, OSError) as error:
        for connection in reversed(connections):
            connection.close()
        raise TransportError(
            f'the server runs no "{profile.shell}"',
            where=place,
            why=str(error),
            next_step="see that the user has a shell and may run commands",
        ) from error
    return SshTransport(connections, channel, place, profile.timeouts.write_s)


# As Channel.exec_command, less the wait for the answer: a round trip.  A server that
# refuses closes the channel, which the first read tells.
def _start_shell(channel: paramiko.Channel, command: str) -> None:
    message = paramiko.Message()
    message.add_byte(CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)  # noqa: FBT003 - an answer is wanted
    message.add_string(command)
    connection: Any = channel.get_transport()
    connection._send_user_message(message)  # noqa: SLF001
