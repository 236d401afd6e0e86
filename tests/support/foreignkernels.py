"""Debian's kernels of other machines: fetched by apt, unpacked, never installed.

A private apt state knows one foreign architecture and the host's own mirror; what the
host has installed, and its package lists, are not touched.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import debian, rootfs


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: Debian's name, the smallest kernel of its own, and the suite."""

    architecture: str
    package: str
    bits: int
    byte_order: str
    suite: str = "bookworm"


MACHINES = (
    Machine("i386", "linux-image-686-pae", 32, "little"),
    Machine("armhf", "linux-image-armmp", 32, "little"),
    Machine("s390x", "linux-image-s390x", 64, "big"),
)


def foreign_kernel(machine: Machine) -> Path:
    """Return the root folder of the unpacked kernel package, from the cache.

    Skips where it cannot be fetched.
    """
    debs = rootfs.cache_directory()
    with (debs / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if machine.suite != "bookworm":
            # Beside a newer depmod, whose folder has the suite's bare name.
            debs /= f"kernels-{machine.suite}"
            debs.mkdir(exist_ok=True)
        there = sorted(debs.glob(f"linux-*_{machine.architecture}"))
        if there:
            return there[-1]
        if shutil.which("apt-get") is None:
            pytest.skip("no apt-get to fetch a kernel package with")
        try:
            return _fetched(machine, debs)
        except (subprocess.CalledProcessError, LookupError) as error:
            pytest.skip(f"apt gives no kernel of {machine.architecture}: {error!r}")


def _fetched(machine: Machine, debs: Path) -> Path:
    state = debs / f".apt-{machine.architecture}"
    architecture = machine.architecture
    environment = debian.private_apt(state, machine.suite, architecture=architecture)
    _run(["apt-get", "update", "-q"], environment, state)
    depends = _run(["apt-cache", "depends", machine.package], environment, state)
    names = re.findall(r"linux-image-\d+\.\S+", depends)
    if not names:
        message = f"{machine.package} of {machine.suite} names no kernel"
        raise LookupError(message)
    name = names[0]
    _run(["apt-get", "download", "-q", name], environment, state)
    (package,) = state.glob("linux-image-*.deb")
    partial = debs / f".{package.stem}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", package, partial], check=True)
    folder = debs / package.stem
    partial.rename(folder)
    shutil.rmtree(state)
    return folder


def _run(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    return subprocess.run(
        command,
        env=dict(environment),
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    ).stdout
