"""``--events -``: what happens on stdout as it happens, and the document last."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from modferry.errors import ExitStatus

WAITING = """#!/bin/sh
read word <{gate}
exec {python} "$@"
"""


@pytest.fixture
def gate(home):
    """Return a FIFO; each box's Python starts when something is written there."""
    path = home / "gate"
    os.mkfifo(path)
    (home / "bin").mkdir()
    python = home / "bin" / "python3"
    python.write_text(WAITING.format(gate=path, python=sys.executable))
    python.chmod(0o755)
    text = "".join(f"  {name}: {{address: 'local:'}}\n" for name in ("saw", "press"))
    (home / "modferry.yaml").write_text("boxes:\n" + text)
    return path


def start(home, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "modferry", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PATH": f"{home}/bin:{os.environ['PATH']}"},
    )  # fmt: skip


@pytest.mark.parametrize("option", [("--events", "-"), ("--events=-", "--json")])
def test_each_line_comes_when_it_happens(gate, home, option):
    words = ("facts", "--on", "saw,press", "--serial", "1", *option)
    with start(home, *words) as run:
        # Nobody opens the gate before the line before has come.
        seen = []
        for _ in range(2):
            seen.append(json.loads(run.stdout.readline()))
            gate.write_text("go\n")
            seen.append(json.loads(run.stdout.readline()))
        rest = [json.loads(line) for line in run.stdout]
        errors = run.stderr.read()

    assert run.returncode == ExitStatus.DONE, errors
    assert [(each["event"], each["box"]) for each in seen] == [
        ("started", "saw"), ("ended", "saw"), ("started", "press"), ("ended", "press"),
    ]  # fmt: skip
    (last,) = rest
    assert (last["event"], last["command"], last["status"]) == ("document", "facts", 0)
    boxes = [each["box"] for each in last["result"]["boxes"]]
    assert boxes == ["saw", "press"]


def test_one_box_and_an_error_end_with_the_document_too(gate, home):
    with start(home, "push", "nothing.ko", "--on", "saw", "--events", "-") as failed:
        lines = failed.stdout.read().splitlines()

    (only,) = [json.loads(line) for line in lines]
    assert failed.returncode == only["status"] == ExitStatus.USAGE
    assert (only["event"], only["result"]) == ("document", None)
    assert "nothing.ko" in only["error"]["message"]
    assert not (home / "-").exists()
