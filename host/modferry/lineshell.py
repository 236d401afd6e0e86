"""From a login's shell without Python to the program of `core.lineshell` in it."""

from __future__ import annotations

import re

from modferry.agentstart import START_TRIES, start_heard
from modferry.core.launch import guarded
from modferry.core.lineshell import LINE_SUMS, SPEAKS, line_to_box, start_script
from modferry.errors import BootstrapError
from modferry.steps import (
    KILL_LINE,
    MANGLED,
    PROMPT,
    TRIES,
    Dialogue,
    Say,
    Send,
    Wanted,
    interrupt,
    last_line,
)


def start_line_shell(wanted: Wanted, *, leave: bool) -> Dialogue:
    """Type the program; ends when it speaks.  BootstrapError says why it does not."""
    token = wanted.launch.token
    speaks = re.compile(SPEAKS % token.encode())
    script = start_script(
        token,
        leave=leave,
        log_level=wanted.launch.log_level,
        xonxoff=wanted.launch.xonxoff,
    )
    typed = guarded(script)
    sizes: list[int] = []
    # What runs already answers it; to a shell it is a word that it does not know.
    asked = b"".join(line_to_box(token, "0 ? 0", tool) for tool in LINE_SUMS)
    ask = asked.replace(b"\n", b"\r")
    last, mute = "", 0
    for _ in range(START_TRIES):
        text = "".join(line + "\r" for line in typed.lines(sizes)).encode("ascii")
        yield Say("no Python there: starting a program of the shell's own")
        yield Send(KILL_LINE + text)
        heard = yield from start_heard(
            wanted, len(text), (speaks, MANGLED), terminal=True, nudge=ask
        )
        found = heard.match.re if heard.match is not None else None
        if found is speaks:
            return
        last = last_line(heard.text) or last
        sizes = []
        if found is MANGLED and heard.match is not None:
            sizes = [int(size) for size in heard.match[1].split()]
        mute = mute + 1 if found is None else 0
        if mute > TRIES:
            break
        if found is not MANGLED and found is not PROMPT:
            yield from interrupt()
    raise BootstrapError(
        "the box has no Python, and its shell cannot be used over this line",
        where=wanted.where,
        why="the shell answered: " + (last or "nothing"),
        next_step="it needs stty, and cksum or md5sum; try again with --trace FILE "
        "and look at what the box answered",
    )
