"""A shell at the far end of a simulated serial line, for whole sessions."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.line import Faults, Line
from support.pump import Ends, Pump

BOX_TOOLS = ("sh", "cksum", "id", "stty", "cut", "env", "mkdir")
"""What a start needs; a box that has no more has no xz either."""


TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Ptys:
    """Two pseudo terminals with a pump between them.

    host_device: what the host opens.  box_tty: descriptor of the box's terminal.
    counts: what befell the bytes, once the line has ended.
    """

    host_device: str
    host_tty: int
    box_tty: int
    counts: dict[str, float]


def lines(baud: int, faults: Faults, *, deaf: bool = False) -> tuple[Line, Line]:
    """Return a line to the box and one to the host, with the faults on both.

    The kernel prints to the host, and makes the box deaf where ``deaf``; an adapter is
    at the host's end.
    """
    to_host = Line(baud, faults)
    quiet = Faults(faults.flip, faults.drop, faults.burst, faults.burst_bytes,
                   seed=faults.seed + 100)  # fmt: skip
    return Line(baud, quiet, deafened_by=to_host if deaf else None), to_host


@contextmanager
def ptys(to_box: Line, to_host: Line, *, speeds: bool = False) -> Iterator[Ptys]:
    """Make a line between two pseudo terminals, both raw."""
    host, host_tty = pty.openpty()
    box, box_tty = pty.openpty()
    for end in (host_tty, box_tty):
        tty.setraw(end)
    for end in (host, box):
        os.set_blocking(end, False)
    pump = Pump(Ends(host, box, host_tty, box_tty), to_box, to_host, speeds=speeds)
    try:
        with pump.apart() as counts:
            yield Ptys(os.ttyname(host_tty), host_tty, box_tty, counts)
    finally:
        for end in (host, host_tty, box, box_tty):
            os.close(end)


@contextmanager
def shell_on(
    descriptor: int, argv: Sequence[str] = ("sh", "-i"), path: str = os.defpath
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell with a terminal as its own, in the modes a getty leaves."""
    sane = termios.tcgetattr(descriptor)
    sane[tty.IFLAG] = termios.ICRNL | termios.IXON
    sane[tty.OFLAG] = termios.OPOST | termios.ONLCR
    sane[tty.LFLAG] = (
        termios.ICANON | termios.ECHO | termios.ECHOE | termios.ISIG | termios.IEXTEN
    )
    sane[tty.ISPEED] = sane[tty.OSPEED] = termios.B115200
    termios.tcsetattr(descriptor, termios.TCSANOW, sane)

    child = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *argv],
        stdin=descriptor,
        stdout=descriptor,
        stderr=descriptor,
        start_new_session=True,
        env={"PATH": path, "HOME": "/tmp", "PS1": "# ", "LC_ALL": "C"},
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGHUP)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def bare_path(folder: Path) -> str:
    """Return a PATH with nothing but what starting an agent needs."""
    folder.mkdir(exist_ok=True)
    for name in BOX_TOOLS:
        for place in ("/usr/bin", "/bin"):
            if (Path(place) / name).exists() and not (folder / name).exists():
                (folder / name).symlink_to(Path(place) / name)
    return str(folder)
