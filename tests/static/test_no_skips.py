"""In CI a test that is skipped fails, but for what no installing would change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest

def test_a():
    pytest.skip("gcc is not installed")

def test_b():
    pytest.skip("does not apply: this machine has it")

@pytest.mark.skipif(True, reason="not here")
def test_c():
    pass
"""


@pytest.mark.parametrize(("ci", "counts"), [("1", (2, 1)), ("", (0, 3))])
def test_what_is_skipped_fails_in_ci(tmp_path: Path, root: Path, ci, counts):
    (tmp_path / "test_it.py").write_text(SKIPPING)
    environment = os.environ | {
        "CI": ci,
        "PYTHONPATH": f"{root}/tests:{root}/host:{root}/agent",
    }

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-q", tmp_path],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    found = [
        sum(map(int, re.findall(rf"(\d+) (?:{word})", done.stdout)))
        for word in ("failed|error", "skipped")
    ]
    assert tuple(found) == counts, done.stdout
