"""The kernel's lines on a console as evidence: for a load, for a diagnosis.

The lines are those of real kernels (tests/corpus/klog), as their consoles show them.
"""

from __future__ import annotations

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.consoletext import KEPT, ConsoleLines
from modferry.core import events
from modferry.core.consolerecords import record_of, telling, with_console
from modferry.errors import ExitStatus
from support.fakesession import FakeSession

UNKNOWN = "dummy: Unknown symbol ether_setZQ (err -2)"
# Debian's 5.10.0-32-amd64.
LINE = f"[  164.753352] {UNKNOWN}"
IN_THE_LOG = {
    "sequence": 396,
    "time_us": 164_753_352,
    "level": 4,
    "facility": 0,
    "text": UNKNOWN,
    "own": True,
}
UNEXPLAINED = {
    "code": "load-failed",
    "message": "dummy: an unknown symbol, a bad parameter or its own init",
    "where": "/lib/modules/r/dummy.ko, finit_module: ENOENT",
    "hint": "modferry diagnose dummy --on BOX",
}


def refused(*records, lost):
    step = {
        "name": "dummy",
        "inner_name": "dummy",
        "path": "/lib/modules/r/dummy.ko",
        "action": "insert",
        "call": "finit_module",
        "errno": 2,
        "error": "ENOENT",
        "meaning": "an unknown symbol, a bad parameter or its own init",
        "records": list(records),
        "lost": lost,
    }
    return {"module": "dummy", "steps": [step], "failure": dict(UNEXPLAINED)}


def on_console(*lines):
    return [record for line in lines if (record := record_of(line)) is not None]


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        f"practice login: {LINE}",
        f"[  164.753352][  T213] {UNKNOWN}",
    ],
)
def test_a_line_with_a_time_is_a_record_wherever_it_begins(line):
    record = record_of(line)

    assert record is not None
    assert (record["time_us"], record["text"]) == (164_753_352, UNKNOWN)
    assert (record["source"], record["level"]) == ("console", None)


def test_without_times_the_loaders_lines_are_known_by_their_words():
    assert record_of(UNKNOWN)["text"] == UNKNOWN
    assert record_of("Debian GNU/Linux 12 practice ttyS0") is None
    assert record_of("sshd[212]: Accepted publickey for root") is None


def test_a_failure_that_the_log_could_not_explain_is_explained_by_the_console():
    got = with_console(refused(lost=True), on_console("noise", LINE))

    assert [one["text"] for one in got["steps"][0]["records"]] == [UNKNOWN]
    assert got["steps"][0]["records"][0]["source"] == "console"
    assert got["failure"]["code"] == "unknown-symbol"
    assert "ether_setZQ" in got["failure"]["message"]
    assert got["failure"]["where"] == UNEXPLAINED["where"]
    assert "ether_setZQ" in got["steps"][0]["meaning"]


def test_what_the_log_has_is_not_added_again():
    answer = refused(IN_THE_LOG, lost=True)

    got = with_console(answer, on_console(LINE, LINE.replace("ZQ", "Z#")))

    assert got["steps"][0]["records"] == [IN_THE_LOG]


def test_what_other_parts_of_the_kernel_say_belongs_to_no_load():
    chatter = "[  164.753351] practice_chatter: line 7"

    got = with_console(refused(lost=True), on_console(chatter))

    assert got["steps"][0]["records"] == []
    assert got["failure"] == UNEXPLAINED


def test_a_line_that_came_after_the_log_was_read_is_added_and_explains_nothing():
    late = "[  164.953352] dummy: sorry, too late"

    got = with_console(refused(IN_THE_LOG, lost=False), on_console(late))

    assert [r["text"] for r in got["steps"][0]["records"]] == [UNKNOWN, late[15:]]
    assert got["failure"] == UNEXPLAINED


def test_a_log_that_says_nothing_of_the_load_does_not_outdo_the_console():
    other = {**IN_THE_LOG, "time_us": 7, "text": "tsc: Refined TSC", "own": False}

    got = with_console(refused(other, lost=False), on_console(LINE))

    assert [r["text"] for r in got["steps"][0]["records"]] == [other["text"], UNKNOWN]
    assert got["failure"]["code"] == "unknown-symbol"


def test_a_line_of_the_loader_that_names_no_module_counts_where_lines_are_lost():
    # Debian's 6.1.0-56-amd64 with lockdown=integrity.
    line = (
        "[    1.714981] Lockdown: probe: unsigned module loading is restricted; "
        "see man kernel_lockdown.7"
    )

    lost = with_console(refused(lost=True), on_console(line))
    whole = with_console(refused(lost=False), on_console(line))

    assert len(lost["steps"][0]["records"]) == 1
    assert whole["steps"][0]["records"] == []


def test_a_console_keeps_the_kernels_lines_and_the_latest_of_many():
    console = ConsoleLines(events.ignore)
    console.feed(b"root@practice:~# \r\n")
    before = console.count
    for number in range(KEPT + 10):
        console.feed(f"[{number:5}.000000] line {number}\r\n".encode())

    kept = console.since(before)

    assert (before, console.count) == (0, KEPT + 10)
    assert kept[0]["text"] == "line 10"
    assert [r["text"] for r in console.since(KEPT + 8)] == [
        f"line {KEPT + 8}",
        f"line {KEPT + 9}",
    ]


def test_only_lines_with_a_meaning_are_told_each_once():
    records = on_console(LINE, "[    1.000000] tsc: Refined TSC", LINE)

    assert telling(records) == [UNKNOWN]


@pytest.fixture
def session(monkeypatch, home):
    fake = FakeSession({})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def test_a_load_shows_what_only_the_console_has(session, capsys):
    def load(**arguments):
        session.console.feed(f"{LINE}\r\n".encode())
        return refused(lost=True)

    session.replies["load"] = load

    assert cli.run(["load", "dummy", "--on", "local:"]) == ExitStatus.FAILED

    shown = "".join(capsys.readouterr())
    assert f"kernel| [  164.753352] (console) {UNKNOWN}" in shown
    assert 'nothing that is loaded exports "ether_setZQ" to it' in shown


def test_a_load_takes_nothing_from_before_it(session, capsys):
    session.console.feed(f"{LINE}\r\n".encode())
    session.replies["load"] = refused(lost=True)

    cli.run(["load", "dummy", "--on", "local:"])

    assert "(console)" not in "".join(capsys.readouterr())


def test_a_diagnosis_is_told_what_the_console_has_shown(session):
    session.replies["diagnose"] = {
        "module": "dummy",
        "path": "dummy.ko",
        "findings": [],
        "loadable": True,
    }
    session.console.feed(f"[    1.000000] tsc: Refined TSC\r\n{LINE}\r\n".encode())

    cli.run(["diagnose", "dummy", "--on", "local:"])
    cli.run(["diagnose", "dummy", "--no-log", "--on", "local:"])

    with_lines, without = (arguments for _, arguments in session.asked)
    assert with_lines["console"] == [UNKNOWN]
    assert "console" not in without
