"""The agent's end of the line, in a process of its own."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from modferry_agent.system import processes

AGENT = Path(__file__).parents[2] / "agent"
BEGIN = f"""
import os, sys
sys.path.insert(0, {str(AGENT)!r})
from modferry_agent.system import processes
from modferry_agent.system.wireend import LineError, WireEnd
"""


def said(code: str, timeout_s: float = 20.0) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    return ran.stderr


def test_a_tool_that_leaves_its_input_does_not_end_the_session():
    got = said("""
WireEnd(5)
print(processes.run(["sh", "-c", "exit 3"], b"x" * 1000000)[1], file=sys.stderr)
""")

    assert got == "3\n"


def test_a_pipe_that_nobody_empties_is_given_up():
    got = said("""
ours, theirs = os.pipe()
os.dup2(theirs, 1)
end = WireEnd(0.1)
try:
    end.write(b"x" * 61000)
    end.write(b"x" * 100000)
except LineError as error:
    print(error, file=sys.stderr)
""")

    assert got == "the line takes no bytes\n"


def test_python_2_6_tells_of_a_tool_that_left_its_input(monkeypatch):
    # There communicate() raises what later Pythons pass over.
    real = subprocess.Popen.communicate

    def communicate(self: subprocess.Popen[bytes], content: bytes | None = None):
        if content is not None:
            raise OSError(errno.EPIPE, "Broken pipe")
        return real(self)

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)

    _, status, output, _ = processes.run(["sh", "-c", "echo said; exit 3"], b"x")

    assert (status, output) == (3, b"said\n")


def test_another_failure_is_not_taken_for_that(monkeypatch):
    def communicate(self: subprocess.Popen[bytes], content: bytes | None = None):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)

    with pytest.raises(OSError, match="Input/output"):
        processes.run(["true"])
