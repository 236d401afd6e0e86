"""A serial port of another machine through SSH: a real sshd, a pty as the port."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modferry.core import linepump
from modferry.core.profile import Profile
from modferry.errors import TransportError, UsageError
from modferry.fleet.inventory import Box, resolve
from modferry.secrets import Source
from modferry.session import Session
from support.fakebox import FakeBox, home_of
from support.gateway import Gateway
from support.ptyline import PtyLine, pty_line, read_all

EVERY_BYTE = bytes(range(256))
LOCKS = Path("/run/lock")


@pytest.fixture
def line() -> Iterator[PtyLine]:
    """Yield a port as it is that nobody has used yet."""
    with pty_line("sane", "9600") as made:
        yield made


def lock_of(line: PtyLine) -> Path:
    return LOCKS / f"LCK..{line.device.removeprefix('/dev/').replace('/', '_')}"


def until(is_so) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_every_byte_passes_both_ways_and_all_is_put_back(gateway, line, way):
    before = line.modes()
    link = gateway.opened(line.device, f"&baud=115200{way}")

    line.say(EVERY_BYTE)
    link.write(EVERY_BYTE)

    assert read_all(link, 256) == EVERY_BYTE
    assert line.heard(256) == EVERY_BYTE
    assert (link.kind, link.name.endswith(line.device)) == ("tty", True)
    assert "speed 115200 baud" in line.settings()
    assert lock_of(line).exists()
    link.close()
    link.close()
    assert line.modes() == before
    assert not lock_of(line).exists()


def test_a_connection_that_is_cut_leaves_nothing_behind(gateway, line):
    before = line.modes()
    link = gateway.opened(line.device)
    holder = int(lock_of(line).read_text())
    session = int(Path(f"/proc/{holder}/stat").read_text().split()[3])

    # The server's process of this connection dies with it.
    os.kill(session, 9)

    until(lambda: not lock_of(line).exists())
    until(lambda: not Path(f"/proc/{holder}").exists())
    assert line.modes() == before
    with pytest.raises(TransportError):
        read_all(link, 1)
    link.close()


def test_a_line_in_use_names_who_has_it(gateway, line):
    holder = gateway.opened(line.device)

    with pytest.raises(TransportError) as caught:
        gateway.opened(line.device)

    number = int(lock_of(line).read_text())
    assert f"{line.device} is in use" in str(caught.value)
    assert f"process {number} (sh)" in caught.value.why
    holder.write(b"still mine")
    assert line.heard(10) == b"still mine"
    holder.close()


def test_who_knows_no_lock_files_is_seen_too(gateway, line):
    with subprocess.Popen(
        ["flock", "-n", "-o", line.device, "sh", "-c", "echo has; read forever"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"has\n"
        before = line.modes()

        with pytest.raises(TransportError) as caught:
            gateway.opened(line.device)

        assert "in use" in str(caught.value)
        assert line.modes() == before
        assert not lock_of(line).exists()
        other.stdin.close()


def test_a_lock_of_a_process_that_is_gone_is_taken_over(gateway, line):
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock_of(line).write_text(f"{gone.pid:10d} minicom root\n")

    link = gateway.opened(line.device)

    assert int(lock_of(line).read_text()) != gone.pid
    link.close()
    assert not lock_of(line).exists()


def test_a_device_that_is_not_there_is_told_in_the_gateways_words(gateway):
    with pytest.raises(TransportError) as caught:
        gateway.opened("/dev/ttyMISSING")

    assert "no serial line at 127.0.0.1" in str(caught.value)
    assert "No such file or directory" in caught.value.why


def test_settings_that_cannot_be_are_told_and_nothing_is_left(gateway, line):
    before = line.modes()

    with pytest.raises(UsageError) as caught:
        gateway.opened(line.device, "&baud=123456")

    assert "123456" in caught.value.why
    assert line.modes() == before
    assert not lock_of(line).exists()


def test_the_path_is_no_part_of_a_command(gateway, tmp_path):
    with pytest.raises(TransportError):
        gateway.opened(f"/dev/tty';touch%20{tmp_path}/run;'")

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "shell", [["dash"], ["bash", "--posix"], ["busybox", "sh"]], ids=lambda s: s[0]
)
def test_any_shell_of_a_gateway_will_do(shell, line):
    before = line.modes()
    script = linepump.script(line.device, Profile().console)
    with subprocess.Popen(
        shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as child:
        child.stdin.write(script)
        assert child.stdout.readline() == b"@@MF ok\n"
        child.stdin.write(EVERY_BYTE)
        assert line.heard(256) == EVERY_BYTE
        line.say(EVERY_BYTE)
        assert child.stdout.read(256) == EVERY_BYTE
        child.stdin.close()
        assert child.wait(5) == 0

    assert line.modes() == before
    assert not lock_of(line).exists()


def box_at(gateway: Gateway, fake: FakeBox, tmp_path: Path, way: str) -> Box:
    secret = tmp_path / "password"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    box = resolve(gateway.address(fake.device, way))
    profile = replace(
        box.profile, directories=home_of(tmp_path), python=(sys.executable,)
    )
    return replace(box, profile=profile, password=Source(file=str(secret)))


def test_a_session_goes_through_it(gateway, tmp_path, way):
    content = os.urandom(9000)
    target = tmp_path / "tree" / "file.ko"
    with FakeBox() as fake:
        fake.wait_for(b"login: ", 5)

        with Session.open(box_at(gateway, fake, tmp_path, way)) as session:
            release = session.greeting["release"]
            session.push(content, str(target))
            del fake.said[:]

        fake.wait_for(b"login: ", 10)
        lock = LOCKS / f"LCK..{fake.device.removeprefix('/dev/').replace('/', '_')}"
        assert not lock.exists()

    assert release == os.uname().release
    assert target.read_bytes() == content


def test_the_gateways_user_is_not_the_boxs():
    box = resolve("serial+ssh://jane@gateway:2222/dev/ttyUSB0?baud=9600")

    assert (box.address.user, box.user) == ("jane", "")
    assert box.address.place == "gateway:2222:/dev/ttyUSB0"
