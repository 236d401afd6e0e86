"""The ports below a serial line, a class a kind: descriptor, RFC 2217, unix socket."""

from __future__ import annotations

import contextlib
import socket
import termios
import time
from typing import Protocol

import serial

from modferry.errors import TransportError
from modferry.transport import descriptors
from modferry.transport.locks import LockFile

POLL_S = 0.05


class Port(Protocol):
    """The way bytes take to one kind of line."""

    def read(self, timeout_s: float) -> bytes:
        """Return what came in time."""

    def write(self, octets: bytes, timeout_s: float) -> None:
        """Send all, each part of it in time."""

    def close(self) -> None:
        """Let go."""

    def send_break(self, duration_s: float) -> None:
        """Hold the line low."""

    def set_baud(self, baud: int) -> None:
        """Change the speed."""


class DescriptorPort:
    """A pyserial port with a file descriptor: a device, or a raw TCP connection."""

    def __init__(
        self, port: serial.Serial, name: str, stuck: str, lock: LockFile | None
    ) -> None:
        """Take over an open port; the lock goes with it."""
        self._port, self._name, self._stuck, self._lock = port, name, stuck, lock
        self._blocked = False

    def read(self, timeout_s: float) -> bytes:
        """Return what came in time."""
        return descriptors.read_some(self._port.fileno(), timeout_s, self._name)

    def write(self, octets: bytes, timeout_s: float) -> None:
        """Send all, each part of it in time."""
        self._blocked = True
        descriptors.write_all(
            self._port.fileno(), octets, timeout_s, self._name, self._stuck
        )
        self._blocked = False

    def close(self) -> None:
        """Close the port, then give the lock back."""
        if self._blocked:
            # The kernel waits 30 s in close() for bytes the line does not take.
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(self._port.fileno(), termios.TCOFLUSH)
        self._port.close()
        if self._lock is not None:
            self._lock.release()

    def send_break(self, duration_s: float) -> None:
        """Hold the line low."""
        self._port.send_break(duration_s)

    def set_baud(self, baud: int) -> None:
        """Change the speed."""
        self._port.baudrate = baud


class TelnetPort:
    """A port behind RFC 2217; pyserial's thread reads it, so there is no descriptor."""

    def __init__(self, port: serial.Serial, name: str) -> None:
        """Take over an open port whose own timeout is `POLL_S`.

        Setting pyserial's timeout for each read would negotiate the line anew.
        """
        self._port, self._name = port, name

    def read(self, timeout_s: float) -> bytes:
        """Return what came in time."""
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                waiting = self._port.in_waiting
                if waiting or timeout_s > 0:
                    octets = bytes(self._port.read(max(1, waiting)))
                    if octets:
                        return octets + bytes(self._port.read(self._port.in_waiting))
                if time.monotonic() >= deadline:
                    return b""
        except (serial.SerialException, OSError) as error:
            raise descriptors.gone(self._name, str(error)) from error

    def write(self, octets: bytes, timeout_s: float) -> None:
        """Send all; pyserial's socket has a time limit of its own, 5 s."""
        try:
            self._port.write(octets)
        except (serial.SerialException, OSError) as error:
            raise descriptors.gone(self._name, str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._port.close()

    def send_break(self, duration_s: float) -> None:
        """Hold the line low."""
        self._port.send_break(duration_s)

    def set_baud(self, baud: int) -> None:
        """Change the speed of the port behind the server."""
        self._port.baudrate = baud


class SocketPort:
    """A line that is a unix socket: QEMU's ``-serial unix:...``."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        """Take over a connected socket."""
        connection.settimeout(0)
        self._socket, self._name = connection, name

    def read(self, timeout_s: float) -> bytes:
        """Return what came in time."""
        return descriptors.read_some(self._socket.fileno(), timeout_s, self._name)

    def write(self, octets: bytes, timeout_s: float) -> None:
        """Send all, each part of it in time."""
        descriptors.write_all(self._socket.fileno(), octets, timeout_s, self._name)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send_break(self, duration_s: float) -> None:
        """Refuse: a socket has no break."""
        raise TransportError("a unix socket carries no break", where=self._name)

    def set_baud(self, baud: int) -> None:
        """Do nothing: a socket has no speed."""
