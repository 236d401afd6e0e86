"""Serial lines: a device, a terminal server (raw or RFC 2217), a unix socket."""

from __future__ import annotations

import errno
import socket
import termios
from collections.abc import Mapping
from types import MappingProxyType

import serial

from modferry.core.address import Address
from modferry.core.profile import Console, Profile
from modferry.core.profilekeys import with_address
from modferry.errors import TransportError, UsageError
from modferry.transport.base import Kind
from modferry.transport.locks import LockFile
from modferry.transport.opening import Means
from modferry.transport.serialports import (
    POLL_S,
    DescriptorPort,
    Port,
    SocketPort,
    TelnetPort,
)

PARITIES: Mapping[str, str] = MappingProxyType(
    {
        "none": serial.PARITY_NONE,
        "even": serial.PARITY_EVEN,
        "odd": serial.PARITY_ODD,
        "mark": serial.PARITY_MARK,
        "space": serial.PARITY_SPACE,
    }
)

STUCK: Mapping[str, str] = MappingProxyType(
    {
        "none": "",
        "rtscts": "flow control is rtscts: the box does not raise CTS",
        "xonxoff": "flow control is xonxoff: the box has sent XOFF",
    }
)


class SerialTransport:
    """A console at the end of a serial line."""

    kind: Kind = "tty"

    def __init__(self, port: Port, name: str, console: Console, write_s: float) -> None:
        """Take over an open port."""
        self.name = name
        self._port = port
        self._write_s = write_s
        self._baud = console.baud
        self._closed = False

    def read(self, timeout_s: float) -> bytes:
        """Return what came; ``b""`` if nothing did in time."""
        self._check_open()
        return self._port.read(timeout_s)

    def write(self, octets: bytes) -> None:
        """Send all; the time limit is for a line that takes nothing, not a slow one."""
        self._check_open()
        # A driver frees its buffer in pieces of up to 4096 bytes.
        self._port.write(octets, self._write_s + 40_960 / self._baud)

    def close(self) -> None:
        """Let go of the line."""
        if not self._closed:
            self._closed = True
            self._port.close()

    def send_break(self, duration_s: float = 0.25) -> None:
        """Hold the line low for that long."""
        self._check_open()
        self._port.send_break(duration_s)

    def set_baud(self, baud: int) -> None:
        """Change our side's speed."""
        self._check_open()
        self._port.set_baud(baud)
        self._baud = baud

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError(f"the link to {self.name} is closed")


def open_link(
    address: Address,
    profile: Profile,
    means: Means,  # noqa: ARG001 - a line itself asks for nothing
) -> SerialTransport:
    """Return a link over a serial line; nothing is sent yet."""
    profile = with_address(profile, address)
    opened = {
        "serial": _open_device,
        "rfc2217": _open_telnet,
        "socket": _open_raw_tcp,
        "serial+unix": _open_unix,
    }[address.scheme](address, profile)
    return SerialTransport(
        opened, address.place, profile.console, profile.timeouts.write_s
    )


def _open_device(address: Address, profile: Profile) -> Port:
    lock = LockFile(address.path)
    lock.take()
    try:
        port = _unopened(address.path, profile.console)
        port.exclusive = True
        port.open()
    except serial.SerialException as error:
        lock.release()
        if error.errno in (errno.EWOULDBLOCK, errno.EBUSY):
            raise lock.in_use() from error
        raise _no_line(address, error) from error
    except (ValueError, OSError, termios.error) as error:
        lock.release()
        raise UsageError(
            f"{address.path} cannot be set as asked",
            where=f'address "{address.text}", profile "{profile.name}"',
            why=str(error),
        ) from error
    return DescriptorPort(port, address.path, STUCK[profile.console.flow], lock)


def _open_raw_tcp(address: Address, profile: Profile) -> Port:
    try:
        port = _unopened(f"socket://{address.place}", profile.console)
        port.open()
    except serial.SerialException as error:
        raise _no_line(address, error) from error
    return DescriptorPort(port, address.place, "", None)


def _open_telnet(address: Address, profile: Profile) -> Port:
    # ser2net answers nothing about DTR and RTS of a port that has none, and pyserial
    # would wait for it: ign_set_control.
    timeout_s = profile.timeouts.connect_s
    url = f"rfc2217://{address.place}?ign_set_control&timeout={timeout_s:g}"
    try:
        port = _unopened(url, profile.console)
        port.timeout = POLL_S
        port.open()
    except (serial.SerialException, ValueError) as error:
        raise _no_line(address, error) from error
    return TelnetPort(port, address.place)


def _open_unix(address: Address, profile: Profile) -> Port:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(profile.timeouts.connect_s)
    try:
        connection.connect(address.path)
    except OSError as error:
        connection.close()
        raise _no_line(address, error) from error
    return SocketPort(connection, address.path)


def _unopened(url: str, console: Console) -> serial.Serial:
    port = serial.serial_for_url(url, do_not_open=True, timeout=0)
    port.baudrate = console.baud
    port.bytesize = console.bytesize
    port.parity = PARITIES[console.parity]
    port.stopbits = console.stopbits
    port.rtscts = console.flow == "rtscts"
    port.xonxoff = console.flow == "xonxoff"
    return port


NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "serial": "see that the adapter is plugged in: ls -l /dev/ttyS* /dev/ttyUSB*",
        "rfc2217": "see that the terminal server runs there; for a raw port use"
        " socket:// in place of rfc2217://",
        "socket": "see that the terminal server runs there",
        "serial+unix": "see that the virtual machine runs",
    }
)


def _no_line(address: Address, error: Exception) -> TransportError:
    number = getattr(error, "errno", None)
    step = NEXT_STEPS[address.scheme]
    if number in (errno.EACCES, errno.EPERM):
        step = f"be a member of the group that {address.path} belongs to, or root"
    return TransportError(
        f"no serial line at {address.place}",
        where=f'address "{address.text}"',
        why=str(error),
        next_step=step,
    )
