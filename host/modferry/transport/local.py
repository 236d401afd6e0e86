"""A box behind a child process's pipes: this machine's shell, or another program."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence

from modferry.core.address import Address
from modferry.core.profile import Profile
from modferry.errors import TransportError
from modferry.transport import descriptors
from modferry.transport.base import KEPT_STDERR_BYTES, Kind
from modferry.transport.opening import Means

END_TIMEOUT_S = 2.0


class ChildTransport:
    """A child process; its stdin and stdout are the link.

    heard: something came from it.
    """

    kind: Kind = "pipe"

    def __init__(
        self, name: str, command: Sequence[str], write_timeout_s: float
    ) -> None:
        """Start the command, in a session of its own, without a terminal."""
        self.name = name
        self.heard = False
        self._write_timeout_s = write_timeout_s
        self._child = subprocess.Popen(  # noqa: S603 - the profile names the shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert self._child.stdin  # noqa: S101 - PIPE above, for mypy
        assert self._child.stdout  # noqa: S101
        assert self._child.stderr  # noqa: S101
        self._to, self._from = self._child.stdin, self._child.stdout
        self._error = self._child.stderr
        for stream in (self._to, self._from, self._error):
            os.set_blocking(stream.fileno(), False)
        self._tail = descriptors.Tail(self._error.fileno(), KEPT_STDERR_BYTES)
        self._closed = False

    def read(self, timeout_s: float) -> bytes:
        """Return what the child wrote; ``b""`` if nothing came in time."""
        self._check_open()
        self._tail.drain()
        try:
            octets = descriptors.read_some(self._from.fileno(), timeout_s, self.name)
        except TransportError as error:
            error.where = self._tail.text().strip()[-500:]
            raise
        self.heard = self.heard or bool(octets)
        return octets

    def write(self, octets: bytes) -> None:
        """Write all the bytes to the child."""
        self._check_open()
        descriptors.write_all(
            self._to.fileno(), octets, self._write_timeout_s, self.name
        )

    def stderr_text(self) -> str:
        """Return the last of what the child and its own wrote to stderr."""
        return self._tail.text()

    def close(self) -> None:
        """End the child and what it started: kindly, then not."""
        if self._closed:
            return
        self._closed = True
        self._to.close()
        try:
            self._child.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        self._tail.drain()
        self._from.close()
        self._error.close()

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError(f"the link to {self.name} is closed")


def open_link(
    address: Address,  # noqa: ARG001 - there is nothing to say about this machine
    profile: Profile,
    means: Means,  # noqa: ARG001 - nor to prove
) -> ChildTransport:
    """Return a link to a shell on this machine."""
    shell = ["/bin/sh", "-c", profile.shell]
    return ChildTransport("this machine", shell, profile.timeouts.write_s)
