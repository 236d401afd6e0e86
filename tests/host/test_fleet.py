"""Commands over many boxes: what is asked, told, counted, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from modferry import cli
from modferry.commands import connect, workon
from modferry.errors import BootstrapError, ExitStatus, ReplyError, TransportError
from support.fakesession import FACTS, FakeSession

FLEET = """\
presses:
  hosts:
    press-[01:04]:
  vars: {ansible_connection: local}
saws:
  hosts: {saw-1: {ansible_connection: local}, saw-2: {modferry_profile: potato}}
"""


class Boxes:
    """Many boxes: a fake session each; what one says may be an error."""

    def __init__(self):
        self.facts = {}
        self.opened = []
        self.options = {}

    def open(self, box, **options):
        self.opened.append(box.name)
        self.options[box.name] = options
        said = self.facts.get(box.name, FACTS)
        if callable(said):
            said = said(options)
        if isinstance(said, TransportError):
            raise said
        return FakeSession({"facts": said, "modules": []}).opener()(box, **options)


@pytest.fixture
def boxes(monkeypatch, home):
    (home / "modferry.yaml").write_text(FLEET)
    fake = Boxes()
    monkeypatch.setattr(connect.Session, "open", fake.open)
    monkeypatch.setattr(workon.Session, "open", fake.open)
    return fake


def run(*arguments):
    return cli.run(["facts", "--on", *arguments])


def test_a_pattern_is_one_document_of_many_boxes(boxes, capsys):
    status = run("presses", "--json")

    found = json.loads(capsys.readouterr().out)
    assert (status, found["status"], found["box"]) == (0, 0, None)
    assert [box["box"] for box in found["result"]["boxes"]] == [
        "press-01", "press-02", "press-03", "press-04",
    ]  # fmt: skip
    assert found["result"]["boxes"][0]["result"] == FACTS
    assert found["result"]["boxes"][0]["outcome"] == "done"
    assert found["result"]["summary"]["done"] == 4


def test_one_box_by_its_name_is_answered_as_ever(boxes, capsys):
    run("press-01", "--json")

    found = json.loads(capsys.readouterr().out)
    assert found["box"] == "press-01"
    assert found["result"] == FACTS


def test_boxes_that_say_the_same_are_told_together(boxes, capsys):
    boxes.facts["press-03"] = FACTS | {"hostname": "other"}

    run("presses")

    out = capsys.readouterr().out
    assert "3 boxes (press-01, press-02, press-04):" in out
    assert "press-03:" in out
    assert out.splitlines()[-1] == "4 boxes: 4 done"


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (TransportError("nothing answers"), 3, "unreachable"),
        (BootstrapError("no Python"), 4, "failed"),
        (ReplyError("no room", code="disk-full"), 4, "failed"),
    ],
)
def test_the_exit_status_is_the_worst_and_the_rest_is_done(
    boxes, capsys, error, status, word
):
    def fail(_options):
        raise error

    boxes.facts["press-02"] = fail

    assert run("presses", "--json") == status

    found = json.loads(capsys.readouterr().out)["result"]
    assert [box["outcome"] for box in found["boxes"]] == ["done", word, "done", "done"]
    assert found["boxes"][1]["error"]["message"] == error.message


def test_a_box_whose_profile_is_wrong_does_not_stop_the_rest(boxes, capsys):
    assert run("saws", "--json") == ExitStatus.USAGE

    found = json.loads(capsys.readouterr().out)["result"]["boxes"]
    assert [box["outcome"] for box in found] == ["done", "refused"]
    assert 'no profile "potato"' in found[1]["error"]["message"]


def test_what_is_over_soon_is_tried_again_and_nothing_else(boxes, monkeypatch):
    monkeypatch.setattr("modferry.fleet.schedule.FIRST_PAUSE_S", 0.01)
    tries = {"press-01": [TransportError("dropped").passes()] * 2, "press-02": []}

    def flaky(_options):
        return tries["press-01"].pop() if tries["press-01"] else FACTS

    boxes.facts |= {"press-01": flaky, "press-02": TransportError("down")}

    assert run("presses", "--retries", "2") == ExitStatus.UNREACHABLE
    assert boxes.opened.count("press-01") == 3
    assert boxes.opened.count("press-02") == 1


def test_a_run_that_had_no_box_left_was_not_stopped(boxes, capsys):
    boxes.facts["press-04"] = TransportError("down")

    status = run("presses", "--serial", "1", "--max-fail", "0", "--json")

    found = json.loads(capsys.readouterr().out)
    assert (status, found["error"]) == (ExitStatus.UNREACHABLE, None)
    assert found["result"]["summary"]["done"] == 3


def test_a_run_that_stops_names_what_was_never_started(boxes, capsys, home):
    boxes.facts["press-01"] = TransportError("down")

    status = run(
        "presses", "--serial", "2", "--max-fail", "0", "--retry-file", "left", "--json"
    )

    found = json.loads(capsys.readouterr().out)
    assert status == ExitStatus.FAILED
    assert found["error"]["message"] == "stopped: 1 of 4 boxes failed"
    assert found["result"]["summary"]["not started"] == 2
    assert (home / "left").read_text().split() == ["press-01", "press-03", "press-04"]
    boxes.opened.clear()
    run("presses", "-l", "@left")
    assert sorted(boxes.opened) == ["press-01", "press-03", "press-04"]


def test_no_more_boxes_are_worked_on_at_once_than_jobs(boxes):
    at_work, most = [], []

    def busy(_options):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.pop()
        return FACTS

    for name in ("press-01", "press-02", "press-03", "press-04"):
        boxes.facts[name] = busy

    run("presses", "-j", "2")

    assert max(most) <= 2
    assert len(most) == 4


def test_an_interruption_ends_with_a_summary(boxes, capsys):
    running = threading.Event()

    def hang(options):
        running.set()
        options["stop"].wait(10)
        raise TransportError("ended")

    boxes.facts["press-02"] = hang

    def interrupt():
        running.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    status = run("presses", "-j", "2", "--serial", "2")

    out = capsys.readouterr().out
    assert status == ExitStatus.INTERRUPTED
    assert out.splitlines()[-1].startswith("4 boxes: 1 done")
    assert "2 not started" in out


def test_a_pattern_of_no_box_is_told(boxes, capsys):
    assert run("presses:&saws") == ExitStatus.USAGE
    assert 'no box "presses:&saws"' in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["~[", "presses[", "a,presses]", "~pres[0:saws"])
def test_half_a_bracket_is_not_passed_over(boxes, capsys, pattern):
    assert run(pattern) == ExitStatus.USAGE
    assert "bracket" in capsys.readouterr().err


def test_a_pattern_that_means_nothing_is_told(boxes, capsys):
    run("presses:!pres-01")

    assert 'no box and no group matches "pres-01"' in capsys.readouterr().err


def test_pull_keeps_the_boxes_apart(boxes, home, monkeypatch):
    def opener(box, **options):
        session = FakeSession({})
        session.pushed["/etc/modules"] = box.name.encode()
        return session.opener()(box, **options)

    monkeypatch.setattr(workon.Session, "open", opener)

    assert cli.run(["pull", "/etc/modules", "got", "--on", "presses"]) == 0

    assert (home / "got/press-02/etc/modules").read_bytes() == b"press-02"


def test_a_bug_on_one_box_is_that_boxs(boxes, capsys):
    boxes.facts["press-01"] = 3

    assert run("presses", "--json") == ExitStatus.FAILED

    out, err = capsys.readouterr()
    found = json.loads(out)["result"]["boxes"]
    assert [box["outcome"] for box in found] == ["failed", "done", "done", "done"]
    assert "a bug in modferry" in found[0]["error"]["message"]
    assert "Traceback" in err


def test_the_page_of_a_run_has_each_box_and_each_answer_once(boxes, home, monkeypatch):
    reply = {
        "module": "rtai_sem", "path": "rtai/rtai_sem.ko", "loadable": True,
        "findings": [],
    }  # fmt: skip

    def opener(box, **options):
        boxes.opened.append(box.name)
        if box.name == "press-02":
            raise TransportError("nothing answers <here>")
        return FakeSession({"diagnose": dict(reply)}).opener()(box, **options)

    monkeypatch.setattr(workon.Session, "open", opener)

    cli.run(["diagnose", "rtai_sem", "--on", "presses", "--html", "run.html"])

    page = (home / "run.html").read_text()
    assert page.count("nothing is wrong") == 1
    assert "3 boxes: press-01, press-03, press-04" in page
    assert "nothing answers &lt;here&gt;" in page


def test_no_secret_is_written_anywhere(boxes, capsys, home, tmp_path):
    (home / "modferry.yaml").write_text(
        "g:\n  hosts: {a: , b: }\n"
        "  vars: {ansible_connection: local, ansible_password: sesame-7,\n"
        "         ansible_become_password: '{{ secret }}', secret: sesame-8}\n"
    )

    cli.run(["-vv", "facts", "--on", "g", "--events", "events", "--junit", "junit",
             "--html", "page", "--trace", "trace"])  # fmt: skip
    cli.run(["facts", "--on", "g", "--json"])

    out, err = capsys.readouterr()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 4
    written = [path.name for path in files if b"sesame" in path.read_bytes()]
    assert written == ["modferry.yaml"]
    assert "sesame" not in out + err
