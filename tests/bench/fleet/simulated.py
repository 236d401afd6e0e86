"""What the controller itself costs a box, with simulated boxes: latency and faults.

    PYTHONPATH=host:agent:tests python tests/bench/fleet/simulated.py [BOXES...]

The whole command runs: inventory, patterns, schedule, threads, journal, events, the
document.  A box answers after 20 ms; one in 50 drops the connection before its banner,
one in 100 is unreachable.  The CPU is the process's, in ms a box.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modferry import cli
from modferry.commands import workon
from modferry.errors import TransportError
from modferry.fleet.inventory import Box
from support.fakesession import FACTS, FakeSession

LATENCY_S = 0.02


class Simulated:
    """Stands in for Session.open."""

    def __init__(self) -> None:
        """Begin with the same luck each time."""
        self._random = random.Random(1)
        self._lock = threading.Lock()

    @contextmanager
    def open(self, box: Box, **_options: Any) -> Iterator[FakeSession]:
        """Yield a session with a box that does not exist."""
        with self._lock:
            luck = self._random.random()
        time.sleep(LATENCY_S)
        if luck < 0.02:
            raise TransportError("dropped").passes()
        if luck < 0.03:
            raise TransportError(f"{box.name} cannot be reached", why="no route")
        session = FakeSession({"facts": FACTS})
        session.box = box
        yield session


def measured(count: int, folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Return wall and CPU seconds of a run over so many boxes, and its summary."""
    fleet = folder / f"fleet-{count}.yaml"
    fleet.write_text(
        "all:\n  children:\n"
        + "".join(
            f"    hall{hall}:\n      hosts:\n        box[{first}:{first + 99}].plant:\n"
            for hall, first in enumerate(range(0, count, 100))
        )
        + "  vars: {modferry_profile: bookworm, ansible_user: root}\n"
    )
    journal, events = str(folder / f"journal-{count}"), str(folder / "events")
    words = ["facts", "--on", "all", "-i", str(fleet), "--json"]
    words += ["--journal", journal, "--events", events]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        start, cpu = time.monotonic(), time.process_time()
        cli.run(words)
        took = time.monotonic() - start, time.process_time() - cpu
    return *took, json.loads(out.getvalue())["result"]["summary"]


def main() -> None:
    """Print a line for each number of boxes."""
    workon.Session.open = Simulated().open  # type: ignore[method-assign,assignment]
    print("| boxes | wall s | CPU s | CPU ms a box | done |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        os.environ["HOME"] = name
        for count in map(int, sys.argv[1:] or ["100", "1000", "10000"]):
            wall, cpu, summary = measured(count, Path(name))
            each = cpu / count * 1000
            done = summary["done"]
            print(f"| {count} | {wall:.2f} | {cpu:.2f} | {each:.2f} | {done} |")


if __name__ == "__main__":
    main()
