"""From a shell to the agent on lines that lose some of what is typed."""

from __future__ import annotations

import pytest

from modferry.core.launch import guarded, shell_script
from modferry.core.profile import Console, Profile
from modferry.errors import BootstrapError
from modferry.transport.fake import Hears, Says
from support.consoles import GREETING, LINES, LOGIN, NEED, SHELL, START, play, wanted


def test_the_lines_that_arrived_wrong_are_typed_again_and_no_others():
    assert len(LINES) == 5
    transport, run = play(
        [
            *LOGIN,
            *NEED,
            Hears(b"\r".join([*LINES, rb"\.1\r"])),
            Says(b"@@MF AGAIN .1 1 3\r\n"),
            Hears(b"^" + LINES[1] + b"\r" + LINES[3] + rb"\r\.2\r$"),
            Says(GREETING),
        ]
    )

    assert run() == GREETING
    assert transport.left == []


def test_an_answer_to_an_earlier_question_is_passed_over():
    transport, run = play(
        [
            *LOGIN,
            *NEED,
            Hears(rb"\.1\r"),
            Hears(rb"\.2\r"),  # the first answer is long on its way
            Says(b"@@MF AGAIN .1 0 1 2 3 4\r\n"),
            Says(b"@@MF AGAIN .2 4\r\n", after_s=0.1),
            Hears(b"^" + LINES[4] + rb"\r\.3\r$"),
            Says(GREETING),
        ]
    )

    assert run() == GREETING
    assert transport.heard.count(b"\r0:5:") == 1


def test_an_answer_that_comes_with_an_earlier_one_is_not_lost():
    transport, run = play(
        [
            *LOGIN,
            *NEED,
            Hears(rb"\.1\r"),
            Hears(rb"\.2\r"),
            Says(b"@@MF AGAIN .1 0 1 2 3 4\r\n@@MF AGAIN .2 4\r\n"),
            Hears(b"^" + LINES[4] + rb"\r\.3\r$"),
            Says(GREETING),
        ]
    )

    assert run() == GREETING
    assert transport.left == []


def test_a_mangled_line_is_typed_again():
    _, run = play(
        [
            Says(b"box login: "),
            Hears(rb"root\r"),
            Says(b"# "),
            *SHELL,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"@@MF BAD\r\n# "),
            *START,
        ]
    )

    assert run() == GREETING


def test_of_a_mangled_line_only_the_parts_that_lost_something_are_typed_again():
    def type_again(sizes: list[int]) -> bytes:
        told = b"".join(b" %d" % size for size in sizes)
        transport, run = play(
            [
                Says(b"# "),
                *SHELL,
                Hears(rb"MF BAD[^;]*\";fi\r"),
                Says(b"@@MF BAD" + told + b"\r\n# "),
                *START,
            ]
        )
        assert run() == GREETING
        return transport.heard.split(b"\x15")[-1]

    parts = guarded(shell_script(wanted().launch, terminal=True, deflated=True)).parts
    sizes = [len(part) for part in parts]
    assert len(parts) > 2

    second = type_again([sizes[0], sizes[1] - 20, *sizes[2:]])
    all_of_them = type_again(sizes)

    assert second.startswith(b" m1='")
    assert b" m2='" not in second
    assert all(b" m%d='" % number in all_of_them for number in range(len(parts)))


def test_a_start_whose_end_was_lost_is_asked_by_an_empty_line():
    transport, run = play(
        [
            *LOGIN,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Hears(rb"^\r"),
            Says(b"\r\n> ", after_s=0.2),
            Hears(rb"\x03"),
            Says(b"\r\n# "),
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.waited_s < 6


def test_an_open_quote_is_left_without_waiting_for_an_answer():
    transport, run = play(
        [
            *LOGIN,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"\r\n> "),
            Hears(rb"^\x03"),
            Says(b"\r\n# "),
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.left == []


def test_a_prompt_among_the_echo_of_what_is_still_on_its_way_is_no_end():
    transport, run = play(
        [
            *LOGIN,
            Hears(rb"MF BAD[^;]*\";fi\r"),
            Says(b"\r\n> "),  # a shell whose prompt that is, and nothing echoed
            Says(b"@@MF NEED 2.7 1\r\n", after_s=1.0),
            Hears(rb"\.1\r"),
            Says(GREETING),
        ],
        wanted(Profile(console=Console(baud=9600))),
    )

    assert run() == GREETING
    assert b"\x03" not in transport.heard


def test_an_archive_that_never_arrives_is_an_error_in_time():
    transport, run = play([*LOGIN, *NEED])

    with pytest.raises(BootstrapError, match="cannot be sent"):
        run()

    assert transport.waited_s < 60


def test_a_box_without_room_for_the_agent_says_where_it_looked():
    _, run = play(
        [
            *LOGIN,
            *NEED,
            Hears(rb"\.1\r"),
            Says(b"@@MF NOROOM /var/lib/modferry: no space left on device\r\n"),
        ]
    )

    with pytest.raises(BootstrapError, match="no place") as caught:
        run()

    assert "no space left" in caught.value.why
