"""What is typed at a box's shell to start the agent, run by real shells and Pythons."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from dataclasses import replace

import pytest

from modferry.core.launch import (
    Launch,
    posix_cksum,
    shell_script,
    stage_one,
    stage_two_lines,
)

LAUNCH = Launch("0" * 64, ("python3",), ("/nonexistent",), link_id=2, lease_s=12)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_high_bit_on_the_line_is_asked_for_again(locale):
    lines = stage_two_lines(zlib.compress(b"print('the second step')"))
    good = "".join(f"{line}\n" for line in lines).encode()
    damaged = bytes([good[0] | 0x80]) + good[1:]

    ran = subprocess.run(
        [sys.executable, "-E", "-S", "-c", stage_one(LAUNCH)],
        input=damaged + good,
        capture_output=True,
        env=os.environ | {"LC_ALL": locale},
        check=False,
    )

    said = ran.stdout.decode().splitlines()
    assert said[0].startswith("@@MF NEED 3.")
    assert said[1:] == ["@@MF AGAIN", "the second step"], ran.stderr


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


def test_cksum_is_that_of_posix():
    # Printed by coreutils: printf %s 123456789 | cksum; printf '' | cksum
    assert posix_cksum(b"123456789") == 930766865
    assert posix_cksum(b"") == 4294967295
