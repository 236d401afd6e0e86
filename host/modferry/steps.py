"""What a bootstrap dialogue yields and is sent, and the marks it looks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from modferry.core.launch import Launch
from modferry.core.profile import Profile


@dataclass(frozen=True, slots=True)
class Send:
    """Type these bytes; ``secret`` ones are kept out of logs and traces."""

    octets: bytes
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait for one of the patterns; the answer is a `Heard`.

    timeout_s: when to give up.  silence_s: give up earlier when nothing at all comes
    for so long.  quiet_s: when nothing but the kernel's lines does, once busy_s, for
    which what was typed is on its way, are over; before, no prompt is the text's end.
    alive_s: the same, once lines of the kernel's have shown that it has run for long.
    """

    patterns: tuple[re.Pattern[bytes], ...]
    timeout_s: float
    silence_s: float | None = None
    quiet_s: float | None = None
    busy_s: float = 0.0
    alive_s: float | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the person at the terminal how far it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What an Expect found.

    index: of the pattern that matched, None if none did.  match: its match.
    octets: how many bytes came meanwhile, the kernel's lines included.
    text: what came, without the kernel's lines.  waited_s: how long it took.
    """

    index: int | None
    match: re.Match[bytes] | None
    octets: int
    text: bytes
    waited_s: float


@dataclass(frozen=True, slots=True)
class Typed:
    """Tell how far a long piece of typing is, in bytes."""

    done: int
    total: int


Step = Send | Expect | Say | Typed
Dialogue = Generator[Step, Heard, None]
"""Ends when the agent's greeting has begun to arrive."""

Part = Generator[Step, Heard, str]

KILL_LINE = b"\x15"
INTERRUPT = b"\x03"
AGENT_SPEAKS = re.compile(
    rb"\xfd[\x00-\x7f\xa0-\xe0]{12,}(?:[\x80-\x9f\xe1-\xfc][\x00-\x7f\xa0-\xe0]{6,})*\xfe"
    rb"|\}[ -`]{20,}~"
)
"""A whole frame: a single byte FD may be noise, and so may single bytes in the frame.
Or one whose high bits are cut off."""
PROBE = b' echo "@@""MF $((6*7)) $(id -u)"'
PROBE_ANSWER = re.compile(rb"@@MF 42 (\d+)\r*\n")
NEED = re.compile(rb"@@MF NEED (\d+)\.(\d+) ([01])\r*\n")
NO_ROOM = re.compile(rb"@@MF NOROOM ([^\r\n]*)\r*\n")
NO_PYTHON = re.compile(rb"@@MF NOPYTHON\r*\n")
MANGLED = re.compile(rb"@@MF BAD((?: \d+)*)\r*\n")
BECOME_PROMPT = re.compile(rb"@@MFPW ")
PROMPT = re.compile(rb"[#$%>] *(\x1b\[[0-9;?]*[A-Za-z])*$")
CONTINUATION = re.compile(rb"(^|[\r\n])> (\x1b\[[0-9;?]*[A-Za-z])*$")
"""Busybox asks the terminal where the cursor is, behind each prompt."""
BOOT_LOADER = re.compile(
    rb"(?i)autoboot|hit any key|press any key|press \S+ to (enter|stop|interrupt)"
    rb"|GNU GRUB|booting in \d"
)

LISTEN_S = 1.3
"""Longer than a boot loader that counts the seconds is silent."""

ALIVE_S = 0.1
TRIES = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a dialogue needs to know.

    archive: of the agent, as it is sent: deflated or not -> the lines to type.
    login_password, become_password: asked for when the box asks; None: there is none.
    """

    profile: Profile
    user: str
    where: str
    launch: Launch
    archive: Callable[[bool], Sequence[str]]
    login_password: Callable[[], str | None]
    become_password: Callable[[], str | None]


def again(asked: int) -> re.Pattern[bytes]:
    """Return what the answer to the question of that number is: the lines it lacks."""
    return re.compile(rb"@@MF AGAIN \.%d((?: \d+)*)\r*\n" % asked)


def interrupt() -> Generator[Step, Heard, None]:
    """Type ^C and let the shell come back.

    dash loses what is typed while it takes the signal.
    """
    yield Send(INTERRUPT)
    yield Expect((PROMPT,), 1.0, silence_s=0.3)


def last_line(text: bytes) -> str:
    """Return the last line that has something in it, for a message."""
    lines = [line for line in text.decode("utf-8", "replace").splitlines() if line]
    return lines[-1].strip() if lines else ""
