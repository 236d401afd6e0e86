"""The practice box as it runs: a Debian kernel under QEMU, its damage, its switches."""

from __future__ import annotations

import re
import socket
import zlib

import pytest

from support.practice import box_up, shell

pytest_plugins = ["support.practice"]
pytestmark = [pytest.mark.practice_box, pytest.mark.slow]


def read_until(line: socket.socket, text: bytes) -> bytes:
    received = b""
    while text not in received:
        received += line.recv(4096)
    return received


@pytest.fixture
def console(practice):
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(str(practice.serial_socket))
        yield line


def test_the_console_asks_for_a_name_and_a_password(practice, console):
    console.sendall(b"\r")
    read_until(console, b"practice login: ")
    console.sendall(b"root\r")
    read_until(console, b"Password: ")
    console.sendall(practice.password.encode() + b"\r")
    read_until(console, b"# ")
    console.sendall(b"stty speed; tty; echo PATH=$PATH; exit\r")

    got = read_until(console, b"practice login: ")

    assert b"115200" in got
    assert b"/dev/ttyS0" in got
    assert re.search(rb"\nPATH=\S*/sbin", got)


def test_ssh_takes_the_key_and_knows_the_host(practice):
    got = shell(practice, "uname -r && id -u")

    assert (got.returncode, got.stdout.split()) == (0, [practice.release, "0"])


def test_the_engineer_has_the_same_password_and_sudo(practice):
    command = f"su -c 'echo {practice.password} | sudo -S -p \"\" id -u' engineer"

    assert shell(practice, command).stdout.split()[-1] == "0"


def test_modprobe_of_rtai_sem_fails_as_after_the_upgrade_to_kmod_9(practice):
    plan = shell(practice, "modprobe -D rtai_sem").stdout
    got = shell(practice, "dmesg -C; modprobe rtai_sem; s=$?; dmesg -t; exit $s")
    shell(practice, "modprobe -r rtai_hal")

    unknown = re.findall(
        r"^rtai_sem: Unknown symbol (\w+) \(err -2\)$", got.stdout, re.MULTILINE
    )
    assert [line.split("/")[-1].strip() for line in plan.splitlines()] == [
        "rtai_hal.ko",
        "rtai_sem.ko",
    ]
    assert got.returncode == 1
    assert len(unknown) == 16
    assert "wake_up_srq" in unknown


def test_modules_dep_has_the_damage_and_modules_symbols_has_not(practice):
    tree = f"/lib/modules/{practice.release}"

    lines = shell(practice, f"grep -h ^rtai/rtai_se {tree}/modules.dep").stdout
    symbols = shell(practice, f"grep wake_up_srq {tree}/modules.symbols").stdout

    assert "rtai/rtai_sem.ko: rtai/rtai_hal.ko" in lines.splitlines()
    assert re.fullmatch(
        r"alias symbol:wake_up_srq rtai_\w*(sched|lxrt|up|smp)\n", symbols
    )


def test_the_five_legacy_names_are_links_to_rtai_sched(practice):
    got = shell(
        practice, "cd /usr/realtime/modules && find . -type l -printf '%f %l\\n'"
    )

    assert sorted(got.stdout.splitlines()) == [
        f"rtai_{name}.ko rtai_sched.ko"
        for name in ("ksched", "lxrt", "mup", "smp", "up")
    ]


def test_rtai_mbx_is_on_the_host_and_not_on_the_box(practice):
    got = shell(
        practice, "find / -xdev -name rtai_mbx.ko -o -xdev -name rtai_netrpc.ko"
    )

    assert got.stdout == ""
    assert (practice.modules / "rtai_mbx.ko").is_file()


def test_the_big_module_is_more_than_100_kb_and_hard_to_compress(practice):
    octets = (practice.modules / "practice_big.ko").read_bytes()

    assert len(octets) > 100_000
    assert len(zlib.compress(octets, 9)) > 0.9 * len(octets)


def test_by_hand_in_the_right_order_every_practice_module_loads(practice):
    order = "hal malloc sched sem msg fifos shm bits tbx mq tasklets wd usi leds math"
    names = [f"rtai_{name}" for name in [*order.split(), "rtdm", "serial", "calibrate"]]
    place = "/usr/realtime/modules"

    got = shell(practice, f"for m in {' '.join(names)}; do insmod {place}/$m.ko; done")
    loaded = shell(practice, "lsmod").stdout
    shell(practice, f"for m in {' '.join(reversed(names))}; do rmmod $m; done")
    left = shell(practice, "lsmod").stdout

    assert (got.returncode, got.stdout) == (0, "")
    assert set(names) <= set(loaded.split())
    assert "rtai" not in left


def test_a_box_can_lack_what_a_test_wants_it_to_lack(practice_image, tmp_path):
    switches = {
        "nopython": "",
        "full": "/srv",
        "noexec": "/tmp",
        "autologin": "",
        "chatter": "200",
    }

    with box_up(practice_image, tmp_path / ("long" * 30), switches=switches) as box:
        python = shell(box, "python3 -V")
        full = shell(box, "echo > /srv/file")
        noexec = shell(box, "cp /bin/true /tmp; /tmp/true")
        printed = box.console_log.read_text()
        before = box.status()
    after = box.status()

    assert python.returncode == 127
    assert "No space left on device" in full.stdout
    assert noexec.returncode == 126
    assert "practice login: root (automatic login)" in printed
    assert "practice_chatter: line 1 of the kernel's own" in printed
    assert before.running
    assert before.login_ready
    assert not after.running
