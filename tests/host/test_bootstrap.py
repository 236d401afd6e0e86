"""Recorded consoles, played to the bootstrap; waiting takes no time."""

from __future__ import annotations

import re

import pytest

from modferry.bootstrap import console_dialogue, pipe_dialogue
from modferry.core.launch import Launch
from modferry.core.profile import Login, Profile
from modferry.dialogue import Conductor, Ending
from modferry.errors import BootstrapError, TransportError
from modferry.steps import Wanted
from modferry.transport.fake import FakeTransport, Hears, Says
from modferry_agent import wire

GREETING = wire.encode_to_host(wire.Frame(2, wire.DATA, 0, b"a greeting"))
SHELL = [
    Hears(rb"echo \"@@"),
    Says(b'\r\n# echo "@@""MF $((6*7)) $(id -u)"\r\n@@MF 42 0\r\n# '),
]
START = [Hears(rb"MF BAD\";fi\r"), Says(b"\r\n" + GREETING)]

# U-Boot 2012.10 and Linux 3.2 on a board, from their sources' formats.
U_BOOT = (
    b"U-Boot 2012.10 (Nov 02 2012 - 12:00:00)\r\n\r\nDRAM:  256 MiB\r\n"
    b"Hit any key to stop autoboot:  3 \x08\x08\x08 2 "
)
KERNEL = b"[    1.234567] ttyS0 at I/O 0x3f8 (irq = 4) is a 16550A\r\n"


def wanted(profile: Profile | None = None, password: str | None = "secret") -> Wanted:
    return Wanted(
        profile=profile or Profile(),
        user="root",
        where="the fake box",
        launch=Launch("0" * 64, ("python3",), ("/tmp",), link_id=2, lease_s=12),
        stage_two=lambda _: b"second step",
        login_password=lambda: password,
        become_password=lambda: password,
    )


def play(script: list, what: Wanted | None = None, pipe: bool = False):
    transport = FakeTransport(script, "pipe" if pipe else "tty")
    conductor = Conductor(
        transport,
        lambda direction, octets: None,
        lambda text: None,
        lambda octets: None,
        clock=lambda: transport.waited_s,
    )
    dialogue = pipe_dialogue if pipe else console_dialogue
    return transport, lambda: conductor.run(dialogue(what or wanted()))


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

    assert run() == Ending("agent", GREETING)
    assert transport.left == []


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

    assert run().reached == "agent"


def test_a_greeting_behind_a_kernel_line_is_whole():
    _, run = play([Says(b"box login: "), Hears(rb"root\r"), Says(b"# "), *SHELL,
                   Hears(rb"MF BAD\";fi\r"), Says(KERNEL + GREETING[:9] + KERNEL +
                   GREETING[9:])])  # fmt: skip

    assert run().rest == GREETING[:9] + KERNEL + GREETING[9:]


def test_the_box_s_console_is_shown_without_the_frames():
    shown: list[bytes] = []
    transport = FakeTransport(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"\r\n" + KERNEL + GREETING[:20]),
            Says(GREETING[20:], after_s=0.2),
        ]
    )
    conductor = Conductor(
        transport,
        lambda direction, octets: None,
        lambda text: None,
        shown.append,
        clock=lambda: transport.waited_s,
    )

    conductor.run(console_dialogue(wanted()))

    text = b"".join(shown)
    assert KERNEL in text
    assert max(text) < 0x80


def test_a_mangled_line_is_typed_again():
    _, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"@@MF BAD\r\n# "),
            *START,
        ]
    )

    assert run().reached == "agent"


def test_the_second_step_is_sent_again_when_it_arrived_wrong():
    digits = rb"c2Vjb25kIHN0ZXA=\r\.\d+\r"
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"@@MF NEED 2.7 1\r\n"),
            Hears(digits),
            Says(b"@@MF AGAIN\r\n"),
            Hears(digits),
            Says(b"@@MF READY\r\nrest"),
        ]
    )

    assert run() == Ending("receiver", b"rest")
    assert transport.left == []


def test_a_second_step_that_was_long_on_its_way_is_not_sent_again():
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"@@MF NEED 2.7 1\r\n"),
            Hears(rb"c2Vjb25kIHN0ZXA=\r\.\d+\r"),
            Says(b"@@MF READY\r\n", after_s=9.0),
        ]
    )

    assert run() == Ending("receiver", b"")
    assert transport.heard.count(b"c2Vjb25kIHN0ZXA=") == 1


def test_the_second_step_that_never_arrives_is_an_error_in_time():
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"@@MF NEED 2.7 1\r\n"),
        ]
    )

    with pytest.raises(BootstrapError, match="cannot be sent"):
        run()

    assert transport.waited_s < 180


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
    transport, run = play([Hears(rb";exit\n$"), Says(GREETING)], pipe=True)

    assert run() == Ending("agent", GREETING)
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

    assert run().reached == "agent"


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

    marks = rb"@@MF (42|NEED|READY|AGAIN|NOPYTHON|BAD)"
    assert re.search(marks, transport.heard) is None


def test_a_login_is_left_when_the_agent_does_not_start():
    transport, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD\";fi\r"),
            Says(b"@@MF NOPYTHON\r\n# "),
        ]
    )

    with pytest.raises(BootstrapError, match="no Python"):
        run()

    assert transport.heard.endswith(b" exit\r")
