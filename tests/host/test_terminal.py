"""A terminal at a console: bytes both ways, and the terminal given back."""

import os
import pty
import socket
import termios
import threading
from pathlib import Path

import pytest

from modferry.commands import terminal
from modferry.errors import TransportError, UsageError


@pytest.fixture
def person():
    """Yield a terminal: the end at which a person would sit, and a program's."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def console(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "console"))
        listener.listen()
        listener.settimeout(10)
        yield listener, tmp_path / "console"


def test_bytes_go_both_ways_until_the_person_leaves(person, console):
    keyboard, theirs = person
    listener, path = console
    before = termios.tcgetattr(theirs)
    worker = threading.Thread(target=terminal.attach, args=(path, theirs, theirs))
    worker.start()
    line, _ = listener.accept()
    with line:
        line.settimeout(10)
        line.sendall(b"login: ")
        assert os.read(keyboard, 7) == b"login: "
        os.write(keyboard, b"root\r")
        assert line.recv(5) == b"root\r"

        os.write(keyboard, terminal.LEAVE)
        worker.join(10)

    assert not worker.is_alive()
    assert termios.tcgetattr(theirs) == before


def test_the_end_of_the_line_is_the_end(person, console):
    _, theirs = person
    listener, path = console
    worker = threading.Thread(target=terminal.attach, args=(path, theirs, theirs))
    worker.start()
    line, _ = listener.accept()
    line.close()
    worker.join(10)

    assert not worker.is_alive()


def test_a_console_that_nobody_serves_is_told(person, tmp_path):
    with pytest.raises(TransportError, match="cannot be reached"):
        terminal.attach(tmp_path / "none", person[1], person[1])


def test_a_console_needs_a_terminal(tmp_path):
    with (
        Path("/dev/null").open() as nothing,
        pytest.raises(UsageError, match="no terminal"),
    ):
        terminal.attach(tmp_path / "console", nothing.fileno(), nothing.fileno())
