"""What is said to a shell's program over a line, and what it says; pure."""

from __future__ import annotations

import random
import subprocess

import pytest

from modferry.core.launch import guarded, posix_cksum
from modferry.core.lineshell import (
    LINE_SUMS,
    Answers,
    decode_piece,
    encode_piece,
    line_sum,
    line_to_box,
    start_script,
)
from support.sshd import needed

KERNEL = b"[   12.345678] eth0: link is up\r\n"


def line(body: str, token: str = "ab12", tool: str = "cksum") -> bytes:
    text = f"={token} {body}"
    return f"\r\n{text} {line_sum(text.encode(), tool)}\r\n".encode()


def heard(octets: bytes, size: int = 7, tool: str = "cksum"):
    console: list[bytes] = []
    answers = Answers("ab12", console.append)
    answers.tool = tool
    words = [
        each
        for at in range(0, len(octets), size)
        for each in answers.feed(octets[at : at + size])
    ]
    return words, b"".join(console).replace(b"\r", b"").strip()


@pytest.mark.parametrize("tool", LINE_SUMS)
def test_a_line_is_taken_if_its_sum_is_right(tool):
    whole = line("3 1 done 0 12 - 7", tool=tool)

    assert heard(whole, tool=tool)[0] == [["3", "1", "done", "0", "12", "-", "7"]]
    for at in range(2, len(whole) - 2):
        damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert heard(damaged, tool=tool)[0] == []
        assert heard(whole[:at] + whole[at + 1 :], tool=tool)[0] == []


def test_a_line_of_the_kernels_in_the_middle_is_taken_out():
    whole = line("1 g 64 0 QUJD")
    at = len(whole) // 2

    words, console = heard(whole[:at] + KERNEL + KERNEL + whole[at:] + KERNEL)

    assert words == [["1", "g", "64", "0", "QUJD"]]
    assert console == (KERNEL * 3).replace(b"\r", b"").strip()


def test_what_others_print_is_the_consoles():
    words, console = heard(b"cron: hello\r\n" + line("0 x") + line("0 x", "ffff"))

    assert words == [["0", "x"]]
    assert console.startswith(b"cron: hello\n")


@pytest.mark.parametrize("form", ["6", "b"])
def test_any_bytes_go_to_the_box_as_one_word_that_it_undoes(form):
    content = bytes(range(256)) * 2 + b"\\0101 %s"

    words = encode_piece(content, form)
    undo = "base64 -d" if form == "6" else 'IFS= read -r l; printf %b "$l"'
    done = subprocess.run(
        [needed("busybox"), "sh", "-c", undo],
        input=words.encode() + b"\n", capture_output=True, check=True,
    )  # fmt: skip

    assert words.isascii()
    assert " " not in words
    assert words.isprintable()
    assert done.stdout == content


def test_pieces_come_by_what_the_box_has():
    assert decode_piece(["QUJD", "REVG", "===="], "6") == b"ABCDEF"
    assert decode_piece(["41", "42"], "x") == b"AB"
    assert decode_piece(["QUJ"], "6") is None
    assert decode_piece(["4"], "x") is None


def test_the_sum_of_a_line_is_the_tools():
    generator = random.Random(5)
    for size in (0, 1, 3, 255, 256, 70_000):
        octets = generator.randbytes(size)
        done = subprocess.run(["cksum"], input=octets, capture_output=True, check=True)
        assert done.stdout.split() == [b"%d" % posix_cksum(octets), b"%d" % size]
    assert line_to_box("ab12", "0 k") == (
        f"@ab12 {line_sum(b'@ab12 0 k', 'cksum')} 0 k\n".encode()
    )


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("shell", ["busybox", "dash", "bash"])
def test_the_program_is_a_shells(shell, leave):
    script = start_script("ab12", leave=leave, log_level=3, xonxoff=leave)
    words = [needed(shell), *(["sh"] if shell == "busybox" else []), "-n"]

    done = subprocess.run(words, input=script.encode(), capture_output=True, check=True)

    assert done.stderr == b""
    assert script.endswith(";exit") is leave
    assert ("-ixon" in script) is not leave
    assert max(map(len, guarded(script).lines())) < 1000


def test_a_script_with_quotes_is_typed_in_parts_and_run_whole():
    script = "".join(f"echo 'it'\\''s {number}';" for number in range(90))

    def ran(lines):
        text = "\n".join(lines) + "\n"
        return subprocess.run(
            [needed("busybox"), "sh"], input=text, capture_output=True, text=True
        ).stdout

    typed = guarded(script).lines()
    damaged = typed[1].replace("echo", "ecjo", 1)

    assert len(typed) > 3
    assert ran(typed).splitlines()[59] == "it's 59"
    assert ran([typed[0], damaged, *typed[2:]]).startswith("@@MF BAD ")
