"""A serial port made of a pseudo terminal: one side is a device, the other is ours."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modferry.transport.base import Transport


@dataclass(frozen=True)
class PtyLine:
    """A device that a serial program may open, and the descriptor of its far end."""

    device: str
    far_end: int

    def say(self, octets: bytes) -> None:
        """Send from the far end."""
        while octets:
            octets = octets[os.write(self.far_end, octets) :]

    def heard(self, size: int, timeout_s: float = 5.0) -> bytes:
        """Return what reached the far end, once it is that much or time is up."""
        octets = b""
        while len(octets) < size:
            if not select.select([self.far_end], [], [], timeout_s)[0]:
                break
            octets += os.read(self.far_end, 65_536)
        return octets

    def modes(self) -> str:
        """Return all that stty saves of the device."""
        return subprocess.check_output(["stty", "-F", self.device, "-g"], text=True)

    def settings(self) -> str:
        """Return all that stty says of the device."""
        return subprocess.check_output(["stty", "-F", self.device, "-a"], text=True)


@contextmanager
def pty_line(*settings: str) -> Iterator[PtyLine]:
    """Make a raw line; the device stays while the block runs, opened or not.

    settings: of stty, as others left the device
    """
    far_end, near_end = pty.openpty()
    try:
        tty.setraw(near_end)
        if settings:
            subprocess.run(["stty", *settings], stdin=near_end, check=True)
        yield PtyLine(os.ttyname(near_end), far_end)
    finally:
        os.close(far_end)
        os.close(near_end)


@contextmanager
def tty_of(path: Path) -> Iterator[str]:
    """Make a device of a unix socket with a console, as an adapter makes one of a line.

    Its speed and break are nobody's: a pty carries bytes.
    """
    ended = threading.Event()

    def carry(far_end: int, console: socket.socket) -> None:
        while not ended.is_set():
            for end in select.select([far_end, console], [], [], 0.02)[0]:
                if end is console:
                    octets = console.recv(4096)
                    while octets:
                        octets = octets[os.write(far_end, octets) :]
                else:
                    console.sendall(os.read(far_end, 4096))

    with pty_line() as line, socket.socket(socket.AF_UNIX) as console:
        console.connect(str(path))
        thread = threading.Thread(target=carry, args=(line.far_end, console))
        thread.start()
        try:
            yield line.device
        finally:
            ended.set()
            thread.join(10)


def read_all(link: Transport, size: int) -> bytes:
    """Return so many bytes of a link, or what came in time."""
    octets = b""
    deadline = time.monotonic() + 5
    while len(octets) < size and time.monotonic() < deadline:
        octets += link.read(0.5)
    return octets
