"""The main job over the practice box's real serial console."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry.lab.box import PracticeBox
from modferry.lab.image import Image
from support.commands import modferry, start
from support.practice import box_up, shell

CHATTER = "practice_chatter"


@pytest.fixture
def talking(practice_image: Image, tmp_path: Path) -> Iterator[PracticeBox]:
    """Yield a box whose kernel prints a line every half second, at log level 8."""
    with box_up(
        practice_image, tmp_path / "lab", log_level=8, switches={"chatter": "500"}
    ) as box:
        yield box


def test_a_large_module_arrives_whole_while_the_kernel_prints(talking):
    module = talking.modules / "practice_big.ko"
    assert module.stat().st_size >= 100_000

    pushed = modferry("push", module, "--on", "practice", lab=talking.directory)
    indexed = modferry("depmod", "--on", "practice", lab=talking.directory)
    loaded = modferry("load", "practice_big", "--on", "practice", lab=talking.directory)

    path = pushed.result["files"][0]["path"]
    on_box = shell(talking, f"sha256sum {path}").stdout.split()[0]
    assert (pushed.status, indexed.status, loaded.status) == (0, 0, 0)
    assert on_box == pushed.result["files"][0]["sha256"]
    assert "practice_big" in shell(talking, "lsmod").stdout
    # The lines came to the user, and those of the load alone are in its result.
    assert CHATTER in pushed.stderr
    own = [r["text"] for step in loaded.result["steps"] for r in step["records"]]
    assert any("practice_big" in text for text in own)
    assert shell(talking, f"grep -c {CHATTER} {path}").stdout.strip() == "0"


def test_a_host_killed_in_mid_push_costs_nothing(practice_image, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(3_000_000))
    with box_up(practice_image, tmp_path / "lab") as box:
        tree = f"/lib/modules/{box.release}"
        before = shell(box, f"cd {tree} && sha256sum modules.*").stdout
        arguments = ("push", large, "--to", tree, "--on", "practice")
        process = start(arguments, box.directory)
        part = f"{tree}/.large.bin.modferry-part"
        _until(lambda: shell(box, f"test -s {part}").returncode == 0, 60)
        said = box.console_log.stat().st_size

        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed = time.monotonic()
        _until(lambda: b"login:" in _since(box, said), 30)
        freed_s = time.monotonic() - killed

        assert freed_s < 30
        assert shell(box, f"ls {tree}/.large* {tree}/large*").stdout == "" or (
            "No such file" in shell(box, f"ls {tree}/large.bin").stdout
        )
        assert shell(box, f"test -e {part}").returncode != 0
        assert shell(box, f"cd {tree} && sha256sum modules.*").stdout == before
        again = modferry(*arguments, lab=box.directory)
        assert again.status == 0
        assert again.result["files"][0]["changed"] is True


def _since(box: PracticeBox, position: int) -> bytes:
    return box.console_log.read_bytes()[position:]


def _until(is_so, limit_s: float) -> None:
    limit = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < limit, "it did not come about in time"
        time.sleep(0.2)


def test_the_terminal_and_the_log_level_are_as_before(practice):
    level = shell(practice, "cat /proc/sys/kernel/printk").stdout
    modes = "stty -a -F /dev/ttyS0"
    _until(lambda: "-echo" not in shell(practice, modes).stdout.split()[:0] or True, 1)
    before = shell(practice, modes).stdout

    assert modferry("facts", "--on", "practice", lab=practice.directory).status == 0

    _until(lambda: shell(practice, modes).stdout == before, 20)
    assert shell(practice, "cat /proc/sys/kernel/printk").stdout == level
