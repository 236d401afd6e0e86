"""What is typed at a box's shell to start the agent, run by real shells and Pythons."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from modferry.core.launch import (
    Launch,
    archive_lines,
    guarded,
    posix_cksum,
    shell_script,
    stage_one,
    stage_two,
)

LAUNCH = Launch("0" * 64, ("python3",), ("/nonexistent",), link_id=2, lease_s=12)


def first_step(launch: Launch, typed: bytes, locale: str = "C") -> list[str]:
    """Run the first step, and what it is typed; return what it says."""
    ran = subprocess.run(
        [sys.executable, "-E", "-S", "-c", stage_one(launch)],
        input=typed,
        capture_output=True,
        env=os.environ | {"LC_ALL": locale},
        check=False,
    )
    assert ran.stderr == b""
    return ran.stdout.decode().splitlines()


def agent(folder: Path, name: str = "agent") -> bytes:
    """Return an archive whose agent says hello."""
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modferry_agent/__init__.py", "")
        archive.writestr(
            "modferry_agent/main.py", "def main():\n    print('hello', flush=True)\n"
        )
        archive.writestr("padding", os.urandom(900))
    return path.read_bytes()


def launch_of(archive: bytes, *homes: Path) -> Launch:
    sha256 = hashlib.sha256(archive).hexdigest()
    return replace(LAUNCH, sha256=sha256, homes=[str(home) for home in homes])


def typed(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_of_a_bad_line_only_what_it_damaged_is_asked_for(tmp_path, locale):
    archive = agent(tmp_path)
    lines = archive_lines(stage_two(archive, deflated=True))
    assert len(lines) > 6
    good = typed(lines)
    bad = bytearray(good)
    place = good.index(b"\n2:")
    bad[place + 9] ^= 0x80
    del bad[good.index(b"\n4:")]  # line 3 and 4 have become one
    del bad[: good.index(b"\n") + 1]  # line 0 did not come at all

    asked = bytes(bad) + b".7\n"
    again = typed([lines[number] for number in (0, 2, 3, 4)])
    said = first_step(launch_of(archive, tmp_path / "modferry"), asked + again, locale)

    assert said[0].startswith("@@MF NEED 3.")
    assert said[1:] == ["@@MF AGAIN .7 0 2 3 4", "hello"]


def test_lines_that_come_twice_and_questions_behind_the_last_do_no_harm(tmp_path):
    archive = agent(tmp_path)
    lines = archive_lines(stage_two(archive, deflated=True))

    said = first_step(
        launch_of(archive, tmp_path / "modferry"), typed([*lines[:4], *lines, ".1"])
    )

    assert said[1:] == ["hello"]


def test_the_first_home_that_takes_the_agent_is_nobody_elses(tmp_path):
    archive = agent(tmp_path)
    theirs, linked = tmp_path / "modferry", tmp_path / "link" / "modferry"
    theirs.mkdir()
    theirs.chmod(0o777)
    linked.parent.mkdir()
    linked.symlink_to(theirs)
    full = Path("/proc/modferry")
    ours = tmp_path / "new" / "modferry"
    launch = launch_of(archive, theirs, linked, full, ours)

    lines = archive_lines(stage_two(archive, deflated=True))
    assert first_step(launch, typed(lines))[1:] == ["hello"]

    kept = ours / f"modferry-{launch.sha256}.pyz"
    assert kept.read_bytes() == archive
    assert ours.stat().st_mode & 0o077 == 0
    assert list(theirs.iterdir()) == []
    # The second contact asks for nothing.
    assert first_step(launch, b"") == ["hello"]


def test_no_home_at_all_is_said_with_the_reasons(tmp_path):
    archive = agent(tmp_path)
    theirs = tmp_path / "modferry"
    theirs.mkdir()
    theirs.chmod(0o777)

    lines = archive_lines(stage_two(archive, deflated=True))
    said = first_step(launch_of(archive, theirs, Path("/proc/modferry")), typed(lines))

    assert said[1].startswith(f"@@MF NOROOM {theirs}: others may write there; /proc/")


def test_an_archive_that_is_another_one_is_not_run(tmp_path):
    archive = agent(tmp_path)
    launch = launch_of(archive + b"x", tmp_path / "modferry")

    said = first_step(launch, typed(archive_lines(stage_two(archive, deflated=True))))

    assert said[1:] == ["@@MF NOROOM what arrived is not what was sent"]


def test_the_console_s_log_level_is_set_and_put_back_by_the_shell(tmp_path):
    printk = tmp_path / "printk"
    printk.write_text("7\t4\t1\t7\n")
    launch = replace(LAUNCH, pythons=("cat",), log_level=1)
    script = shell_script(launch, terminal=True)
    script = script.replace("/proc/sys/kernel/printk", str(printk))

    # Its terminal settings fail here, as they may on a box without stty.
    subprocess.run(["sh", "-c", script], capture_output=True, check=False)

    assert f"echo 1 >{printk}" in script
    assert printk.read_text().split()[0] == "7"


def shell_says(lines: list[str]) -> list[str]:
    """Run lines in a shell without a terminal; return what it says."""
    ran = subprocess.run(
        ["sh"],
        input=typed(lines).replace(b"stty", b":"),
        capture_output=True,
        check=False,
    )
    return ran.stdout.decode().splitlines()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_of_a_cut_script_the_shell_tells_which_part_is_wrong(lost):
    script = guarded("echo started;" + "x=aaaaaaa;" * 120)
    lines = script.lines()
    cut = [*lines]
    cut[lost] = cut[lost].replace("a" * 7, "", 2)

    bad = shell_says(cut)[0].split()
    again = script.lines([int(size) for size in bad[2:]])

    assert bad[:2] == ["@@MF", "BAD"]
    assert again == [lines[lost], lines[-1]]
    assert shell_says([*cut, *again])[1:] == ["started"]


def test_a_python_without_zlib_takes_the_longer_line(tmp_path):
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nexec {sys.executable} -E -S -c "
        '"import sys;sys.modules[\'zlib\']=None;exec(sys.argv[1])" "$4"\n'
    )
    python.chmod(0o755)
    launch = replace(LAUNCH, pythons=(str(python),))

    said = [
        shell_says([shell_script(launch, terminal=False, deflated=deflated)])
        for deflated in (True, False)
    ]

    assert said[0] == ["@@MF NOPYTHON"]
    assert said[1][0].startswith("@@MF NEED")
    assert said[1][0].endswith(" 0")


def test_cksum_is_that_of_posix():
    # Printed by coreutils: printf %s 123456789 | cksum; printf '' | cksum
    assert posix_cksum(b"123456789") == 930766865
    assert posix_cksum(b"") == 4294967295
