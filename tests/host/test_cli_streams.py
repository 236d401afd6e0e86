"""Where the answers go: a full disk, a closed stdout, a locale without letters."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from modferry.errors import ExitStatus

pytestmark = pytest.mark.usefixtures("home")


def run_elsewhere(
    arguments: list[str], stdout: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    # A process of its own, with its stdout led elsewhere by the shell.
    words = shlex.join([sys.executable, "-m", "modferry", *arguments])
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {words} {stdout}"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_result_that_finds_no_room_is_told_and_is_a_failure(option):
    done = run_elsewhere(["runs", *option], "> /dev/full")

    assert done.returncode == ExitStatus.FAILED
    assert done.stderr.startswith("modferry: the result cannot be written\n")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["--help"]])
def test_a_closed_stdout_changes_no_status(arguments):
    done = run_elsewhere(arguments, ">&-")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_stderr_without_room_changes_no_status():
    done = run_elsewhere(["facts", "--on", "nope"], "2> /dev/full")

    assert done.returncode == ExitStatus.USAGE


def test_a_name_that_the_locale_cannot_print_is_escaped(tmp_path):
    (tmp_path / "ünd.txt").write_text("x")

    done = run_elsewhere(
        [
            "push",
            str(tmp_path / "ünd.txt"),
            "--to",
            str(tmp_path),
            "--on",
            "local:",
            "-n",
        ],
        PYTHONIOENCODING="ascii",
    )

    assert done.returncode == 0, done.stderr
    assert "\\xfcnd.txt" in done.stdout


@pytest.fixture
def fleet(home):
    (home / "modferry.yaml").write_text(
        "boxes:\n  a: {address: 'local:'}\n  b: {address: 'local:'}\n"
    )


@pytest.fixture
def unread():
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    ("words", "stream"),
    [("a", "stdout"), ("a --json", "stdout"), ("all", "stdout"), ("all", "stderr")],
)
def test_who_reads_no_more_changes_no_status(fleet, unread, words, stream):
    where = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: unread}

    done = subprocess.run(
        [sys.executable, "-m", "modferry", "facts", "--on", *words.split()],
        **where,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in (done.stderr or b"")


INTERRUPTED_AT = """
import os, runpy, signal, sys

class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Hook())
sys.argv = ["modferry", "runs"]
runpy.run_module("modferry", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("name", ["modferry.cli", "click", "rich.console", "sqlite3"])
def test_an_interruption_at_any_import_is_told_in_a_word(name):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT.format(name=name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == ExitStatus.INTERRUPTED
    assert done.stdout == ""
    assert done.stderr.strip() == "modferry: interrupted"
