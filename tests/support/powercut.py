"""A practice box with disks of its own, whose power goes while something is written."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from modferry.lab import debian
from modferry.lab.box import PracticeBox
from modferry.lab.ssh import ssh_argv
from support import rootfs
from support.practice import shell

_PROMPT = b"\npractice login: "
_DEVICES = "abcdefghijklmnopqrstuvwxyz"


def kernel_modules(release: str, names: Sequence[str], folder: Path) -> list[Path]:
    """Return the files of Debian's modules of these names, which the box lacks."""
    whole = rootfs.debian_kernel()
    if not list(whole.glob(f"**/modules/{release}")):
        whole = folder / "kernel"
        debian.unpack_kernel(release, whole)
    return [next(whole.rglob(f"{name}.ko*")) for name in names]


def run(box: PracticeBox, command: str, timeout_s: float = 60.0) -> str:
    """Return what a shell command prints on the box; it must end well."""
    done = shell(box, command, timeout_s)
    assert done.returncode == 0, done.stdout
    return done.stdout


def set_up(
    box: PracticeBox, parcel: bytes, modules: Sequence[str], disks: Sequence[str]
) -> None:
    """Unpack a tar archive in /w of a box that booted, and mount its disks in /d.

    modules: in the archive, to be loaded in this order
    disks: a name for each, which begins with the kind of its file system and ``-``
    """
    unpack = [*ssh_argv(box, ["mkdir -p /w && tar -x -o -C /w"])]
    subprocess.run(unpack, input=parcel, check=True, timeout=60)
    script = ["set -e; cd /w", "modprobe ext4; modprobe -q crc32c_generic || true"]
    script += [f"insmod ./{name}.ko*" for name in modules]
    for number, disk in enumerate(disks):
        device = "/dev/vd" + _DEVICES[number]
        kind = disk.partition("-")[0]
        options = "-o nouuid" if kind == "xfs" else ""
        script.append(f"mkdir -p /d/{disk}")
        script.append(f"mount -t {kind} {options} {device} /d/{disk}")
    run(box, "\n".join(script))


def start(box: PracticeBox, command: str) -> None:
    """Start what will cut the power; what it prints is on the console."""
    aside = f"{command} >/dev/ttyS0 2>&1 </dev/null"
    run(box, f"setsid sh -c '{aside}' >/dev/null 2>&1 </dev/null &")


def wait_for_reset(box: PracticeBox, boots: int, timeout_s: float = 900.0) -> None:
    """Wait until the box has booted that often, and is up."""
    deadline = time.monotonic() + timeout_s
    while box.console_log.read_bytes().count(_PROMPT) < boots:
        assert time.monotonic() < deadline, box.console_log.read_text()[-2000:]
        time.sleep(0.2)
    box.wait_until_up()
