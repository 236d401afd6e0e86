"""What a console says of the end of a box, and when it is believed."""

from __future__ import annotations

import pytest

from modferry.core.boxend import PANICKED, RESTARTED, SHUT_DOWN, end_in
from modferry.endwatch import BELIEVED_S, EndWatch
from modferry.errors import BoxEndedError

PROMPT = r"login: *$"
BOOT = b"[    0.000000] Linux version 6.1.0-56-amd64 (gcc-12)\r\n"


# Recorded: the practice box, Linux 6.1; the others are of 2.6.32 with RTAI.
@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"[   41.310112] sysrq: Resetting\r\n", RESTARTED),
        (b"SysRq : Resetting\r\n", RESTARTED),
        (b"[  312.204117] reboot: Restarting system\r\n", RESTARTED),
        (b"[  312.204117] Restarting system.\r\n", RESTARTED),
        (BOOT, RESTARTED),
        (b"<5>Linux version 2.6.32-rtai (root@build)\n", RESTARTED),
        (b"\n[    0.000000][    T0] Linux version 6.12.1 (gcc-14)\r\n", RESTARTED),
        (b"\xff\x00garbage\r\nLinux version 2.6.32-rtai\r\n", RESTARTED),
        (b"[   12.1] Kernel panic - not syncing: sysrq triggered crash\r\n", PANICKED),
        (b"[  290.150513] reboot: Power down\r\n", SHUT_DOWN),
        (b"[  290.150513] System halted.\r\n", SHUT_DOWN),
        (b"[   12.301274] practice: mounted\r\n", ""),
        (b"[   12.301274] app: built on Linux version 6.1\r\n", ""),
        (b"[    5.1] Restarting system message bus: dbus.\r\n", ""),
        (b"rtai_sem: Unknown symbol wake_up_srq (err 0)\r\n", ""),
    ],
)
def test_the_end_is_told_by_the_kernels_own_words(text, end):
    assert end_in(text)[0] == end


def test_a_sign_is_believed_when_no_frame_follows():
    watch = EndWatch(PROMPT)

    watch.take(BOOT, 100.0)

    assert watch.doubts
    watch.check(100.0 + BELIEVED_S - 0.01, "a line")
    with pytest.raises(BoxEndedError) as caught:
        watch.check(100.0 + BELIEVED_S, "a line")
    assert "has restarted" in str(caught.value)
    assert "Linux version 6.1.0-56-amd64" in caught.value.why
    assert caught.value.is_back


def test_the_line_that_says_it_is_told_whole_and_whatever_comes_behind():
    watch = EndWatch(PROMPT)

    watch.take(b"[   12.0] one\r\n[   12.1] Kernel panic - not syncing", 100.0)
    watch.take(b": sysrq triggered crash\r\n[   12.1] CPU: 0\r\n", 100.0)
    watch.take(b"[   12.1] Call Trace:\r\n[   12.1]  dump\r\n" * 9, 100.1)

    with pytest.raises(BoxEndedError) as caught:
        watch.check(102.0, "a line")
    assert caught.value.why.splitlines()[1:] == [
        "[   12.0] one",
        "[   12.1] Kernel panic - not syncing: sysrq triggered crash",
    ]


def test_a_frame_behind_it_says_that_the_agent_lives():
    watch = EndWatch(PROMPT)
    watch.take(BOOT, 100.0)

    watch.alive()

    assert not watch.doubts
    watch.check(200.0, "a line")
    watch.take(b"[   61.0] another line\r\n", 201.0)
    assert not watch.doubts


def test_a_getty_asks_where_an_agent_was():
    watch = EndWatch(PROMPT)

    watch.take(b"\r\nDebian GNU/Linux 12 practice ttyS0\r\n\r\npractice lo", 100.0)
    assert not watch.doubts
    watch.take(b"gin: ", 100.1)

    assert watch.doubts
    watch.take(b"root login on 'tty2'\r\n", 100.2)
    assert not watch.doubts


def test_a_panic_is_not_waited_out():
    watch = EndWatch(PROMPT)
    watch.take(b"[   12.1] Kernel panic - not syncing: Fatal exception\r\n", 100.0)

    with pytest.raises(BoxEndedError, match="panicked") as caught:
        watch.check(102.0, "a line")

    assert not caught.value.is_back


def test_a_sign_counts_however_much_came_behind_it_in_one_read():
    watch = EndWatch(PROMPT)

    watch.take(BOOT + b"[    0.000000] Command line: quiet\r\n" * 100, 100.0)

    assert watch.doubts
