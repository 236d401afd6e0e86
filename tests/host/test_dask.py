"""Dask's workers as processes: work lands where the line is, and outlives a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from modferry import cli
from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.errors import TransportError, UsageError
from modferry.fleet.box import Box
from modferry.fleet.engines.dask import DaskEngine, check_secrets
from modferry.fleet.journal import Journal
from modferry.secrets import Source
from support.fakebox import FakeBox

pytest.importorskip("distributed", reason="pip install 'modferry[cluster]'")

START_S = 60.0
VOLATILE = ("free_bytes", "modules_loaded", "printk")


class Cluster:
    """A scheduler and workers, each a process; file: where the scheduler is."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.file = folder / "scheduler.json"
        self.workers = []
        self._start("scheduler", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(self.file))  # fmt: skip
        self._wait(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def worker(self, *words: str) -> int:
        child = self._start(
            "worker", "--scheduler-file", str(self.file), "--no-nanny",
            "--no-dashboard",
            "--nthreads", "2", *words,
        )  # fmt: skip
        self.workers.append(child)
        return child.pid

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}",
             "--host", "127.0.0.1", *words],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{kind}.log").open("ab"),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        self._stack.callback(child.wait)
        self._stack.callback(child.kill)
        return child

    def _wait(self, is_there) -> None:
        limit = time.monotonic() + START_S
        while not is_there():
            assert time.monotonic() < limit, (self.folder / "scheduler.log").read_text()
            time.sleep(0.05)  # nothing tells


@contextmanager
def cluster(folder: Path):
    with ExitStack() as stack:
        yield Cluster(folder, stack)


def steps_of(run: int, names, state: Path) -> dict[str, str]:
    with closing(Journal(state / "modferry" / "journal.sqlite")) as journal:
        return {name: journal.said(run, name)[0][1] for name in names}


def answers(capsys) -> dict[str, dict[str, object]]:
    found = json.loads(capsys.readouterr().out)["result"]["boxes"]
    return {
        box["box"]: {k: v for k, v in box["result"].items() if k not in VOLATILE}
        for box in found
    }


@pytest.mark.slow
def test_work_lands_on_the_worker_that_has_the_line(home, tmp_path, capsys):
    with FakeBox() as one, FakeBox() as two, cluster(tmp_path) as dask:
        profile = home / "p.yaml"
        profile.write_text(f"extends: bookworm\ndirectories: [{tmp_path}/agent]\n")
        (home / "pw").write_text("secret\n")
        (home / "pw").chmod(0o600)
        (home / "modferry.yaml").write_text(
            f"lines:\n  hosts:\n    one: {{modferry_serial: {one.device}}}\n"
            f"    two: {{modferry_serial: {two.device}}}\n"
            f"  vars: {{modferry_profile: ./p.yaml, modferry_password_file: pw}}\n"
        )
        for box in (one, two):
            dask.worker("--resources", f"line:{box.device}=1", "--name", box.device)
        words = ["facts", "--on", "lines", "--json"]

        assert cli.run([*words, "--serial", "1"]) == 0
        local = answers(capsys)
        assert cli.run([*words, "--engine", "dask", "--scheduler", dask.address]) == 0

        assert answers(capsys) == local
    steps = steps_of(2, ("one", "two"), tmp_path / "state")
    assert all(text.startswith("on worker tcp://127.0.0.1") for text in steps.values())
    assert steps["one"] != steps["two"]


@pytest.mark.slow
def test_a_dead_workers_boxes_are_done_elsewhere_once(home, tmp_path, capsys):
    (home / "p.yaml").write_text(
        f"extends: bookworm\ndirectories: [{tmp_path}/agent]\n"
        "shell: sleep 0.3; exec sh\n"
    )
    (home / "modferry.yaml").write_text(
        "many:\n  hosts:\n    box-[01:10]:\n"
        "  vars: {ansible_connection: local, modferry_profile: ./p.yaml}\n"
    )
    assert cli.run(["facts", "--on", "box-01"]) == 0  # the agent is there from now on
    capsys.readouterr()
    with cluster(tmp_path) as dask:
        victim = dask.worker()
        events = home / "events"
        os.mkfifo(events)
        command = [
            sys.executable, "-m", "modferry", "facts", "--on", "many", "--json",
            "--engine", "dask", "--scheduler", dask.address, "--events", str(events),
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as run:  # fmt: skip
            with events.open() as stream:
                while '"ended"' not in stream.readline():
                    pass
                os.kill(victim, signal.SIGKILL)
                dask.worker()
                ended = ['"ended"' in line for line in stream]
            out, err = run.communicate()

    found = json.loads(out)["result"]
    assert found["summary"]["done"] == 10, err.decode()
    assert sum(ended) == 9


def test_no_scheduler_is_told():
    with pytest.raises(TransportError, match="scheduler does not answer"):
        DaskEngine(lambda _box, _stop: None, {}, "tcp://127.0.0.1:1")


def test_a_password_does_not_go_over_the_network_in_the_clear():
    box = Box("a", parse_address("ssh://a"), Profile(), password=Source(value="x"))

    with pytest.raises(UsageError, match="in the clear"):
        check_secrets("tcp://head:8786", {"a": box})
    check_secrets("tls://head:8786", {"a": box})
    check_secrets("tcp://127.0.0.1:8786", {"a": box})
    check_secrets(None, {"a": box})
