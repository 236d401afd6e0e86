"""The break and the speed of a serial port of another machine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from modferry.core import linepump
from modferry.errors import TransportError
from modferry.transport import Line
from support.ptyline import PtyLine, pty_line

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def line() -> Iterator[PtyLine]:
    """Yield a port as it is that nobody has used yet."""
    with pty_line("sane", "9600") as made:
        yield made


def test_the_speed_is_changed_and_put_back(gateway, line, way):
    before = line.modes()
    link = gateway.opened(line.device, f"&baud=115200&top_baud=921600{way}")
    assert isinstance(link, Line)

    link.set_baud(921_600)
    at_top = line.settings()
    link.write(EVERY_BYTE)

    assert "speed 921600 baud" in at_top
    assert line.heard(256) == EVERY_BYTE
    link.close()
    assert line.modes() == before


def test_a_speed_that_is_none_is_told_in_the_gateways_words(gateway, line):
    link = gateway.opened(line.device, "&baud=115200")

    with pytest.raises(TransportError) as caught:
        link.set_baud(123_456)

    assert "123456" in caught.value.why
    link.write(b"as before")
    assert line.heard(9) == b"as before"
    link.close()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="strace of another process: root")
@pytest.mark.parametrize("missing", ["", "perl"])
def test_a_break_is_asked_of_the_driver(gateway, line, tmp_path, missing):
    """A pty has no break to be seen at its far end: what it is asked for is."""
    calls = tmp_path / "calls"
    command = linepump.told(linepump.break_command(line.device))
    if missing:
        command = b"command() { [ $2 != %s ]; }\n" % missing.encode() + command
    subprocess.run(
        ["strace", "-f", "-e", "trace=ioctl", "-o", calls, "sh"],
        input=command,
        check=True,
    )
    link = gateway.opened(line.device)

    link.send_break()

    assert re.findall(r"TCSBRKP?, [01]\b", calls.read_text())
    link.write(b"on")
    assert line.heard(2) == b"on"
    link.close()


def test_a_gateway_without_a_way_to_break_says_so(line):
    command = linepump.told(linepump.break_command(line.device))

    said = subprocess.check_output(["sh"], input=b"command() { false; }\n" + command)

    assert linepump.DONE.fullmatch(said).groups() == (
        b"1",
        b"neither perl nor python3 is there",
    )
