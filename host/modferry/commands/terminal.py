"""The user's terminal at a console on a unix socket, until Ctrl-] or its end."""

from __future__ import annotations

import os
import selectors
import socket
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modferry.errors import TransportError, UsageError

LEAVE = b"\x1d"
"""Ctrl-]."""


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """Make a person's terminal hand on each key as it is; give it back after."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def attach(path: Path, keyboard: int, screen: int) -> None:
    """Carry bytes between a terminal's descriptors and the socket.

    Raise UsageError if the keyboard is no terminal, TransportError if nothing listens.
    """
    if not os.isatty(keyboard):
        raise UsageError(
            "stdin is no terminal",
            where="console",
            next_step="modferry lab ssh COMMAND runs a command",
        )
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError as error:
            raise TransportError(
                "the console cannot be reached",
                where=str(path),
                why=error.strerror or "",
            ) from error
        with raw_terminal(keyboard), selectors.DefaultSelector() as ready:
            ready.register(keyboard, selectors.EVENT_READ)
            ready.register(line, selectors.EVENT_READ)
            while True:
                for key, _events in ready.select():
                    if key.fileobj == keyboard:
                        octets = os.read(keyboard, 1024)
                        if not octets or LEAVE in octets:
                            return
                        line.sendall(octets)
                    else:
                        octets = line.recv(65536)
                        if not octets:
                            return
                        os.write(screen, octets)
