"""Runs that are killed, or told of an error, at a chosen system call, by strace.

A run is forked from the tests, stops itself, and goes on when strace holds it: no time
is lost starting Pythons, so that every single system call can have its turn.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

_PR_SET_PTRACER = 0x59616D61
_CALL = re.compile(r"^(?:\d+ +)?([a-z_0-9]+)\(")
_WAIT_S = 30.0
# Where a run that ends by no error of the agent's leaves its traceback.
CRASH = f"/tmp/modferry-crash-{os.getpid()}"


def require_strace() -> None:
    """Skip where there is no strace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")


def calls_of(run: Callable[[], int], folder: Path, log: Path) -> list[tuple[str, int]]:
    """Return each system call of a run on a file below the folder.

    A call is its name and the how manieth of that name it is, from 1.
    """
    status = forked(run, ("-y", "-s", "0", "-e", "trace=%file,%desc"), log)
    assert status == 0, log.read_text()
    counts: Counter[str] = Counter()
    calls = []
    for line in log.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        counts[found[1]] += 1
        if str(folder) in line:
            calls.append((found[1], counts[found[1]]))
    return calls


def injected(run: Callable[[], int], call: tuple[str, int], fault: str) -> int:
    """Do a run with a fault at one of its calls; return its exit status.

    fault: ``signal=KILL``, ``error=ENOSPC``, ...: what strace can inject
    A run that is killed has the signal's number as status, negative.
    """
    name, number = call
    words = ("-e", f"trace={name}", "-e", f"inject={name}:{fault}:when={number}")
    return forked(run, words, Path(os.devnull))


def forked(run: Callable[[], int], words: tuple[str, ...], log: Path) -> int:
    """Do a run in a process of its own that strace watches; return its exit status."""
    child = os.fork()
    if child == 0:
        _be_watched(run)
    os.waitpid(child, os.WUNTRACED)
    watcher = subprocess.Popen(
        ["strace", "-qq", "-o", str(log), *words, "-p", str(child)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for_tracer(child, watcher)
        os.kill(child, signal.SIGCONT)
        deadline = time.monotonic() + _WAIT_S
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"hangs: {words}"
            time.sleep(0.001)
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
        watcher.communicate()


def _be_watched(run: Callable[[], int]) -> None:
    status = 99
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.kill(os.getpid(), signal.SIGSTOP)
        status = run()
    except BaseException:  # noqa: BLE001 - status 99 is a finding, this its reason
        Path(CRASH).write_text(traceback.format_exc())
    finally:
        os._exit(status)


def _wait_for_tracer(child: int, watcher: subprocess.Popen[bytes]) -> None:
    status = Path(f"/proc/{child}/status")
    while "TracerPid:\t0\n" in status.read_text():
        if watcher.poll() is not None:
            assert watcher.stderr is not None
            raise RuntimeError(watcher.stderr.read().decode())
        time.sleep(0.001)
