"""Boot loaders that wait for a command: told by their prompts, and left alone.

The consoles of U-Boot and GRUB are recorded: Debian 12's U-Boot 2023.01 for QEMU's PC
without a disk, and its GRUB 2.06 without a file system.
"""

from __future__ import annotations

import pytest

from modferry.core.bootloaders import waiting
from modferry.errors import TransportError
from modferry.transport.fake import Hears, Says
from support.consoles import GREETING, KERNEL, LOGIN, START, play

U_BOOT = (
    b"\r\n\r\nU-Boot 2023.01+dfsg-2+deb12u3 (Jun 22 2026 - 08:38:07 +0000)\r\n\r\n"
    b"CPU:   QEMU Virtual CPU version 2.5+\r\nDRAM:  256 MiB\r\n"
    b"Core:  16 devices, 13 uclasses, devicetree: separate\r\n"
    b"Loading Environment from nowhere... OK\r\nModel: QEMU x86 (I440FX)\r\n"
    b"Net:   No ethernet found.\r\n"
    b"Hit any key to stop autoboot:  2 \x08\x08\x08 1 \x08\x08\x08 0 \r\n"
)
U_BOOT_FAILS = (
    b"scanning bus for devices...\r\n\r\nDevice 0: unknown device\r\n"
    b"starting USB...\r\nNo working controllers found\r\nNo ethernet found.\r\n=> "
)
GRUB = (
    b"\x1b[H\x1b[J\x1b[1;1H\x1b[H\x1b[J\x1b[1;1H\x1b[2;24HGNU GRUB  version "
    b"2.06-13+deb12u2\n\r\n\r\x1b[?25h   Minimal BASH-like line editing is supported. "
    b"For the first word, TAB   \n\r   lists possible command completions. Anywhere "
    b"else TAB lists possible   \n\r   device or file completions.          "
    b"                                  \n\r\n\r\n\rgrub> "
)


def test_a_u_boot_that_cannot_boot_is_told_and_gets_no_key():
    transport, run = play([Says(U_BOOT), Says(U_BOOT_FAILS, after_s=1.0)])

    with pytest.raises(TransportError) as caught:
        run()

    assert str(caught.value).startswith("the box waits in its boot loader")
    assert caught.value.why == 'the prompt "=>" of U-Boot is on the line, and stays'
    assert caught.value.next_step.startswith('type "boot" there, by modferry console')
    assert transport.heard == b""


def test_one_that_waits_in_silence_is_asked_once_and_never_again():
    transport, run = play([Hears(rb"^\x15\r$"), Says(b"\r\n=> ")])

    with pytest.raises(TransportError, match="waits in its boot loader"):
        run()

    assert transport.heard == b"\x15\r"


def test_grub_is_told_by_its_prompt_behind_its_escapes():
    _, run = play([Says(GRUB)])

    with pytest.raises(TransportError) as caught:
        run()

    assert '"grub>" of GRUB' in caught.value.why
    assert 'type "normal" there' in caught.value.next_step


def test_a_prompt_that_a_script_goes_on_from_is_waited_out():
    transport, run = play(
        [
            Says(U_BOOT + b"=> "),
            Says(b"boot\r\nStarting kernel ...\r\n" + KERNEL * 3, after_s=3.0),
            *LOGIN,
            *START,
        ]
    )

    assert run() == GREETING
    assert transport.left == []


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        (b"=> ", "U-Boot"),
        (b"U-Boot> ", "U-Boot"),
        (b"MX6Q SABRESD U-Boot > ", "U-Boot"),
        (b"zynq-uboot> ", "U-Boot"),
        (b"Zynq> ", "U-Boot"),
        (b"grub> ", "GRUB"),
        (b"grub rescue> ", "GRUB"),
        (b"barebox:/ ", "barebox"),
        (b"barebox@Phytec phyCORE-i.MX6:/ ", "barebox"),
        (b"\x1b[1;32mbarebox@\x1b[1;31mkarl:\x1b[1;36m/ \x1b[0m", "barebox"),
        (b"CFE> ", "CFE"),
        (b"RedBoot> ", "RedBoot"),
        # Shells, and what is no prompt.
        (b"root@box:~# ", None),
        (b"root@u-boot:~# ", None),
        (b"barebox:/# ", None),
        (b"> ", None),
        (b"$ ", None),
        (b"a => b\r\n", None),
        (b"echo => ", None),
    ],
)
def test_prompts_of_boot_loaders_are_told_from_those_of_shells(prompt, name):
    found = waiting(b"something before\r\n" + prompt)

    assert (found and found.name) == name
