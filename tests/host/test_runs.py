"""``modferry runs``: listed, shown, taken up again, compared; the facts it knows."""

from __future__ import annotations

import json

import pytest

from modferry import cli
from modferry.commands import connect, workon
from modferry.errors import ExitStatus, TransportError
from support.fakesession import FACTS, FakeSession

FLEET = "presses:\n  hosts:\n    press-[1:3]:\n  vars: {ansible_connection: local}\n"


class Boxes:
    """Boxes whose facts may be an error."""

    def __init__(self):
        self.facts = {}
        self.opened = []

    def open(self, box, **options):
        self.opened.append(box.name)
        said = self.facts.get(box.name, FACTS)
        if isinstance(said, TransportError):
            raise said
        found = {"tree": "/lib/modules/r", "found": {"m.ko": ["extra/m.ko"]}}
        replies = {"facts": said, "find": found, "hash": "ab" * 32}
        return FakeSession(replies).opener()(box, **options)


@pytest.fixture
def boxes(monkeypatch, home):
    (home / "modferry.yaml").write_text(FLEET)
    fake = Boxes()
    for place in (connect, workon):
        monkeypatch.setattr(place.Session, "open", fake.open)
    return fake


def document(capsys, *arguments):
    capsys.readouterr()
    status = cli.run([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == status
    return found


def test_a_resumed_run_does_what_was_left_and_nothing_else(
    boxes, capsys, home, tmp_path
):
    boxes.facts["press-2"] = TransportError("down")
    cli.run(["facts", "--on", "presses", "--serial", "1", "--max-fail", "0"])
    assert boxes.opened == ["press-1", "press-2"]
    boxes.facts.clear()
    boxes.opened.clear()

    found = document(capsys, "runs", "resume")

    assert boxes.opened == ["press-2", "press-3"]
    assert found["command"] == "facts"
    assert found["result"]["summary"]["done"] == 3
    assert document(capsys, "runs", "resume")["result"] == {"run": 1, "left": 0}
    assert document(capsys, "runs")["result"]["runs"][0]["boxes"] == {"done": 3}


def test_a_run_on_one_box_is_resumed_as_itself(boxes, capsys):
    boxes.facts["press-1"] = TransportError("down")
    assert cli.run(["facts", "--on", "press-1"]) == ExitStatus.UNREACHABLE
    boxes.facts.clear()

    assert document(capsys, "runs", "resume")["result"]["summary"]["done"] == 1
    assert [run["boxes"] for run in document(capsys, "runs")["result"]["runs"]] == [
        {"done": 1}
    ]


def test_a_run_with_its_events_on_stdout_is_resumed_with_them(boxes, capsys):
    boxes.facts["press-2"] = TransportError("down")
    cli.run(["facts", "--on", "presses", "--events", "-"])
    boxes.facts.clear()
    capsys.readouterr()

    cli.run(["runs", "resume"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["started", "ended", "document"]
    assert lines[-1]["result"]["summary"]["done"] == 3


def test_runs_are_listed_and_shown(boxes, capsys):
    cli.run(["facts", "--on", "press-1"])
    cli.run(["facts", "--on", "presses"])

    listed = document(capsys, "runs")["result"]["runs"]

    assert [run["run"] for run in listed] == [2, 1]
    assert listed[0]["arguments"] == ["facts", "--on", "presses"]
    assert (
        document(capsys, "runs", "show", "1")["result"]["boxes"][0]["result"] == FACTS
    )
    shown = document(capsys, "runs", "show", "--box", "press-2")["result"]
    assert (shown["outcome"], shown["attempts"]) == ("done", 1)
    for words in (["runs"], ["runs", "show"], ["runs", "show", "--box", "press-2"]):
        assert cli.run(words) == 0
    assert "press-2" in capsys.readouterr().out
    assert cli.run(["runs", "show", "9"]) == ExitStatus.USAGE


def test_what_differs_between_runs_is_told_box_by_box(boxes, capsys):
    cli.run(["facts", "--on", "presses"])
    boxes.facts["press-2"] = FACTS | {"release": "6.1.0-30-amd64"}
    boxes.facts["press-1"] = FACTS | {"free_bytes": 1}  # a log grew: no finding
    boxes.facts["press-3"] = TransportError("down")
    cli.run(["facts", "--on", "presses"])

    found = document(capsys, "runs", "diff", "1", "2")

    assert found["status"] == ExitStatus.NO
    second, third = found["result"]["boxes"]
    assert second["values"] == [
        {"key": "release", "before": FACTS["release"], "after": "6.1.0-30-amd64"}
    ]
    assert (third["before"], third["after"]) == ("done", "unreachable")
    assert cli.run(["runs", "diff", "1", "1"]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_condition_keeps_the_boxes_of_which_it_holds(boxes, capsys):
    boxes.facts["press-2"] = FACTS | {"kmod": "kmod version 9"}

    found = document(capsys, "facts", "--on", "presses", "--where", "kmod < 18")

    assert [box["box"] for box in found["result"]["boxes"]] == ["press-2"]
    none = document(capsys, "facts", "--on", "presses", "--where", "kmod < 3")
    assert none["status"] == ExitStatus.NO
    assert cli.run(["facts", "--on", "press-2", "--where", "kmod < 18"]) == 0
    assert cli.run(["facts", "--on", "press-1", "--where", "kmod < 18"]) == 1


def test_the_journal_knows_facts_without_asking_a_box(boxes, capsys):
    cli.run(["facts", "--on", "presses:!press-3", "--module", "m"])
    boxes.opened.clear()

    found = document(capsys, "facts", "--on", "presses", "--known",
                     "--where", f"module.sha256 == '{'ab' * 32}'")  # fmt: skip

    assert boxes.opened == []
    assert [box["outcome"] for box in found["result"]["boxes"]] == [
        "done", "done", "not started",
    ]  # fmt: skip


def test_findings_are_told_by_cause_over_all_boxes(boxes, capsys, monkeypatch):
    def opener(box, **options):
        symbol = f"rt_{box.name[-1]}"
        finding = {
            "code": "left-out-of-modules-dep", "severity": "error",
            "module": "rtai_sem",
            "symbol": symbol, "owner": "rtai/rtai_sched.ko",
            "evidence": [f"[{box.name}]"], "why": f"{symbol} is lost by links",
            "next": "modferry depmod", "details": {},
        }  # fmt: skip
        value = {"module": "rtai_sem", "path": "rtai/rtai_sem.ko",
                 "findings": [finding], "loadable": False}  # fmt: skip
        return FakeSession({"diagnose": value}).opener()(box, **options)

    monkeypatch.setattr(workon.Session, "open", opener)

    found = document(capsys, "diagnose", "rtai_sem", "--on", "presses")

    (cause,) = found["result"]["causes"]
    assert cause["boxes"] == ["press-1", "press-2", "press-3"]
    assert cause["symbols"] == ["rt_1", "rt_2", "rt_3"]
    cli.run(["diagnose", "rtai_sem", "--on", "presses"])
    assert "rtai_sem: 3 boxes (press-1, press-2, press-3)" in capsys.readouterr().out


def test_one_box_is_done_without_a_journal(boxes, capsys, tmp_path):
    (tmp_path / "state").write_text("no folder")

    assert cli.run(["facts", "--on", "press-1"]) == 0
    assert "the journal cannot be written" in capsys.readouterr().err
    assert cli.run(["facts", "--on", "presses"]) == ExitStatus.USAGE


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "--journal", "typo"),
        ("runs", "show", "--journal", "typo"),
        ("runs", "resume", "1", "--journal", "typo"),
        ("runs", "diff", "1", "2", "--journal", "typo"),
        ("facts", "--known", "--on", "all", "--journal", "typo"),
    ],
)
def test_a_journal_that_is_only_read_is_not_made(boxes, capsys, home, words):
    found = document(capsys, *words)

    assert found["status"] == ExitStatus.USAGE
    assert found["error"]["where"] == "--journal typo"
    assert not (home / "typo").exists()
