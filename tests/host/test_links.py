"""The links without a network: a shell of this machine, and a scripted box."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from modferry.core.address import SCHEMES, parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.errors import TransportError
from modferry.secrets import Secrets
from modferry.transport import Stderr, Transport, open_transport
from modferry.transport.fake import FakeTransport, Hangs, Hears, Says
from modferry.transport.opening import OPENERS

QUICK = replaced(Profile(), {"timeouts.write_s": 0.3})


@pytest.fixture
def shell() -> Transport:
    return open_transport(parse_address("local:"), QUICK, secrets=Secrets())


def test_each_kind_of_address_has_who_opens_it() -> None:
    # An address "ssh:" has two ways: paramiko's and the system's.
    assert set(OPENERS) == {*SCHEMES, "openssh"}


def test_a_shell_answers_and_keeps_its_stderr_apart(shell: Transport) -> None:
    shell.write(b"tty; echo $((41+1)) >&2; echo end\n")

    said = shell.read(5.0)
    while not said.endswith(b"end\n"):
        said += shell.read(5.0)

    assert said == b"not a tty\nend\n"
    assert isinstance(shell, Stderr)
    assert shell.stderr_text() == "42\n"
    shell.close()
    shell.close()


def test_the_end_of_a_shell_is_told_with_what_it_said(shell: Transport) -> None:
    shell.write(b"echo no more >&2; exit 3\n")

    deadline_s = time.monotonic() + 5
    error = TransportError("")
    while not str(error) and time.monotonic() < deadline_s:
        try:
            shell.read(1.0)
        except TransportError as caught:
            error = caught

    assert "broke" in str(error)
    assert error.where == "no more"
    shell.close()


def test_a_shell_that_reads_nothing_ends_the_write(shell: Transport) -> None:
    shell.write(b"echo go; exec sleep 60\n")
    assert shell.read(5.0) == b"go\n"

    with pytest.raises(TransportError, match="takes no more bytes") as caught:
        shell.write(b"x" * 1_000_000)
    start_s = time.monotonic()
    shell.close()

    assert "of 1000000 bytes were sent" in caught.value.where
    assert time.monotonic() - start_s < 5


def test_a_closed_link_is_told(shell: Transport) -> None:
    shell.close()

    for call in (lambda: shell.read(0.0), lambda: shell.write(b"x")):
        with pytest.raises(TransportError, match="is closed"):
            call()


def test_closing_ends_what_the_shell_started(shell: Transport) -> None:
    shell.write(b"sleep 60 & echo $!; trap '' HUP; exec sleep 60\n")
    child = int(shell.read(5.0))

    shell.close()

    for _attempt in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the child lives on")


def test_a_scripted_box_hears_then_says() -> None:
    box = FakeTransport(
        [Says(b"login: "), Hears(rb"root\r"), Says(b"Password: ", after_s=2.0), Hangs()]
    )

    assert box.read(1.0) == b"login: "
    assert box.read(1.0) == b""
    box.write(b"root\r")
    assert box.read(1.0) == b""
    assert box.read(1.5) == b"Password: "
    with pytest.raises(TransportError, match="broke"):
        box.read(1.0)
    assert box.heard == b"root\r"
    assert box.waited_s == pytest.approx(3.0)
    box.close()
    with pytest.raises(TransportError, match="closed"):
        box.write(b"x")
