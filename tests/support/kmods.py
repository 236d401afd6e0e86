"""kmod's own depmod: the machine's, and a newer one unpacked from Debian."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import debian, rootfs

_NEWER_SUITE = "trixie"


@dataclass(frozen=True, slots=True)
class Depmod:
    """A depmod to compare with: how to call it, and its release."""

    command: tuple[str, ...]
    release: int

    @property
    def called_as(self) -> str:
        """Return the name that it puts before getopt's messages."""
        return self.command[2] if "--argv0" in self.command else self.command[0]

    @property
    def modprobe(self) -> tuple[str, ...]:
        """Return how to call the modprobe of the same kmod."""
        return self.tool("modprobe")

    def tool(self, name: str) -> tuple[str, ...]:
        """Return how to call another tool of the same kmod."""
        if "--argv0" in self.command:
            return tuple(name if word == "depmod" else word for word in self.command)
        return (str(Path(self.command[0]).with_name(name)),)

    def asked_of(self, root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Return what the modprobe of the same kmod says of a tree."""
        where = ["-d", str(root), "-S", rootfs.RELEASE, "-C", "/dev/null"]
        return subprocess.run(
            [*self.modprobe, *where, *words],
            capture_output=True,
            timeout=30,
            check=False,
        )

    def run(
        self, root: Path, release: str, *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Write the indexes of a release below a root folder."""
        return subprocess.run(
            [*self.command, "-b", str(root), *options, release],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=120,
            check=False,
        )

    def called_with(
        self, words: Iterable[str], cwd: Path
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it as it stands, and keep the bytes that it prints."""
        return subprocess.run(
            [*self.command, *words],
            cwd=cwd,
            capture_output=True,
            timeout=60,
            check=False,
        )


def machines_depmod() -> Depmod:
    """Return this machine's depmod; skip without one."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    program = shutil.which("depmod", path=path)
    if program is None:
        pytest.skip("depmod is not installed: apt-get install kmod")
    return _described((program,))


def newer_depmod() -> Depmod:
    """Return the depmod of a newer Debian, from the cache; skip where none comes."""
    cache = rootfs.cache_directory()
    folder = cache / _NEWER_SUITE
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _unpack(folder)
    library = next((folder / "usr" / "lib").glob("*-linux-gnu*"))
    loader = next(library.glob("ld-linux*.so.*"))
    program = folder / "usr" / "bin" / "kmod"
    return _described(
        (str(loader), "--argv0", "depmod", "--library-path", str(library), str(program))
    )


def _unpack(folder: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        pytest.skip("mmdebstrap is not installed: apt-get install mmdebstrap")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    options = ("--variant=extract", "--include=kmod", "--format=directory", "--quiet")
    subprocess.run(
        ["mmdebstrap", *options, _NEWER_SUITE, str(partial), debian.mirror()],
        check=True,
        timeout=300,
    )
    partial.rename(folder)


def _described(command: tuple[str, ...]) -> Depmod:
    text = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"kmod version (\d+)", text)
    if found is None:
        pytest.skip(f"{command[-1]} is no depmod of kmod: {text!r}")
    return Depmod(command, int(found[1]))
