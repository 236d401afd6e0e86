"""Recorded consoles, played to the bootstrap; waiting takes no time."""

from __future__ import annotations

import re

from modferry.bootstrap import console_dialogue, pipe_dialogue
from modferry.core.launch import Launch, archive_lines
from modferry.core.profile import Profile
from modferry.dialogue import Conductor
from modferry.steps import Wanted
from modferry.transport.fake import FakeTransport, Hears, Says
from modferry_agent import wire

ARCHIVE = archive_lines(bytes(range(256)) * 3)
LINES = [re.escape(line.encode()) for line in ARCHIVE]
NEED = [Hears(rb"MF BAD[^;]*\";fi\r"), Says(b"@@MF NEED 2.7 1\r\n")]
GREETING = wire.encode_to_host(wire.Frame(2, wire.DATA, 0, b"a greeting"))
SHELL = [
    Hears(rb"echo \"@@"),
    Says(b'\r\n# echo "@@""MF $((6*7)) $(id -u)"\r\n@@MF 42 0\r\n# '),
]
LOGIN = [Says(b"box login: "), Hears(rb"root\r"), Says(b"# "), *SHELL]
START = [Hears(rb"MF BAD[^;]*\";fi\r"), Says(b"\r\n" + GREETING)]

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
        archive=lambda _: ARCHIVE,
        login_password=lambda: password,
        become_password=lambda: password,
    )


def play(script: list, what: Wanted | None = None, pipe: bool = False):
    transport = FakeTransport(script, "pipe" if pipe else "tty")
    conductor = Conductor(
        transport,
        lambda direction, octets: None,
        lambda event: None,
        lambda octets: None,
        clock=lambda: transport.waited_s,
    )
    dialogue = pipe_dialogue if pipe else console_dialogue
    return transport, lambda: conductor.run(dialogue(what or wanted()))
