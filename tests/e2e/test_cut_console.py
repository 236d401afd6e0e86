"""The practice box's console when the line is cut, or the box reset, in mid-push."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry.lab.box import PracticeBox
from modferry.lab.image import Image
from support.commands import modferry, start
from support.practice import box_up, shell
from support.unixproxy import Cable, cable

pytestmark = [pytest.mark.practice_box]

STREAM = "/var/lib/modferry/modferry-*.stream"
FLEET = """\
boxes:
  console:
    address: "serial+unix://{socket}"
    profile: practice
    user: root
    password_file: {password}
"""


@pytest.fixture(scope="module")
def box(
    practice_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeBox]:
    """Yield a box whose line is bad, and whose kernel prints much."""
    folder = tmp_path_factory.mktemp("cut")
    with box_up(practice_image, folder, log_level=8) as made:
        yield made


@pytest.fixture
def line(
    box: PracticeBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cable]:
    """Yield the cable to the box that the fleet file's "console" goes over."""
    (tmp_path / "modferry.yaml").write_text(
        FLEET.format(
            socket=tmp_path / "line", password=box.image.directory / "password"
        )
    )
    monkeypatch.chdir(tmp_path)
    with cable(tmp_path / "line", box.serial_socket) as made:
        yield made


@pytest.fixture
def push(box: PracticeBox, tmp_path: Path) -> tuple[str | Path, ...]:
    """Return a push that takes a while."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(800_000))
    return ("push", path, "--to", f"/lib/modules/{box.release}", "--on", "console")


def terminal(box: PracticeBox) -> str:
    return shell(box, "stty -a -F /dev/ttyS0; cat /proc/sys/kernel/printk").stdout


def until(is_so, limit_s: float) -> None:
    limit = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < limit, "it did not come about in time"
        time.sleep(0.2)


def a_person_logs_in(line: Cable, password: str) -> None:
    with socket.socket(socket.AF_UNIX) as terminal:
        terminal.settimeout(60)
        terminal.connect(str(line.here))
        said = b""
        for typed, answer in (
            (b"\r", rb"practice login: "),
            (b"root\r", rb"Password: "),
            (password.encode() + b"\r", rb"# "),
            (b"echo $((41+1))-well\r", rb"42-well\r"),
            (b"exit\r", rb"practice login: "),
        ):
            said = b""
            terminal.sendall(typed)
            while re.search(answer, said) is None:
                came = terminal.recv(4096)
                assert came, said
                said += came


def arrived(box: PracticeBox, push, again) -> None:
    """Check that the push, made again, has put the file there as it is."""
    assert again.status == 0, again.error
    path = f"/lib/modules/{box.release}/large.bin"
    on_box = shell(box, f"sha256sum {path}; ls {STREAM} 2>/dev/null").stdout.split()
    assert on_box == [again.result["files"][0]["sha256"], path]
    shell(box, f"rm {path}")


def test_a_line_cut_in_mid_push_costs_nothing(box, line, push):
    until(lambda: shell(box, "pgrep agetty").returncode == 0, 90)
    before = terminal(box)
    process = start(push)
    until(lambda: shell(box, f"test -s {STREAM}").returncode == 0, 120)

    line.pull()

    assert process.wait(180) == 3
    said = box.console_log.stat().st_size
    until(lambda: b"login:" in box.console_log.read_bytes()[said:], 90)
    until(lambda: terminal(box) == before, 90)
    assert shell(box, f"ls /lib/modules/{box.release}/large.bin").returncode != 0
    a_person_logs_in(line, box.password)
    again = modferry("-v", *push)
    assert re.search(r"\d{4,} of them there already", again.stderr)
    arrived(box, push, again)


def test_a_box_reset_in_mid_push_is_pushed_to_again(box, line, push):
    until(lambda: shell(box, "pgrep agetty").returncode == 0, 90)
    before = terminal(box)
    process = start(push)
    until(lambda: shell(box, f"test -s {STREAM}").returncode == 0, 120)
    said = box.console_log.stat().st_size

    shell(box, "(sleep 1; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &")

    assert process.wait(120) == 3
    assert "the box has restarted" in process.stdout.read()
    until(lambda: b"practice login:" in box.console_log.read_bytes()[said:], 900)
    box.wait_until_up()
    assert b"sysrq: Resetting" in box.console_log.read_bytes()
    until(lambda: terminal(box) == before, 90)
    a_person_logs_in(line, box.password)
    # It boots from memory, and has forgotten what it had of the file.
    arrived(box, push, modferry("-v", *push))


def test_a_kernel_that_panics_is_told_by_its_own_words(box, line, push):
    until(lambda: shell(box, "pgrep agetty").returncode == 0, 90)
    process = start(push)
    until(lambda: shell(box, f"test -s {STREAM}").returncode == 0, 120)

    shell(box, "(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")

    assert process.wait(180) == 3
    said = process.stdout.read()
    assert "the box's kernel has panicked" in said
    assert "Kernel panic - not syncing: sysrq triggered crash" in said
