"""Run modferry as a user does: a process, its exit status, its JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 180


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command line ended."""

    status: int
    document: dict[str, Any]
    stderr: str

    @property
    def result(self) -> Any:
        """Return the command's result."""
        return self.document["result"]

    @property
    def error(self) -> dict[str, Any]:
        """Return the command's error: message, where, why, next."""
        return self.document["error"]


def environment(lab: Path | None = None) -> dict[str, str]:
    """Return the environment of a command; `lab` is where its practice box is."""
    values = dict(os.environ)
    values["PYTHONPATH"] = f"{ROOT / 'host'}:{ROOT / 'agent'}"
    values["NO_COLOR"] = "1"
    if lab is not None:
        values["MODFERRY_LAB"] = str(lab)
    return values


def start(
    arguments: Sequence[str | Path], lab: Path | None = None
) -> subprocess.Popen[str]:
    """Start a command line and return its process."""
    return subprocess.Popen(
        [sys.executable, "-m", "modferry", "--json", *map(str, arguments)],
        env=environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def modferry(
    *arguments: str | Path, lab: Path | None = None, limit_s: float = LIMIT_S
) -> Ran:
    """Run a command line to its end."""
    with start(arguments, lab) as process:
        stdout, stderr = process.communicate(timeout=limit_s)
    return Ran(process.returncode, json.loads(stdout), stderr)
