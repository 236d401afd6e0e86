"""Files replaced whole, and what killed processes left beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modferry_agent.system import durable


def test_the_file_has_its_content_and_its_mode(tmp_path: Path):
    path = tmp_path / "record"
    path.write_bytes(b"old")

    durable.replace_file(str(path), b"new", 0o640)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_and_no_other_file(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # Since the power cut another process has the number of the one that wrote.
    reused = tmp_path / f"record.{os.getppid()}.modferry-part"
    left = {f"record.{ended.pid}.modferry-part", f"record.{10**30}.modferry-part"}
    left.add(reused.name)
    kept = {"record.x.modferry-part", "other.txt"}
    kept.add(f"another.{ended.pid}.modferry-part")
    for name in kept | left:
        (tmp_path / name).touch()

    durable.replace_file(str(tmp_path / "record"), b"new")

    assert {path.name for path in tmp_path.iterdir()} == kept | {"record"}


def test_what_another_process_is_writing_stays(tmp_path: Path):
    code = (
        "import os, sys; stream = open('%s.%d.modferry-part' % (sys.argv[1], "
        "os.getpid()), 'w'); print('open', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "record"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with writer:
        assert writer.stdout is not None
        writer.stdout.readline()

        durable.replace_file(str(tmp_path / "record"), b"new")

        found = {path.name for path in tmp_path.iterdir()}
        writer.communicate()
    assert found == {"record", f"record.{writer.pid}.modferry-part"}


def test_an_error_leaves_the_old_file_alone(tmp_path: Path):
    (tmp_path / "record").mkdir()

    with pytest.raises(IsADirectoryError):
        durable.replace_file(str(tmp_path / "record"), b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["record"]
