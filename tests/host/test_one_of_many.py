"""One box with what a run over many goes by; files that cannot be written."""

from __future__ import annotations

import json

import pytest

from modferry import cli
from modferry.commands import connect, workon
from modferry.errors import ExitStatus, TransportError
from support.fakesession import FACTS, FakeSession


@pytest.fixture
def opened(monkeypatch, home):
    (home / "modferry.yaml").write_text("boxes:\n  saw: {address: 'local:'}\n")
    fake = FakeSession({"facts": FACTS})
    boxes = []

    def open_one(box, **options):
        boxes.append(box.name)
        if options.get("trace") is not None:
            raise TransportError("no answer")
        return fake.opener()(box, **options)

    for place in (connect, workon):
        monkeypatch.setattr(place.Session, "open", open_one)
    return boxes


def facts(*arguments):
    return cli.run(["facts", "--json", "--on", "saw", *arguments])


def test_one_box_has_its_own_document_and_the_files_of_a_run(opened, home, capsys):
    status = facts("--events", "e", "--junit", "j", "--retry-file", "r")

    found = json.loads(capsys.readouterr().out)
    assert (status, found["box"], found["result"]["uid"]) == (0, "saw", FACTS["uid"])
    events = [json.loads(line) for line in (home / "e").read_text().splitlines()]
    assert [event["event"] for event in events] == ["started", "ended"]
    assert 'name="saw"' in (home / "j").read_text()
    assert (home / "r").read_text() == ""


def test_one_box_that_failed_is_in_the_retry_file(opened, home, capsys):
    # The trace is what makes the session of these tests fail.
    status = facts("--retry-file", "r", "--trace", "t")

    found = json.loads(capsys.readouterr().out)
    assert (status, found["status"]) == (ExitStatus.UNREACHABLE,) * 2
    assert found["error"]["message"] == "no answer"
    assert (home / "r").read_text() == "saw\n"


@pytest.mark.parametrize(
    ("option", "value"), [("--serial", "x"), ("--serial", "0"), ("--max-fail", "x")]
)
def test_the_rules_of_a_run_are_checked_for_one_box(opened, capsys, option, value):
    assert facts(option, value) == ExitStatus.USAGE

    assert json.loads(capsys.readouterr().out)["error"]["where"] == option
    assert opened == []


@pytest.mark.parametrize(
    "option", ["--events", "--junit", "--retry-file", "--html", "--trace"]
)
@pytest.mark.parametrize(
    ("place", "words"), [("nowhere/f", "no directory"), (".", "it is a directory")]
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    opened, capsys, option, place, words
):
    assert facts(option, place) == ExitStatus.USAGE

    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert option in message
    assert words in message
    assert opened == []
