"""The events of a session as a person sees them, on stderr."""

import io

import pytest
from rich.console import Console

from modferry.core.events import ConsoleText, Progress, State
from modferry.watch import Watcher, harmless, plain

# From a Debian 12 console, 2026-11.
KERNEL = "[   51.499215] rtai_malloc: practice module ready: real-time heap"
PROMPT = "\x1b[?2004hroot@practice:~# \x07"


def shown(*events, terminal=False, **options):
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=terminal,
        width=100,
        _environ={"TERM": "xterm"},  # not the one that the tests run in
    )
    with Watcher(console, "box7", **options) as watcher:
        for event in events:
            watcher(event)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        ("none", ""),
        ("kernel", f"box7| {KERNEL}\n"),
        ("all", f"box7| {KERNEL}\nbox7| login:\n"),
    ],
)
def test_the_boxs_console_is_shown_as_far_as_it_is_wanted(lines, seen):
    events = [ConsoleText(KERNEL, 0.1), ConsoleText("login:", 0.2)]

    assert shown(*events, lines=lines) == seen


def test_every_line_is_counted_shown_or_not():
    watcher = Watcher(Console(file=io.StringIO()), "box7", lines="none")

    watcher(ConsoleText("a", 0.1))
    watcher(ConsoleText("b", 0.2))

    assert watcher.count == 2


@pytest.mark.parametrize(("states", "seen"), [(True, "box7: logged in\n"), (False, "")])
def test_states_are_shown_on_demand(states, seen):
    assert shown(State("logged in"), states=states) == seen


def test_a_long_line_stays_one_line():
    text = "[    1.000000] " + "x" * 300

    assert shown(ConsoleText(text, 0.1)) == f"box7| {text}\n"


def test_progress_is_for_terminals_only():
    assert shown(Progress(1, 2, "m.ko")) == ""


def test_progress_names_what_is_under_way():
    events = [Progress(1, 2, "a.ko"), Progress(2, 2, "a.ko"), Progress(0, 0, "b.ko")]

    assert "b.ko" in shown(*events, terminal=True)


def test_what_steers_a_terminal_is_left_out():
    assert plain(PROMPT) == "root@practice:~# "


def test_what_is_left_cannot_steer_one():
    assert harmless("a\x1bb\x00\tc") == "a\\x1bb\\x00\tc"
