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

from modferry.core.launch import guarded_lines, shell_script, stage_two_lines
from modferry.errors import BootstrapError, BoxError, TransportError
from modferry.login import become, log_in, probe
from modferry.steps import (
    AGAIN,
    AGENT_SPEAKS,
    BOOT_LOADER,
    CONTINUATION,
    KILL_LINE,
    LISTEN_S,
    MANGLED,
    NEED,
    NO_PYTHON,
    PROMPT,
    READY,
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


def console_dialogue(wanted: Wanted) -> Dialogue:
    """Go from whatever is on a serial console to the agent."""
    found = yield from _find(wanted)
    if found == "agent":
        return "agent"
    if found == "login":
        yield from log_in(wanted)
    try:
        return (yield from _from_shell(wanted, logged_in=found == "login"))
    except BoxError:
        if found == "login":
            # Nobody's shell may stay open because the agent did not start.
            yield from interrupt()
            yield Send(KILL_LINE + b" exit\r")
        raise


def _from_shell(wanted: Wanted, *, logged_in: bool) -> Dialogue:
    uid = yield from probe(wanted)
    yield Say(f"at a shell as uid {uid}")
    if uid != "0" and wanted.profile.login.become != "none":
        yield from become(wanted, terminal=True)
    # Where we logged in, the end of the agent, whatever ends it, logs out again.
    launch = replace(wanted.launch, leave=logged_in)
    lines = guarded_lines(shell_script(launch, terminal=True))
    return (yield from _launch(wanted, lines, terminal=True))


def pipe_dialogue(wanted: Wanted) -> Dialogue:
    """Go from a shell that reads commands from a pipe to the agent."""
    if wanted.profile.login.become != "none":
        uid = yield from probe(wanted, end=b"\n")
        if uid != "0":
            yield from become(wanted, terminal=False)
    script = shell_script(replace(wanted.launch, leave=True), terminal=False)
    return (yield from _launch(wanted, [script], terminal=False))


def _find(wanted: Wanted) -> Part:
    """Find out what is on the line: "login", "shell" or "agent"."""
    console = wanted.profile.console
    patterns = _marks(wanted)
    seen = Seen()
    while seen.waited_s < console.boot_timeout_s:
        heard = yield Expect(tuple(patterns), LISTEN_S * 2, silence_s=LISTEN_S)
        seen.take(heard)
        found = "" if heard.index is None else tuple(patterns.values())[heard.index]
        if found in ("agent", "login") or (found == "shell" and seen.tries):
            return found
        if found == "password":
            # Somebody began to log in: an empty password makes getty ask anew.
            yield Send(b"\r")
        elif found == "continuation":
            yield from interrupt()
        elif heard.octets and BOOT_LOADER.search(heard.text):
            yield Say("a boot loader is on the line; waiting, without a key")
        elif seen.silent_s > console.login_timeout_s or seen.only_garbage():
            break
        else:
            yield from _poke(wanted, seen)
    raise _nothing_found(wanted, seen)


@dataclass(slots=True)
class Seen:
    """What was heard while looking for a login."""

    octets: int = 0
    text: bytes = b""
    silent_s: float = 0.0
    waited_s: float = 0.0
    tries: int = 0

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
        yield Send(wire.encode_to_box(frame))
        return
    if seen.tries > TRIES:
        yield from interrupt()
    yield Send(KILL_LINE + b"\r")


def is_garbage(text: bytes) -> bool:
    """Say whether a fifth and more of the bytes are none of a console's text."""
    return len(text.translate(None, TEXT_BYTES)) * 5 > len(text)


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


def _launch(wanted: Wanted, lines: list[str], *, terminal: bool) -> Dialogue:
    timeout_s = wanted.profile.console.login_timeout_s
    end = "\r" if terminal else "\n"
    for attempt in range(TRIES):
        yield Say("starting the agent")
        clear = KILL_LINE if terminal else b""
        if attempt and terminal:
            yield from interrupt()
        yield Send(clear + "".join(line + end for line in lines).encode("ascii"))
        heard = yield Expect((AGENT_SPEAKS, NEED, NO_PYTHON, MANGLED), timeout_s)
        if heard.index == 0:
            return "agent"
        if heard.index == 1:
            assert heard.match is not None  # noqa: S101 - for the type checker
            return (yield from _feed(wanted, heard.match, end))
        if heard.match is not None and heard.match.re is NO_PYTHON:
            raise BootstrapError(
                "the box has no Python that can run the agent",
                where=wanted.where,
                why="none of " + ", ".join(wanted.launch.pythons) + " is there, "
                "2.6 or newer, and works",
                next_step="install python3-minimal there (python-minimal on Squeeze "
                "and Wheezy), or name its path under python in the profile",
            )
    raise BootstrapError(
        "the agent does not start",
        where=wanted.where,
        why="the shell answered: " + (last_line(heard.text) or "nothing"),
        next_step="try again with --trace FILE and look at what the box answered",
    )


def _feed(wanted: Wanted, need: re.Match[bytes], end: str) -> Dialogue:
    yield Say(f"the agent is not on the box yet (Python {need[1].decode()}."
              f"{need[2].decode()}); sending it")  # fmt: skip
    payload = wanted.stage_two(need[3] == b"1")
    text = "".join(line + end for line in stage_two_lines(payload)).encode("ascii")
    for _ in range(TRIES):
        yield Send(text)
        heard = yield Expect(
            (READY, AGAIN), wanted.profile.console.login_timeout_s, silence_s=8.0
        )
        if heard.index == 0:
            return "receiver"
        if heard.index is None:
            # The closing line was lost: any line with a dot makes it answer.  Or the
            # line is slow, and what was sent was still on its way.
            yield Send(f"{end}.0{end}".encode())
            timeout_s = wanted.profile.console.login_timeout_s
            heard = yield Expect((READY, AGAIN), timeout_s)
            if heard.index == 0:
                return "receiver"
    raise BootstrapError(
        "the agent cannot be sent",
        where=wanted.where,
        why=f"{TRIES} times the box got other bytes than were sent",
        next_step="lower the speed of the line, or look at its cable",
    )
