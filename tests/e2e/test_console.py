"""The main job over the practice box's real serial console."""

from __future__ import annotations

import os
import re
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


STREAM = "/var/lib/modferry/modferry-*.stream"


@pytest.fixture(scope="module")
def spoiled(
    practice_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeBox]:
    """Yield a box whose hosts die."""
    folder = tmp_path_factory.mktemp("spoiled")
    with box_up(practice_image, folder, log_level=8) as box:
        yield box


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(800_000))
    return path


def test_a_host_killed_in_mid_push_costs_nothing(spoiled, large):
    box, tree = spoiled, f"/lib/modules/{spoiled.release}"
    before = shell(box, f"cd {tree} && sha256sum modules.*").stdout
    level = shell(box, "cat /proc/sys/kernel/printk").stdout
    arguments = ("push", large, "--to", tree, "--on", "practice")
    process = start(arguments, box.directory)
    _until(lambda: shell(box, f"test -s {STREAM}").returncode == 0, 60)
    said = box.console_log.stat().st_size

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _until(lambda: b"login:" in _since(box, said), 30)

    # Nothing of it is in the module tree; what has come waits beside the agent.
    assert shell(box, f"find {tree} -name '*large*'").stdout == ""
    assert shell(box, f"cd {tree} && sha256sum modules.*").stdout == before
    assert shell(box, "cat /proc/sys/kernel/printk").stdout == level
    again = modferry("-v", *arguments, lab=box.directory)
    assert again.status == 0
    assert again.result["files"][0]["changed"] is True
    assert re.search(r"\d{4,} of them there already", again.stderr)
    assert shell(box, f"ls {STREAM}").returncode != 0
    on_box = shell(box, f"sha256sum {tree}/large.bin").stdout.split()[0]
    assert on_box == again.result["files"][0]["sha256"]


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
    before = shell(practice, modes).stdout

    assert modferry("facts", "--on", "practice", lab=practice.directory).status == 0

    _until(lambda: shell(practice, modes).stdout == before, 20)
    assert shell(practice, "cat /proc/sys/kernel/printk").stdout == level
