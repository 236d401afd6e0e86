"""From a shell to the agent; parts of a dialogue."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from modferry.core.launch import guarded
from modferry.errors import BootstrapError, NoPythonError
from modferry.steps import (
    AGENT_SPEAKS,
    CONTINUATION,
    KILL_LINE,
    MANGLED,
    NEED,
    NO_PYTHON,
    NO_ROOM,
    PROMPT,
    TRIES,
    Dialogue,
    Expect,
    Heard,
    Part,
    Say,
    Send,
    Step,
    Typed,
    Wanted,
    again,
    interrupt,
    last_line,
)

START_TRIES = 12
"""How often a shell line is typed that arrives mangled, says the box."""

PATIENCE_S = 0.3
"""How long a box may think before it is asked again; then for longer each time."""

ASKED_S = 0.1
"""The same where asking costs nothing and the answers are told apart."""

IN_FLIGHT_BYTES = 4096
"""What a driver takes and has not sent yet."""

TYPED_LINES = 8

SILENT_TRIES = 8


def start_agent(wanted: Wanted, scripts: Sequence[str], *, terminal: bool) -> Dialogue:
    """Type the script that starts the agent, and the agent if the box lacks it.

    scripts: one is typed where the one before it finds no Python that can run it.
    Ends when the agent speaks; BootstrapError says why it does not.
    """
    end = "\r" if terminal else "\n"
    script, *others = scripts
    sizes: Sequence[int] = ()
    last, mute = "", 0
    for _ in range(START_TRIES):
        yield Say("starting the agent")
        lines = guarded(script).lines(sizes) if terminal else [script]
        text = "".join(line + end for line in lines).encode("ascii")
        yield Send(KILL_LINE + text if terminal else text)
        heard = yield from start_heard(
            wanted,
            len(text),
            (AGENT_SPEAKS, NEED, NO_PYTHON, MANGLED),
            terminal=terminal,
        )
        sizes = ()
        found = heard.match.re if heard.match is not None else None
        if found is AGENT_SPEAKS:
            return
        if found is NEED:
            assert heard.match is not None  # noqa: S101 - for the type checker
            yield from _feed(wanted, heard.match, end)
            return
        if found is NO_PYTHON and others:
            script, *others = others
            continue
        if found is NO_PYTHON:
            raise NoPythonError(
                "the box has no Python that can run the agent",
                where=wanted.where,
                why="none of " + ", ".join(wanted.launch.pythons) + " is there, "
                "2.6 or newer, and works",
                next_step="install python3-minimal there (python-minimal on Squeeze "
                "and Wheezy), or name its path under python in the profile",
            )
        if found is MANGLED:
            assert heard.match is not None  # noqa: S101 - for the type checker
            sizes = [int(size) for size in heard.match[1].split()]
        last = last_line(heard.text) or last
        mute = mute + 1 if found is None else 0
        if mute > TRIES:
            break
        if found is not MANGLED and found is not PROMPT and terminal:
            yield from interrupt()
    raise BootstrapError(
        "the agent does not start",
        where=wanted.where,
        why="the shell answered: " + (last or "nothing"),
        next_step="try again with --trace FILE and look at what the box answered",
    )


def start_heard(
    wanted: Wanted,
    typed: int,
    answers: tuple[re.Pattern[bytes], ...],
    *,
    terminal: bool,
    nudge: bytes = b"\r",
) -> Generator[Step, Heard, Heard]:
    """Return what came of the shell line.

    On a bad line its last carriage return may be lost, or a quote: an empty line
    behind it does no harm to what has begun to run, and brings the prompt of a shell
    that waits.

    typed: how many bytes were typed.  answers: to wait for.  nudge: such a line.
    """
    timeout_s = wanted.profile.console.login_timeout_s
    if not terminal:
        return (yield Expect(answers, timeout_s))
    busy_s, quiet_s = _line_s(wanted, typed), PATIENCE_S / 2
    # One that asks for the rest of a line has an open quote, and will not answer.
    early = (*answers, CONTINUATION)
    heard = yield Expect(early, timeout_s, quiet_s=quiet_s, busy_s=busy_s)
    waited_s = heard.waited_s
    while heard.match is None and waited_s < timeout_s:
        yield Send(nudge)
        quiet_s += PATIENCE_S
        shell = (*answers, CONTINUATION, PROMPT)
        heard = yield Expect(shell, timeout_s - waited_s, quiet_s=quiet_s)
        waited_s += heard.waited_s
    return heard


def _line_s(wanted: Wanted, size: int) -> float:
    """Return how long the line takes for so many bytes."""
    return size * 10 / wanted.profile.console.baud


def _feed(wanted: Wanted, need: re.Match[bytes], end: str) -> Dialogue:
    yield Say(f"the agent is not on the box yet (Python {need[1].decode()}."
              f"{need[2].decode()}); sending it")  # fmt: skip
    lines = wanted.archive(need[3] == b"1")
    left: Sequence[int] = range(len(lines))
    asked = silent = 0
    while silent < SILENT_TRIES:
        asked += 1
        typed = [lines[number] for number in left]
        yield from _type(typed, end)
        yield Send(f".{asked}{end}".encode())
        # On a slow line several questions are on their way, each with its answer.
        answers = (AGENT_SPEAKS, NO_ROOM, again(asked))
        on_its_way = min(sum(map(len, typed)), IN_FLIGHT_BYTES)
        busy_s = _line_s(wanted, on_its_way)
        quiet_s = ASKED_S * 2**silent
        timeout_s = wanted.profile.console.login_timeout_s + busy_s + quiet_s
        heard = yield Expect(answers, timeout_s, quiet_s=quiet_s, busy_s=busy_s)
        silent += 1
        left = ()
        if heard.match is None:
            continue  # The line that asks was lost, or all is still on its way.
        if heard.match.re is AGENT_SPEAKS:
            return
        if heard.match.re is NO_ROOM:
            raise BootstrapError(
                "the box has no place for the agent",
                where=wanted.where,
                why=heard.match[1].decode("utf-8", "replace"),
                next_step="free some space, or name a directory with room under "
                "directories in the profile",
            )
        silent = 0
        left = [n for n in map(int, heard.match[1].split()) if n < len(lines)]
    raise BootstrapError(
        "the agent cannot be sent",
        where=wanted.where,
        why=f"{SILENT_TRIES} times the box did not answer",
        next_step="lower the speed of the line, or look at its cable",
    )


def _type(lines: list[str], end: str) -> Part:
    """Type lines, in pieces between which the box is listened to."""
    for at in range(0, len(lines), TYPED_LINES):
        piece = "".join(line + end for line in lines[at : at + TYPED_LINES])
        yield Send(piece.encode("ascii"))
        yield Typed(min(at + TYPED_LINES, len(lines)), len(lines))
        yield Expect((), 0.0)
    return ""
