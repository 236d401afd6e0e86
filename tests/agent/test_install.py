"""kmod's names for the agent, put in a directory and taken away."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from modferry import resources
from modferry_agent.errors import FileError
from modferry_agent.jobs import install
from modferry_agent.jobs.install import ARCHIVE, NAMES, install_names, remove_names


def push_archive(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / ARCHIVE).write_bytes(resources.agent_archive())


def test_each_name_runs_the_agent_by_it(tmp_path):
    target = tmp_path / "sbin"

    push_archive(target)

    reply = install_names(str(target))

    assert {Path(path).name for path in reply["changed"]} == set(NAMES)
    for name in NAMES:
        ran = subprocess.run(
            [target / name, "--help"], capture_output=True, text=True, check=False
        )
        assert name in ran.stdout + ran.stderr
        assert sys.executable in (target / name).read_text()


def test_a_second_time_changes_nothing(tmp_path):
    push_archive(tmp_path / "sbin")
    install_names(str(tmp_path / "sbin"))

    reply = install_names(str(tmp_path / "sbin"))

    assert reply["changed"] == []


def test_a_dry_run_writes_nothing(tmp_path):
    reply = install_names(str(tmp_path / "sbin"), dry_run=True)

    assert reply["changed"]
    assert not (tmp_path / "sbin").exists()


def test_a_foreign_file_is_left_alone(tmp_path):
    push_archive(tmp_path)
    (tmp_path / "depmod").write_text("#!/bin/sh\n")

    with pytest.raises(FileError) as caught:
        install_names(str(tmp_path))

    assert caught.value.code == "name-taken"
    assert {path.name for path in tmp_path.iterdir()} == {"depmod", ARCHIVE}


def test_removing_undoes_installing_and_nothing_else(tmp_path):
    target = tmp_path / "sbin"
    target.mkdir()
    (target / "mine").write_text("")
    push_archive(target)
    install_names(str(target))

    remove_names(str(target))

    assert [path.name for path in target.iterdir()] == ["mine"]


def test_removing_the_last_removes_the_directory(tmp_path):
    push_archive(tmp_path / "sbin")
    install_names(str(tmp_path / "sbin"))

    remove_names(str(tmp_path / "sbin"))

    assert not (tmp_path / "sbin").exists()
    assert remove_names(str(tmp_path / "sbin"))["changed"] == []


def test_without_the_archive_nothing_is_written(tmp_path):
    with pytest.raises(FileError) as caught:
        install_names(str(tmp_path))

    assert caught.value.code == "no-archive"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_written_name(tmp_path, monkeypatch):
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    push_archive(tmp_path / "sbin")
    monkeypatch.setattr(install.os, "fsync", fail)

    with pytest.raises(FileError) as caught:
        install_names(str(tmp_path / "sbin"))

    assert caught.value.code == "disk-full"
    assert [path.name for path in (tmp_path / "sbin").iterdir()] == [ARCHIVE]


def test_the_archive_serves_where_its_folder_is_gone(tmp_path):
    target = tmp_path / "sbin"
    push_archive(target)
    install_names(str(target))
    (folder,) = target.glob(".modferry-*")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()

    ran = subprocess.run(
        [target / "lsmod", "--help"], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0
    assert "lsmod" in ran.stdout


def test_a_long_path_of_python_is_started_by_the_shell(tmp_path, monkeypatch):
    python = tmp_path / ("long" * 30) / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(install.sys, "executable", str(python))
    target = tmp_path / "sbin"
    push_archive(target)
    install_names(str(target))

    ran = subprocess.run(
        [target / "modinfo", "--help"], capture_output=True, text=True, check=False
    )

    assert (target / "modinfo").read_text().startswith("#!/bin/sh")
    assert ran.returncode == 0


def test_a_new_archive_takes_the_old_folder_away(tmp_path):
    target = tmp_path / "sbin"
    push_archive(target)
    install_names(str(target))
    (old,) = target.glob(".modferry-*")
    (target / ARCHIVE).write_bytes(resources.agent_archive() + b"\0")

    install_names(str(target))

    (new,) = target.glob(".modferry-*")
    assert new != old
    assert list(new.rglob("*.pyc"))
    assert remove_names(str(target))["changed"]
    assert not target.exists()
