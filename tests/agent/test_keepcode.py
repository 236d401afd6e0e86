"""What becomes of byte code and of other builds' archives in the agent's directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from modferry import resources
from modferry_agent import bytecode
from modferry_agent.jobs import keepcode

DAY_S = 24 * 3600.0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / f"modferry-{'a' * 64}.pyz"
    path.write_bytes(resources.agent_parts()["base"])
    return path


def test_byte_code_is_there_when_it_was_written_and_whole(archive):
    assert bytecode.code_of(str(archive)) is None

    keepcode.write(str(archive))

    code = Path(str(bytecode.code_of(str(archive))))
    whole = code.read_bytes()
    for octets in (whole[:-1], b"", whole[:40] + b"x" + whole[41:]):
        code.write_bytes(octets)
        assert bytecode.code_of(str(archive)) is None


def test_what_other_builds_left_long_ago_is_removed(tmp_path, archive):
    kept = [archive.name, f"{archive.name}.a70d0d0a", "modferry-agent.pyz", "notes"]
    kept.append(f"modferry-{'b' * 64}.stream")
    left = [f"modferry-{'c' * 64}{end}" for end in (".pyz", ".zip", ".zip.a70d0d0a")]
    young = f"modferry-{'d' * 64}.pyz"
    for name in (*kept, *left, young):
        (tmp_path / name).touch()
        old = time.time() - 61 * DAY_S
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / young)

    keepcode.forget_old(str(tmp_path), [str(archive)])

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, young])
