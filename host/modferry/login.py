"""From a getty or a plain user's shell to a root shell; parts of a dialogue."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace

from modferry.errors import BootstrapError, TransportError
from modferry.steps import (
    BECOME_PROMPT,
    KILL_LINE,
    PROBE,
    PROBE_ANSWER,
    PROMPT,
    TRIES,
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

LOOK_S = 3.0
"""After so long it is looked whether others have printed behind what is waited for."""

AGAIN_S = (0.2, 0.5, 1.5, 3.0, 4.5)
"""After so long a shell is asked again: what was typed may have been lost."""

INTERRUPTED_TRIES = 3
"""A shell that does not answer so often has an open quote, or is not ready yet."""


def log_in(wanted: Wanted) -> Part:
    """Answer getty and login; raise TransportError if they refuse."""
    login = wanted.profile.login
    timeout_s = wanted.profile.console.login_timeout_s
    asks = re.compile(login.login_prompt.encode())
    password_asked = re.compile(login.password_prompt.encode())
    refused = re.compile(login.refused.encode())
    for _ in range(TRIES):
        yield Say(f'logging in as "{wanted.user}"')
        yield Send(wanted.user.encode() + b"\r")
        heard = yield from _answer((password_asked, refused, PROMPT, asks), timeout_s)
        if heard.match is not None and heard.match.re is PROMPT:
            return "shell"
        if heard.index != 0:
            continue  # The kernel or noise mangled the name; getty asks again.
        password = wanted.login_password()
        if password is None:
            raise TransportError(
                f'the box asks for the password of "{wanted.user}", and there is none',
                where=wanted.where,
                next_step="name it with --password-file FILE or --password-env NAME",
            )
        yield Send(password.encode() + b"\r", secret=True)
        heard = yield from _answer((refused, asks, PROMPT), timeout_s)
        if heard.match is not None and heard.match.re is PROMPT:
            return "shell"
        if heard.index is not None:
            raise TransportError(
                f'the box refuses the password of "{wanted.user}"',
                where=wanted.where,
                why=last_line(heard.text),
                next_step="check the user and the password; --password-file FILE or "
                "--password-env NAME give another",
            )
        return "shell"  # No prompt that we know: the probe will tell.
    raise TransportError(
        f'the box takes no login for "{wanted.user}"',
        where=wanted.where,
        why="getty asked for the name again and again",
        next_step="log in by hand once: the line may be losing characters",
    )


def _answer(
    patterns: tuple[re.Pattern[bytes], ...], timeout_s: float
) -> Generator[Step, Heard, Heard]:
    """Wait for one of the patterns, the first of which is never hidden for long.

    Not the kernel alone prints on a console: sshd and cron do where syslog sends them
    there.  A prompt with their line behind it is not the end of the text any more.
    """
    first = re.compile(patterns[0].pattern.removesuffix(b"$"))
    text, waited_s = b"", 0.0
    while True:
        heard = yield Expect(patterns, min(LOOK_S, timeout_s - waited_s))
        text += heard.text
        waited_s += heard.waited_s
        if heard.index is None and first.search(text):
            return replace(heard, index=0, text=text)
        if heard.index is not None or waited_s >= timeout_s:
            return replace(heard, text=text)
        if text.count(b"\n") > 1:
            # More than the echo: a shell that is there shows its prompt anew.
            yield Send(b"\r")


def probe(wanted: Wanted, end: bytes = b"\r") -> Part:
    """Ask the shell for a computed answer; return the user's id."""
    timeout_s = wanted.profile.console.login_timeout_s
    clear = b"" if end == b"\n" else KILL_LINE
    for attempt, quiet_s in enumerate(AGAIN_S):
        # A line may be lost: asked again soon, then with more patience each time.
        if attempt >= INTERRUPTED_TRIES and clear:
            yield from interrupt()
        yield Send(clear + PROBE + end)
        limit_s = min(timeout_s, 5.0 * (attempt + 1))
        heard = yield Expect((PROBE_ANSWER,), limit_s, quiet_s=quiet_s)
        if heard.match is not None:
            return heard.match[1].decode()
    raise BootstrapError(
        "what answers is no POSIX shell",
        where=wanted.where,
        why="it did not answer an echo of a sum",
        next_step="log in by hand and see what runs there; root's shell must be a "
        "POSIX one",
    )


def become(wanted: Wanted, *, terminal: bool) -> Part:
    """Make the shell root's by the profile's way; raise TransportError if refused."""
    how = wanted.profile.login.become
    asks = re.compile(wanted.profile.login.password_prompt.encode())
    refused = re.compile(wanted.profile.login.refused.encode())
    command = {
        "sudo": 'exec sudo -p "@@""MFPW " sh',
        "su": 'exec su root -c "exec sh"',
    }[how]
    end = b"\r"
    if not terminal:
        # Without a terminal they ask on the error output and read the input.
        command, end = command.replace("sudo ", "sudo -S ") + " 2>&1", b"\n"
    yield Say(f"becoming root by {how}")
    yield Send(b" " + command.encode() + end)
    timeout_s = wanted.profile.console.login_timeout_s
    heard = yield Expect((BECOME_PROMPT, asks, refused, PROMPT), timeout_s, 2.0)
    if heard.match is not None and heard.match.re in (BECOME_PROMPT, asks):
        password = wanted.become_password()
        if password is None:
            raise TransportError(
                f"{how} asks for a password, and there is none",
                where=wanted.where,
                next_step="name it with become_password_file in the fleet file",
            )
        yield Send(password.encode() + end, secret=True)
        if not terminal:
            # A shell without a terminal has no prompt to wait for.
            yield Send(PROBE + end)
        heard = yield Expect((refused, BECOME_PROMPT, PROMPT, PROBE_ANSWER), timeout_s)
    if heard.match is not None and heard.match.re is PROBE_ANSWER:
        uid = heard.match[1].decode()
    elif heard.match is not None and heard.match.re in (refused, BECOME_PROMPT):
        uid = ""
    else:
        uid = yield from probe(wanted, end)
    if uid == "0":
        return uid
    raise TransportError(
        f"{how} does not make the user root",
        where=wanted.where,
        why=last_line(heard.text),
        next_step="check the password and what sudoers allows",
    )
