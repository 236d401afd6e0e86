"""A box made of a pseudo terminal: a getty of ours in front of a real shell.

The real getty is the practice box's; this one is quick, and can be any box: with other
prompts and shells, already logged in, booting, silent, garbling.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

GETTY = r"""
import os, subprocess, sys, termios, time
issue, password, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
shell = sys.argv[4:]
time.sleep(delay)
saved = termios.tcgetattr(0)
while True:
    termios.tcsetattr(0, termios.TCSAFLUSH, saved)
    sys.stdout.write("\n" + issue + "\n\nbox login: ")
    sys.stdout.flush()
    name = sys.stdin.readline().strip()
    if not name:
        continue
    if password != "-":
        quiet = termios.tcgetattr(0)
        quiet[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSAFLUSH, quiet)
        sys.stdout.write("Password: ")
        sys.stdout.flush()
        given = sys.stdin.readline().strip()
        termios.tcsetattr(0, termios.TCSAFLUSH, saved)
        if (name, given) != ("root", password):
            time.sleep(0.2)
            sys.stdout.write("\nLogin incorrect\n")
            continue
    sys.stdout.write("\nLast login: Mon Nov 23 10:00:00 on ttyS0\nWelcome # here\n")
    sys.stdout.flush()
    subprocess.call(shell)
"""

Mangle = Callable[[bytes], bytes]


def _same(octets: bytes) -> bytes:
    return octets


@dataclass
class FakeBox:
    """A shell behind a getty behind a pseudo terminal that the host opens.

    password: "-" logs in without.  shell: what a login runs.
    logged_in: the shell is open already, without a getty.
    to_host, to_box: what the line does to the bytes.
    """

    shell: Sequence[str] = ("sh", "-i")
    password: str = "secret"
    issue: str = "Debian GNU/Linux 7 box ttyS0"
    delay_s: float = 0.0
    logged_in: bool = False
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    to_host: Mangle = _same
    to_box: Mangle = _same
    said: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> Self:
        """Start the box."""
        self._host_end, device = pty.openpty()
        tty.setraw(device)
        self.device = os.ttyname(device)
        self._device = device
        self.pid, self._box_end = pty.fork()
        if self.pid == 0:
            environment = {"PATH": self.path, "TERM": "vt220", "HOME": "/", "PS1": "# "}
            command = list(self.shell)
            if not self.logged_in:
                command = [
                    sys.executable,
                    "-c",
                    GETTY,
                    self.issue,
                    self.password,
                    str(self.delay_s),
                    *self.shell,
                ]
            os.execvpe(command[0], command, environment)
        self._ended = False
        self._pump = threading.Thread(target=self._run, daemon=True)
        self._pump.start()
        return self

    def _run(self) -> None:
        while not self._ended:
            ready, _, _ = select.select([self._host_end, self._box_end], [], [], 0.05)
            try:
                if self._host_end in ready:
                    octets = self.to_box(os.read(self._host_end, 4096))
                    os.write(self._box_end, octets)
                if self._box_end in ready:
                    octets = self.to_host(os.read(self._box_end, 4096))
                    self.said += octets
                    os.write(self._host_end, octets)
            except OSError:
                return

    def type(self, octets: bytes) -> None:
        """Let somebody else type on the line."""
        os.write(self._box_end, octets)

    def print(self, octets: bytes) -> None:
        """Print on the console, as a kernel does."""
        os.write(self._host_end, octets)

    def wait_for(self, text: bytes, timeout_s: float) -> float:
        """Return the seconds until the box says the text; raise TimeoutError."""
        start = time.monotonic()
        while text not in self.said:
            if time.monotonic() - start > timeout_s:
                raise TimeoutError(bytes(self.said[-400:]))
            time.sleep(0.02)
        return time.monotonic() - start

    def modes(self) -> list[object]:
        """Return the terminal modes that the box's side has now."""
        return termios.tcgetattr(self._box_end)

    @property
    def address(self) -> str:
        """Return the address by which a session reaches the box."""
        return f"serial://{self.device}"

    def __exit__(self, *_: object) -> None:
        """End all that runs on the box."""
        self._ended = True
        self._pump.join(2)
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._box_end)
        os.waitpid(self.pid, 0)
        os.close(self._host_end)
        os.close(self._device)


def home_of(folder: Path) -> tuple[str, ...]:
    """Return the agent homes to use in place of the machine's own."""
    return (str(folder / "modferry"),)
