"""``modferry console``: a person's terminal on the serial line of a box."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from modferry import render
from modferry.commands.connect import box_of
from modferry.commands.outfile import OutFile
from modferry.commands.settings import Settings, box_options, pass_settings
from modferry.commands.terminal import LEAVE, raw_terminal
from modferry.core.frombox import ToHostDecoder
from modferry.core.profilekeys import with_address
from modferry.errors import TransportError, UsageError
from modferry.transport.base import Line, Transport
from modferry.transport.opening import open_transport

MENU = b"\x14"
"""Ctrl-T: the key behind it is for modferry."""

BREAK_KEYS = b"bB\x02"
POLL_S = 0.02


@click.command()
@click.option(
    "--transcript",
    type=OutFile(),
    metavar="FILE",
    help="Write what the box says there, each line with its time.",
)
@box_options
@pass_settings
def console(settings: Settings, transcript: Path | None) -> None:
    """Be at the serial console of a box; Ctrl-] leaves it.

    Ctrl-T b sends a break (b and a SysRq letter behind it are the kernel's), Ctrl-T
    twice sends a Ctrl-T. The line is locked meanwhile, and free again afterwards: other
    commands work on the box as it was left.
    """
    box = box_of(settings)
    if box.address.kind != "tty":
        raise UsageError(
            f'"{box.address.text}" is no serial line',
            where="console",
            next_step="use ssh; a console is at an address such as "
            "serial:///dev/ttyUSB0",
        )
    if not sys.stdin.isatty():
        raise UsageError("stdin is no terminal", where="console")
    profile = with_address(box.profile, box.address)
    transport = open_transport(
        box.address, profile, secrets=box.secrets(), accept_new=settings.accept_new
    )
    keyboard = sys.stdin.fileno()
    with (
        contextlib.closing(transport),
        _written(transcript) as record,
        raw_terminal(keyboard),
    ):
        # Not before: what is typed until the terminal is raw is thrown away.
        render.error_console().print(
            f"{transport.name}: Ctrl-] leaves, Ctrl-T b sends a break",
            soft_wrap=True,
            end="\r\n",
        )
        attend(transport, keyboard, sys.stdout.fileno(), record)
    click.echo(err=True)


def _sent_break(transport: Transport) -> bytes:
    """Send a break; return what the person is told, nothing if it went."""
    if not isinstance(transport, Line):
        return b"\r\n[this line carries no break]\r\n"
    try:
        transport.send_break()
    except TransportError as error:
        return f"\r\n[no break was sent: {error}; {error.why}]\r\n".encode()
    return b""


@contextmanager
def _written(path: Path | None) -> Iterator[Transcript | None]:
    if path is None:
        yield None
        return
    try:
        # What is typed at a console may be a secret, and a box may show it.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(
            f'the transcript "{path}" cannot be written',
            where=str(path),
            why=error.strerror or "",
        ) from error
    with os.fdopen(descriptor, "ab") as stream:
        transcript = Transcript(stream)
        try:
            yield transcript
        finally:
            transcript.end()


class Transcript:
    """Writes what a box says, each line with the time at which it began."""

    def __init__(self, stream: BinaryIO) -> None:
        """Begin with no line begun."""
        self._stream = stream
        self._begun = False

    def take(self, octets: bytes) -> None:
        """Write some bytes, at once: what a box said last before it died counts."""
        for line in octets.splitlines(keepends=True):
            if not self._begun:
                now = time.time()
                stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
                self._stream.write(f"{stamp}.{int(now * 1000) % 1000:03d} ".encode())
            text = line.rstrip(b"\r\n")
            self._stream.write(text)
            self._begun = not line.endswith(b"\n")
            if not self._begun:
                self._stream.write(b"\n")
        self._stream.flush()

    def end(self) -> None:
        """End the line that was begun."""
        if self._begun:
            self._stream.write(b"\n")


class Keys:
    """Tells what a person types for the box from what is for modferry."""

    def __init__(self) -> None:
        """Begin outside of the menu."""
        self._menu = False

    def meant(self, octets: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield ("send", byte), ("break", byte) or ("leave", byte) for the keys."""
        for key in (octets[at : at + 1] for at in range(len(octets))):
            if self._menu:
                self._menu = False
                if key in BREAK_KEYS:
                    yield "break", key
                elif key == MENU:
                    yield "send", key
            elif key == MENU:
                self._menu = True
            else:
                yield ("leave" if key == LEAVE else "send"), key


def attend(
    transport: Transport, keyboard: int, screen: int, record: Transcript | None
) -> None:
    """Carry bytes between a terminal's descriptors and the line, until Ctrl-].

    Frames of an agent that somebody left on the line are not shown.
    """
    frames, keys = ToHostDecoder(), Keys()
    while True:
        for _ in frames.feed(transport.read(POLL_S)):
            pass
        text = frames.take_text()
        os.write(screen, text)
        if record is not None:
            record.take(text)
        if not select.select([keyboard], [], [], 0)[0]:
            continue
        typed = os.read(keyboard, 1024) or LEAVE
        for what, key in keys.meant(typed):
            if what == "leave":
                return
            if what == "send":
                transport.write(key)
            else:
                os.write(screen, _sent_break(transport))
