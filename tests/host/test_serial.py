"""Serial lines: devices (ptys), unix sockets, ser2net raw and by RFC 2217."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.errors import TransportError, UsageError
from modferry.secrets import Secrets
from modferry.transport import Line, Transport, open_transport
from modferry.transport.locks import LockFile, lock_holder
from support.ptyline import PtyLine, pty_line, read_all
from support.ser2net import ser2net

QUICK = replaced(Profile(), {"timeouts.write_s": 0.3, "timeouts.connect_s": 3.0})
EVERY_BYTE = bytes(range(256))


def opened(url: str, profile: Profile = QUICK) -> Transport:
    return open_transport(parse_address(url), profile, secrets=Secrets())


@pytest.fixture
def line() -> Iterator[PtyLine]:
    with pty_line() as made:
        yield made


def test_a_device_carries_every_byte_both_ways(line: PtyLine) -> None:
    link = opened(f"serial://{line.device}?baud=9600")

    line.say(EVERY_BYTE)
    link.write(EVERY_BYTE)

    assert read_all(link, 256) == EVERY_BYTE
    assert line.heard(256) == EVERY_BYTE
    assert (link.kind, link.name) == ("tty", line.device)
    link.close()


def test_a_read_waits_no_longer_than_told(line: PtyLine) -> None:
    link = opened(f"serial://{line.device}")

    start_s = time.monotonic()
    got = [link.read(0.0), link.read(0.1)]

    assert got == [b"", b""]
    assert 0.09 < time.monotonic() - start_s < 2
    link.close()


def test_a_second_user_is_told_who_has_the_device(line: PtyLine) -> None:
    link = opened(f"serial://{line.device}")

    with pytest.raises(TransportError, match="is in use") as caught:
        opened(f"serial://{line.device}")
    link.close()
    opened(f"serial://{line.device}").close()

    assert f"process {os.getpid()} (" in caught.value.why


def test_a_lock_that_knows_no_lock_files_is_seen_too(line: PtyLine) -> None:
    holder = subprocess.Popen(
        ["flock", "-n", "-o", line.device, "sh", "-c", "echo has; read forever"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout
        holder.stdout.readline()

        with pytest.raises(TransportError, match="is in use") as caught:
            opened(f"serial://{line.device}")
    finally:
        holder.communicate()

    assert "process" in caught.value.why


def test_a_stale_lock_file_is_taken_over(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = LockFile("/dev/ttyS9", tmp_path)
    lock.path.write_text(f"{gone.pid:10d}\n")

    lock.take()

    assert lock.path.read_bytes() == b"%10d\n" % os.getpid()
    assert lock_holder(lock.path) == os.getpid()
    lock.release()
    assert not lock.path.exists()


def test_no_lock_folder_is_no_hindrance(tmp_path: Path) -> None:
    lock = LockFile("/dev/ttyS9", tmp_path / "missing")

    lock.take()
    lock.release()


def test_a_line_that_takes_nothing_ends_the_write(line: PtyLine) -> None:
    link = opened(f"serial://{line.device}?baud=115200&flow=rtscts")

    start_s = time.monotonic()
    with pytest.raises(TransportError, match="takes no more bytes") as caught:
        link.write(b"x" * 1_000_000)
    link.close()

    assert time.monotonic() - start_s < 5
    assert "does not raise CTS" in caught.value.why


def test_an_unplugged_adapter_is_told() -> None:
    with pty_line() as line:
        link = opened(f"serial://{line.device}")

    with pytest.raises(TransportError, match="broke"):
        link.read(1.0)
    link.close()
    with pytest.raises(TransportError, match="closed"):
        link.read(1.0)


def test_a_missing_device_says_how_to_look() -> None:
    with pytest.raises(TransportError, match="no serial line at /dev/ttyNOT") as caught:
        opened("serial:///dev/ttyNOT")

    assert "ls -l /dev/ttyUSB*" in caught.value.next_step.replace("/dev/ttyS* ", "")


def test_settings_that_cannot_be_are_a_usage_error(line: PtyLine) -> None:
    with pytest.raises(UsageError, match=r"console\.parity"):
        opened(f"serial://{line.device}?parity=odder")


def test_break_and_baud_reach_the_driver(line: PtyLine) -> None:
    link = opened(f"serial://{line.device}")
    assert isinstance(link, Line)

    link.send_break(0.01)
    link.set_baud(57_600)
    link.write(b"x")

    assert line.heard(1) == b"x"
    link.close()


def test_a_unix_socket_is_a_line(tmp_path: Path) -> None:
    place = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        link = opened(f"serial+unix://{place}")
        box, _ = listener.accept()
        with box:
            box.sendall(EVERY_BYTE)
            link.write(EVERY_BYTE)

            assert read_all(link, 256) == EVERY_BYTE
            assert box.recv(1000) == EVERY_BYTE
        with pytest.raises(TransportError, match="broke"):
            link.read(1.0)
        link.close()


def test_a_missing_socket_says_so(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no serial line") as caught:
        opened(f"serial+unix://{tmp_path}/console")

    assert "No such file" in caught.value.why


@pytest.mark.parametrize(
    ("scheme", "accepter"), [("socket", ""), ("rfc2217", "telnet(rfc2217),")]
)
def test_ser2net_carries_every_byte_both_ways(
    tmp_path: Path, line: PtyLine, scheme: str, accepter: str
) -> None:
    with ser2net(
        f"serialdev,{line.device},115200n81,local", tmp_path, accepter
    ) as port:
        link = opened(f"{scheme}://127.0.0.1:{port}")
        octets = EVERY_BYTE * 40

        link.write(octets)
        heard = line.heard(len(octets))
        line.say(octets)
        said = read_all(link, len(octets))

        assert heard == octets
        assert said == octets
        assert link.read(0.0) == b""
        link.close()


def test_a_server_without_rfc2217_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        start_s = time.monotonic()
        with pytest.raises(TransportError, match="no serial line") as caught:
            opened(
                f"rfc2217://127.0.0.1:{port}",
                replaced(QUICK, {"timeouts.connect_s": 0.5}),
            )

    assert time.monotonic() - start_s < 10
    assert "RFC2217" in caught.value.why
    assert "socket://" in caught.value.next_step


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="strace of another process: root")
def test_a_break_over_rfc2217_is_the_servers_to_make(
    tmp_path: Path, line: PtyLine
) -> None:
    """A pty has no break to be seen at its far end: what ser2net asks of it is."""
    connector = f"serialdev,{line.device},115200n81,local"
    calls = tmp_path / "calls"
    with ser2net(connector, tmp_path, "telnet(rfc2217),") as port:
        link = opened(f"rfc2217://127.0.0.1:{port}")
        pid = (tmp_path / "pid").read_text().strip()
        with subprocess.Popen(
            ["strace", "-f", "-e", "trace=ioctl", "-o", calls, "-p", pid],
            stderr=subprocess.PIPE,
            text=True,
        ) as strace:
            assert "attached" in strace.stderr.readline()
            assert isinstance(link, Line)

            link.send_break(0.05)

            deadline = time.monotonic() + 5
            while "TIOCCBRK" not in calls.read_text() and time.monotonic() < deadline:
                time.sleep(0.05)
            strace.terminate()
        link.close()

    made = re.findall(r"TIOC[SC]BRK", calls.read_text())
    assert made == ["TIOCSBRK", "TIOCCBRK"]
