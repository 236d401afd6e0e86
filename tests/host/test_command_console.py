"""A person at a serial line: a real terminal at one end, a real shell at the other."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from modferry import cli
from modferry.errors import ExitStatus
from support.commands import environment
from support.fakebox import FakeBox
from support.ptyline import pty_line


class Person:
    """A command on a terminal of its own, and what a person sees and types there."""

    def __init__(self, *words: str) -> None:
        self.keyboard, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modferry", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(),
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = b""

    def sees(self, text: bytes, limit_s: float = 40.0) -> None:
        limit = time.monotonic() + limit_s
        while text not in self.seen:
            assert time.monotonic() < limit, self.seen
            if select.select([self.keyboard], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.keyboard, 4096)
                except OSError:
                    break
        assert text in self.seen, self.seen

    def types(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def leaves(self) -> int:
        self.types(b"\x1d")
        status = self.process.wait(20)
        os.close(self.keyboard)
        return status


def test_a_person_is_at_the_shell_and_the_next_command_goes_on_there(tmp_path):
    transcript = tmp_path / "said"
    with FakeBox(logged_in=True) as fake:
        words = ["console", "--on", fake.address, "--transcript", str(transcript)]
        person = Person(*words)
        person.sees(b"Ctrl-] leaves")
        person.types(b"echo $((6*7))$((1+1))\r")
        person.sees(b"422")

        held = cli.run(["facts", "--on", fake.address, "--json"])
        assert person.leaves() == 0

        assert held == ExitStatus.UNREACHABLE
        again = Person(*words)
        again.sees(b"Ctrl-] leaves")
        again.types(b"echo $((5*5))x\r")
        again.sees(b"25x")
        assert again.leaves() == 0

    lines = transcript.read_text().splitlines()
    assert transcript.stat().st_mode & 0o077 == 0
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert any(re.fullmatch(f"{stamp} 422", line) for line in lines)
    assert any(line.endswith(" 25x") for line in lines)


def test_control_t_twice_is_one_and_its_menu_is_not_sent():
    with pty_line() as line:
        person = Person("console", "--on", f"serial://{line.device}")
        person.sees(b"Ctrl-] leaves")
        person.types(b"a\x14\x14\x14bc")

        assert line.heard(3) == b"a\x14c"
        assert person.leaves() == 0


def test_the_end_of_the_line_is_said():
    with FakeBox(logged_in=True, shell=("sleep", "60")) as fake:
        person = Person("console", "--on", fake.address)
        person.sees(b"Ctrl-] leaves")
    person.sees(b"the link to", 20)
    assert person.process.wait(20) == ExitStatus.UNREACHABLE
    os.close(person.keyboard)


@pytest.mark.parametrize("address", ["local:", "ssh://root@box"])
def test_what_is_no_serial_line_has_no_console(address, capsys):
    assert cli.run(["console", "--on", address]) == ExitStatus.USAGE
    assert "no serial line" in capsys.readouterr().err


def test_without_a_terminal_there_is_no_console(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert cli.run(["console", "--on", "serial:///dev/null"]) == ExitStatus.USAGE
    assert "no terminal" in capsys.readouterr().err
