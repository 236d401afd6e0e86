"""Recorded consoles, played to the bootstrap; waiting takes no time."""

from __future__ import annotations

import re

import pytest

from modferry.bootstrap import console_dialogue
from modferry.core.profile import Login, Profile
from modferry.dialogue import Conductor, is_alive
from modferry.errors import BootstrapError, TransportError
from modferry.steps import AGENT_SPEAKS
from modferry.transport.fake import FakeTransport, Hears, Says
from support.consoles import GREETING, KERNEL, SHELL, START, U_BOOT, play, wanted


def test_a_boot_loader_is_not_touched():
    transport, run = play(
        [
            Says(U_BOOT),
            Says(b"\x08\x08\x08 1 ", after_s=1.0),
            Says(b"\x08\x08\x08 0 \r\nStarting kernel ...\r\n" + KERNEL, after_s=1.0),
            Says(KERNEL * 3, after_s=1.2),
            Says(b"\r\nDebian GNU/Linux 7 box ttyS0\r\n\r\nbox login: ", after_s=1.0),
            Hears(rb"^root\r$"),
            Says(b"root\r\nPassword: "),
            Hears(rb"^secret\r$"),
            Says(b"\r\nroot@box:~# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.left == []


OLD_KERNEL = b"[ 4711.234567] practice: the kernel says line 1\r\n"


def test_a_kernel_that_has_run_for_a_while_is_no_boot_loader():
    """Its lines come all the time, and nothing else does: a shell is asked at once."""
    transport, run = play(
        [
            Says(OLD_KERNEL),
            Hears(rb"^\x15\r$"),
            Says(b"\r\n# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.waited_s < 1.0


@pytest.mark.parametrize(
    "octets",
    [
        KERNEL,  # of a boot: a login will come by itself
        b"",
        b"Hit any key to stop autoboot:  3 ",
        OLD_KERNEL + b"[ 4712.000001] reboot: Restarting system\r\n",
        OLD_KERNEL + KERNEL,
    ],
)
def test_other_lines_say_nothing_of_a_kernel_that_goes_on(octets):
    assert is_alive(OLD_KERNEL)
    assert not is_alive(octets)


def test_a_kernel_line_behind_a_prompt_does_not_hide_it():
    _, run = play(
        [
            Says(b"box login: " + KERNEL),
            Hears(rb"root\r"),
            Says(b"root\r\n" + KERNEL + b"Pass" + KERNEL + b"word: " + KERNEL),
            Hears(rb"secret\r"),
            Says(b"\r\n# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING


SSHD = b"Accepted publickey for root from 10.0.2.2 port 43442 ssh2\r\n"


def test_a_line_of_another_program_behind_a_prompt_does_not_hide_it():
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"^root\r$"),
            Says(b"root\r\nPassword: " + SSHD),
            Says(SSHD, after_s=0.7),
            Hears(rb"^secret\r$"),
            Says(b"\r\nLast login: today\r\n# " + SSHD),
            *[Says(SSHD, after_s=0.7)] * 3,
            Hears(rb"^\r$"),
            Says(b"\r\n# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.waited_s < Profile().console.login_timeout_s / 2


def test_a_greeting_behind_a_kernel_line_is_whole():
    _, run = play([Says(b"box login: "), Hears(rb"root\r"), Says(b"# "), *SHELL,
                   Hears(rb"MF BAD[^;]*\";fi\r"), Says(KERNEL + GREETING[:9] + KERNEL +
                   GREETING[9:])])  # fmt: skip

    assert run() == GREETING[:9] + KERNEL + GREETING[9:]


def test_a_greeting_that_noise_has_hit_is_an_agent_and_noise_is_none():
    hit = bytearray(GREETING)
    hit[len(hit) // 2 + 2] = 0x90

    assert AGENT_SPEAKS.search(bytes(hit))
    assert not AGENT_SPEAKS.search(b"\xfd" + bytes(range(0x80, 0xA0)) * 2 + b"\xfe")


def test_the_box_s_console_is_shown_without_the_frames():
    shown: list[bytes] = []
    transport = FakeTransport(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"\r\n" + KERNEL + GREETING[:20]),
            Says(GREETING[20:], after_s=0.2),
        ]
    )
    conductor = Conductor(
        transport,
        lambda direction, octets: None,
        lambda event: None,
        shown.append,
        clock=lambda: transport.waited_s,
    )

    conductor.run(console_dialogue(wanted()))

    text = b"".join(shown)
    assert KERNEL in text
    assert max(text) < 0x80


def test_a_prompt_that_is_there_is_asked_at_once_and_not_for_another_prompt():
    transport, run = play([Says(b"# "), *SHELL, *START])

    assert run() == GREETING
    assert transport.heard.startswith(b"\x15 echo ")
    assert transport.waited_s < 0.5


def test_a_prompt_whose_question_was_lost_is_asked_again():
    transport, run = play(
        [
            Says(b"# "),
            Hears(rb"echo \"@@"),
            Hears(rb"\x15\r$"),
            Says(b"\r\n# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.left == []


def test_sudo_is_asked_and_its_refusal_said():
    sudo = Profile(login=Login(user="engineer", become="sudo"))
    _, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"$ "),
            Hears(rb"echo \"@@"),
            Says(b"@@MF 42 1000\r\n$ "),
            Hears(rb"exec sudo"),
            Says(b"@@MFPW "),
            Hears(rb"secret\r"),
            Says(b"\r\nSorry, try again.\r\n@@MFPW "),
        ],
        wanted(sudo),
    )

    with pytest.raises(TransportError, match="sudo does not make the user root"):
        run()


def test_a_pipe_needs_one_line_and_no_questions():
    transport, run = play([Hears(rb'MF NOPYTHON"\n$'), Says(GREETING)], pipe=True)

    assert run() == GREETING
    assert transport.heard.count(b"\n") == 1


def test_someone_elses_password_question_is_got_out_of():
    _, run = play(
        [
            Says(b"Password: "),
            Hears(rb"\r"),
            Says(b"\r\nLogin incorrect\r\nbox login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            *START,
        ]
    )

    assert run() == GREETING


def test_a_kernel_panic_is_named():
    panic = b"---[ end Kernel panic - not syncing: Attempted to kill init! ]---\r\n"
    _, run = play([Says(panic)])

    with pytest.raises(TransportError, match="panicked") as caught:
        run()

    assert "Attempted to kill init" in caught.value.why


def test_what_is_waited_for_cannot_stand_in_what_is_typed():
    transport, run = play(
        [Says(b"box login: "), Hears(rb"root\r"), Says(b"# "), *SHELL, *START]
    )
    run()

    marks = rb"@@MF (42|NEED|AGAIN|NOROOM|NOPYTHON|BAD)"
    assert re.search(marks, transport.heard) is None


def test_a_login_is_left_when_the_agent_does_not_start():
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"@@MF NOPYTHON\r\n# "),  # perhaps for want of zlib
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"@@MF NOPYTHON\r\n# "),
        ]
    )

    with pytest.raises(BootstrapError, match="no Python"):
        run()

    assert transport.heard.endswith(b" exit\r")
