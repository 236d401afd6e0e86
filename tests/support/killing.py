"""A controller that is killed at random moments, and resumed until all is done."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modferry.fleet.journal import Journal
from support.loopback import Boxes
from support.rootfs import RELEASE


@dataclass
class Campaign:
    """One run over boxes, killed and taken up again.

    kills: how often the controller was killed at work.  twice: boxes that were entered
    again though their end was written down.
    """

    there: Boxes
    journal: Path
    kills: int = 0
    twice: list[str] = field(default_factory=list)

    def command(self, *words: str) -> list[str]:
        """Return a command line of modferry with the campaign's journal."""
        return [
            sys.executable, "-m", "modferry", *words, "--journal", str(self.journal),
        ]  # fmt: skip

    def depmod(self, *words: str) -> list[str]:
        """Return the command line of the run."""
        base = f"{self.there.folder}/own/root"
        return self.command(
            "depmod", RELEASE, "-b", base, "-i", str(self.there.fleet), "--on", "boxes",
            "--json", *words,
        )  # fmt: skip

    def run(self, command: list[str]) -> dict[str, Any]:
        """Run a command line to its end; return its document."""
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment()
        )
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def kill_and_resume(self, kills: int, longest_s: float, seed: int) -> None:
        """Kill the controller so often at random moments; it is then as it fell."""
        rng = random.Random(seed)
        command = self.depmod()
        for _ in range(kills):
            before = self._done()
            logins = {name: self.there.logins(name) for name in before}
            child = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
            self._wait_for_a_login(child)
            time.sleep(rng.uniform(0.0, longest_s))
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                self.kills += 1
            child.wait()
            self.twice += [
                name for name in before if self.there.logins(name) != logins[name]
            ]
            if self.journal.exists() and self._has_run():
                command = self.command("runs", "resume", "--json")

    # On a busy machine the start of Python alone takes seconds.
    def _wait_for_a_login(self, child: subprocess.Popen[bytes]) -> None:
        before = sum(map(self.there.logins, self.there.addresses))
        while child.poll() is None:
            if sum(map(self.there.logins, self.there.addresses)) > before:
                return
            time.sleep(0.02)  # nothing tells

    def _done(self) -> list[str]:
        if not self.journal.exists() or not self._has_run():
            return []
        with closing(Journal(self.journal)) as journal:
            outcomes = journal.outcomes(journal.run(None).number)
        return [outcome.name for outcome in outcomes if not outcome.unfinished]

    def _has_run(self) -> bool:
        with closing(Journal(self.journal)) as journal:
            return bool(journal.runs(1))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
