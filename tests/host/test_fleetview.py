"""A run while it goes on: live table, plain lines, events; JUnit XML after it."""

from __future__ import annotations

import io
import json
import os
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from modferry.core.outcomes import Outcome, fleet_result
from modferry.core.results import Result
from modferry.errors import ExitStatus, TransportError
from modferry.fleetview import Events, LiveTable, PlainLines
from modferry.report.junit import junit

FINDING = {
    "code": "unknown-symbol",
    "severity": "error",
    "module": "m",
    "symbol": "s",
    "owner": None,
    "why": "nobody exports \x01s",
    "next": "",
    "evidence": [],
}
GROUPS = {"a-1": "presses", "a-2": "presses", "b-1": "saws"}


def done(name):
    return Outcome(name, Result("diagnose", {"findings": []}, name), 1, 0.25)


def broken(name, message="no answer"):
    error = TransportError(message, why="nothing came", next_step="look")
    failed = Result("", {}, name, ExitStatus.UNREACHABLE, error)
    return Outcome(name, failed, 3, 1.5)


def screen(**options):
    return Console(file=io.StringIO(), width=100, **options)


def test_the_table_has_a_line_a_group_with_what_runs_and_what_failed():
    console = screen(force_terminal=True)
    with LiveTable(console, GROUPS) as table:
        for name in GROUPS:
            table.started(name, 1)
        table.ended(done("a-1"))
        table.ended(broken("b-1", "no \x1b[2Janswer"))
        view = screen()
        view.print(table.picture())

    lines = [line.rstrip() for line in view.file.getvalue().splitlines()]
    assert lines[0].split()[0] == "presses"
    assert "1/2" in lines[0]
    assert lines[0].endswith("a-2")
    assert "1/1" in lines[1]
    assert "1 failed" in lines[1]
    assert lines[2] == "b-1: no \\x1b[2Janswer"
    assert lines[3].startswith("2/3 boxes")


def test_the_pace_is_a_rate_and_a_time_left():
    table = LiveTable(screen(), GROUPS)

    assert table.pace(table._start + 1).endswith("...")
    table.ended(done("a-1"))

    assert table.pace(table._start + 2.0) == "1/3 boxes, 0.5 a second, 4 s left"


def test_plain_lines_tell_each_end():
    console = screen()
    with PlainLines(console, 2, verbose=False) as lines:
        lines.started("a-1", 1)
        lines.again("a-1", broken("a-1").result, 1)
        lines.ended(done("a-1"))
        lines.ended(broken("b-1"))

    assert console.file.getvalue().splitlines() == [
        "a-1: no answer; another try (after 1)",
        "[1/2] a-1: done",
        "[2/2] b-1: unreachable: no answer",
    ]


def test_events_are_an_object_a_line(tmp_path):
    with Events((tmp_path / "events").open("w")) as events:
        events.started("a-1", 1)
        events.again("a-1", broken("a-1").result, 1)
        events.ended(broken("a-1"))

    found = [
        json.loads(line) for line in (tmp_path / "events").read_text().splitlines()
    ]
    assert [each["event"] for each in found] == ["started", "again", "ended"]
    assert found[2]["outcome"] == "unreachable"
    assert found[2]["error"]["why"] == "nothing came"


def test_junit_has_a_case_a_box():
    found = Result("diagnose", {"findings": [FINDING]}, "a-2", ExitStatus.NO)
    outcomes = [
        done("a-1"), Outcome("a-2", found, 1, 0.5), broken("b-1"),
        Outcome("never", None, 0, 0.0),
    ]  # fmt: skip

    whole = ET.fromstring(junit(fleet_result("diagnose", outcomes), GROUPS))

    suite = whole[0]
    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert counts == ["4", "1", "1", "1"]
    ends = {case.get("name"): [end.tag for end in case] for case in suite}
    assert ends == {
        "a-1": [],
        "a-2": ["failure"],
        "b-1": ["error"],
        "never": ["skipped"],
    }
    assert suite[0].get("classname") == "presses"
    assert "nobody exports \\x01s" in suite[1][0].text


@pytest.mark.parametrize("word", ["--events", "--junit"])
def test_a_file_that_cannot_be_written_is_told(word, home, capsys):
    from modferry import cli  # noqa: PLC0415

    (home / "modferry.yaml").write_text(
        "g:\n  hosts: {x: }\n  vars: {ansible_connection: local,"
        " modferry_profile: potato}\n"
    )

    assert cli.run(["facts", "--on", "g", word, "none/file"]) == ExitStatus.USAGE
    assert "cannot be written" in capsys.readouterr().err


def test_the_work_goes_on_without_a_reader_of_the_events(tmp_path, capsys):
    reader, writer = os.pipe()
    os.close(reader)

    with Events(os.fdopen(writer, "w")) as events:
        events.started("a-1", 1)
        events.started("a-2", 1)

    told = capsys.readouterr().err
    assert told.count("the events cannot be written any more: Broken pipe") == 1
