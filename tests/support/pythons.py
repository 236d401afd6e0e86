"""The Pythons of this machine, and the newest of Debian's, to run the agent on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support import debian

SID_PYTHON = "python3.15"
_NAMES = re.compile(r"^python(2|3)?(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: `command` starts it; `root` is what it sees as ``/``."""

    name: str
    command: str
    root: Path = Path("/")


def _version(command: str) -> str:
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    ran = subprocess.run(
        [command, "-E", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    return ran.stdout.strip() if ran.returncode == 0 else ""


@cache
def found() -> Mapping[str, Interpreter]:
    """Return the interpreters on PATH and under pyenv, one a version, 2.6 or newer."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    folders += sorted(pyenv.glob("versions/*/bin"))
    pythons: dict[str, Interpreter] = {}
    for folder in folders:
        for path in sorted(folder.glob("python*")):
            if not _NAMES.match(path.name) or "shims" in folder.parts:
                continue
            version = _version(str(path))
            if version:
                pythons.setdefault(version, Interpreter(version, str(path)))
    if not pythons:
        pythons[sys.version.split()[0]] = Interpreter("this", sys.executable)
    return dict(sorted(pythons.items()))


def cache_folder() -> Path:
    """Return where what was downloaded for tests is kept."""
    given = os.environ.get("MODFERRY_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "modferry"


def newest_of_debian() -> Interpreter:
    """Return sid's newest Python, in a chroot; RuntimeError if it cannot be made.

    The chroot needs root and mmdebstrap; it is made once and kept.
    """
    root = cache_folder() / "sid"
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        raise RuntimeError("a chroot needs root and mmdebstrap")
    if not (root / "usr/bin" / SID_PYTHON).exists():
        _make_chroot(root)
    command = root / "run-python"
    command.write_text(f'#!/bin/sh\nexec chroot {root} /usr/bin/{SID_PYTHON} "$@"\n')
    command.chmod(0o755)
    return Interpreter(_version(str(command)), str(command), root)


def _make_chroot(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    made = root.with_name("sid.new")
    shutil.rmtree(made, ignore_errors=True)
    ran = subprocess.run(
        [
            "mmdebstrap",
            "--variant=extract",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            # A mirror that stands still is fit for a test of an interpreter.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            f"--include={SID_PYTHON},libc6,libssl3t64,zlib1g,dash,coreutils",
            "sid",
            str(made),
            debian.mirror(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise RuntimeError(ran.stderr)
    made.rename(root)
