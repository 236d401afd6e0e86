"""From a login to the agent's greeting: a pure state machine.

A dialogue is a generator.  It yields `Send`, `Expect` and `Say`, is sent what an Expect
found, and returns where the agent is when it is reached; it neither reads nor waits
itself, so that recorded consoles test it.  `modferry.dialogue` carries it out.

What it must cope with: a box still booting (silent or talking, never to be stopped in
its boot loader), a getty, a shell left open with a half-typed line, an agent left by a
host that died, the kernel printing into all of it, and echoes of what it types (never
looked at: what it waits for cannot stand in its own lines).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace

from modferry.agentstart import start_agent
from modferry.core.bootloaders import AT_PROMPT, waiting
from modferry.core.launch import shell_script
from modferry.core.tobox import encode_to_box
from modferry.errors import BoxError, NoPythonError, TransportError
from modferry.lineshell import start_line_shell
from modferry.login import AGAIN_S, become, log_in, probe
from modferry.steps import (
    AGENT_SPEAKS,
    ALIVE_S,
    BOOT_LOADER,
    CONTINUATION,
    KILL_LINE,
    LISTEN_S,
    PROBE,
    PROBE_ANSWER,
    PROMPT,
    TRIES,
    Dialogue,
    Expect,
    Heard,
    Part,
    Say,
    Send,
    Step,
    Wanted,
    interrupt,
    last_line,
)
from modferry_agent import wire

TEXT_BYTES = bytes((*range(7, 14), 0x1B, *range(0x20, 0x7F)))
"""What a console's text is made of: printing characters, blanks, bell, escapes."""

STAYS_S = 5.0
"""A boot loader's prompt that stays for so long waits for a person."""


def console_dialogue(wanted: Wanted) -> Dialogue:
    """Go from whatever is on a serial console to the agent.

    NoPythonError: there is no Python, and the program of `core.lineshell` speaks.
    """
    found = yield from _find(wanted)
    if found == "agent":
        return
    if found == "login":
        yield from log_in(wanted)
    uid = found if found.isdecimal() else ""
    try:
        yield from _from_shell(wanted, uid, logged_in=found == "login")
    except NoPythonError:
        raise  # The shell is there, and obeys.
    except BoxError:
        if found == "login":
            # Nobody's shell may stay open because the agent did not start.
            yield from interrupt()
            yield Send(KILL_LINE + b" exit\r")
        raise


def _from_shell(wanted: Wanted, uid: str, *, logged_in: bool) -> Dialogue:
    uid = uid or (yield from probe(wanted))
    yield Say(f"at a shell as uid {uid}")
    if uid != "0" and wanted.profile.login.become != "none":
        yield from become(wanted, terminal=True)
    # Where we logged in, the end of the agent, whatever ends it, logs out again.
    launch = replace(wanted.launch, leave=logged_in)
    # The shorter one first: there is hardly a Python without zlib.
    scripts = [
        shell_script(launch, terminal=True, deflated=deflated)
        for deflated in (True, False)
    ]
    try:
        yield from start_agent(wanted, scripts, terminal=True)
    except NoPythonError as error:
        yield from start_line_shell(wanted, leave=logged_in)
        error.token = launch.token
        raise


def pipe_dialogue(wanted: Wanted) -> Dialogue:
    """Go from a shell that reads commands from a pipe to the agent."""
    if wanted.profile.login.become != "none":
        uid = yield from probe(wanted, end=b"\n")
        if uid != "0":
            yield from become(wanted, terminal=False)
    script = shell_script(replace(wanted.launch, leave=True), terminal=False)
    yield from start_agent(wanted, [script], terminal=False)


def _find(wanted: Wanted) -> Part:
    """Find out what is on the line: "login", "shell", "agent", or a shell's user id."""
    console = wanted.profile.console
    patterns = _marks(wanted)
    seen, found = Seen(), ""
    while seen.waited_s < console.boot_timeout_s:
        patience_s = STAYS_S if found == "boot loader" else LISTEN_S
        heard = yield Expect(
            tuple(patterns),
            patience_s * 2,
            silence_s=patience_s,
            quiet_s=AGAIN_S[0] if seen.asked else None,
            # A kernel that runs is no boot loader: a shell may be asked at once.
            alive_s=None if seen.tries else ALIVE_S,
        )
        asked, seen.asked = seen.asked, False
        seen.take(heard)
        if found == "boot loader" and not heard.octets:
            raise _at_boot_loader(wanted, seen)
        found = "" if heard.index is None else tuple(patterns.values())[heard.index]
        there = _there(found, heard, certain=bool(seen.tries) or asked)
        if there:
            return there
        if found == "password":
            # Somebody began to log in: an empty password makes getty ask anew.
            yield Send(b"\r")
        elif found == "continuation":
            yield from interrupt()
        elif found == "boot loader":
            yield Say("a boot loader waits for a command; waiting, without a key")
        elif heard.octets and BOOT_LOADER.search(heard.text):
            yield Say("a boot loader is on the line; waiting, without a key")
        elif found == "shell":
            seen.asked = True
            yield Send(KILL_LINE + PROBE + b"\r")
        elif seen.silent_s > console.login_timeout_s or seen.only_garbage():
            break
        else:
            yield from _poke(wanted, seen)
    raise _nothing_found(wanted, seen)


def _there(found: str, heard: Heard, *, certain: bool) -> str:
    """Return what is there by a mark that was found, "" if that does not tell.

    certain: what comes is an answer to us; a prompt before it may be any text's end.
    """
    if found == "answer" and heard.match is not None:
        return heard.match[1].decode()
    told = found in ("agent", "login") or (found == "shell" and certain)
    return found if told else ""


@dataclass(slots=True)
class Seen:
    """What was heard while looking for a login.

    asked: what looked like a shell's prompt was asked for the user, just now.
    """

    octets: int = 0
    text: bytes = b""
    silent_s: float = 0.0
    waited_s: float = 0.0
    tries: int = 0
    asked: bool = False

    def take(self, heard: Heard) -> None:
        """Add what one Expect heard."""
        self.octets += heard.octets
        self.text = (self.text + heard.text)[-4096:]
        self.silent_s = 0.0 if heard.octets else self.silent_s + heard.waited_s
        self.waited_s += heard.waited_s

    def only_garbage(self) -> bool:
        """Say whether often enough nothing came but what is no text."""
        return self.tries >= TRIES and self.octets > 0 and is_garbage(self.text)


def _marks(wanted: Wanted) -> dict[re.Pattern[bytes], str]:
    login = wanted.profile.login
    return {
        AGENT_SPEAKS: "agent",
        PROBE_ANSWER: "answer",
        AT_PROMPT: "boot loader",
        re.compile(login.login_prompt.encode()): "login",
        re.compile(login.password_prompt.encode()): "password",
        CONTINUATION: "continuation",
        PROMPT: "shell",
    }


def _poke(wanted: Wanted, seen: Seen) -> Generator[Step, Heard, None]:
    seen.tries += 1
    if seen.tries % 3 == 2:  # noqa: PLR2004 - the second of three
        # No answer and no echo: it may be an agent whose host died.
        frame = wire.Frame(wanted.launch.link_id, wire.START, 0, b"")
        yield Send(encode_to_box(frame))
        return
    if seen.tries > TRIES:
        yield from interrupt()
    yield Send(KILL_LINE + b"\r")


def is_garbage(text: bytes) -> bool:
    """Say whether a fifth and more of the bytes are none of a console's text."""
    return len(text.translate(None, TEXT_BYTES)) * 5 > len(text)


def _at_boot_loader(wanted: Wanted, seen: Seen) -> TransportError:
    loader = waiting(seen.text)
    assert loader is not None  # noqa: S101 - its prompt was the end of the text
    how = f'type "{loader.command}" there' if loader.command else "let it boot there"
    return TransportError(
        "the box waits in its boot loader",
        where=wanted.where,
        why=f'the prompt "{loader.prompt}" of {loader.name} is on the line, and stays',
        next_step=f"{how}, by modferry console; then try again",
    )


def _nothing_found(wanted: Wanted, seen: Seen) -> TransportError:
    if not seen.octets:
        return TransportError(
            "nothing is on the line",
            where=wanted.where,
            why="the box sent no byte, neither by itself nor when asked",
            next_step="check the power, the cable (crossed?) and the device's name, "
            "and that the box has a getty on this port",
        )
    if is_garbage(seen.text):
        return TransportError(
            "what comes over the line is no text",
            where=wanted.where,
            why=f"{seen.octets} bytes came, most of them not printable: the speed of "
            "the two ends differs, or the parity",
            next_step="name the box's speed, such as ?baud=9600 in the address or "
            "console.baud in the profile",
        )
    last = last_line(seen.text)
    if b"Kernel panic" in seen.text:
        return TransportError(
            "the box's kernel has panicked",
            where=wanted.where,
            why=last,
            next_step="reset the box; what it printed before is in --trace FILE",
        )
    return TransportError(
        "no login and no shell is on the line",
        where=wanted.where,
        why="the last that came is " + (repr(last) if last else "empty"),
        next_step="look at the console by hand; a prompt of another form is set by "
        "login.login_prompt in the profile",
    )
