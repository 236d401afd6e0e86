"""The programs the practice box is made with: where they are, and running them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from modferry.errors import BoxError, UsageError

NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "apt-get": "apt",
        "depmod": "kmod",
        "dpkg-deb": "dpkg",
        "gcc": "gcc",
        "make": "make",
        "mmdebstrap": "mmdebstrap",
        "newuidmap": "uidmap",
        "qemu-system-x86_64": "qemu-system-x86",
        "ssh-keygen": "openssh-client",
    }
)
"""Program -> the Debian package it comes in; the kernel's headers come beside them."""

ONLY_WITHOUT_ROOT = frozenset({"newuidmap"})
"""What mmdebstrap calls when it is not root."""

INSTALL = "./deploy.sh needs"
_PATH = os.pathsep.join(
    (os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin")
)
_LINES_SHOWN = 8


def find(name: str) -> str:
    """Return the path of a program; raise UsageError naming its package."""
    path = shutil.which(name, path=_PATH)
    if path is None:
        raise UsageError(
            f'no program "{name}" on this machine',
            where="practice box",
            why=f"it comes in the package {NEEDS.get(name, name)}",
            next_step=INSTALL,
        )
    return path


def require() -> None:
    """Raise UsageError naming every program that is missing, all at once."""
    needed = set(NEEDS) - (ONLY_WITHOUT_ROOT if os.geteuid() == 0 else set())
    missing = [
        name for name in sorted(needed) if shutil.which(name, path=_PATH) is None
    ]
    if missing:
        packages = " ".join(sorted({NEEDS.get(name, name) for name in missing}))
        raise UsageError(
            "programs are missing: " + ", ".join(missing),
            where="practice box",
            why=f"they come in the packages {packages}",
            next_step=INSTALL,
        )


def run(  # noqa: PLR0913 - all but the first two are seldom given
    argv: Sequence[str | Path],
    *,
    step: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 900,
    next_step: str = "",
) -> str:
    """Run a program to its end and return what it printed.

    argv: the first word is looked up by `find`.
    step: what is being done, for the error.
    env: variables to set besides the environment.
    timeout_s: seconds until it is ended.
    next_step: what to do if it fails.
    Raises BoxError with the last lines of its output if it fails.
    """
    command = [find(str(argv[0])), *map(str, argv[1:])]
    try:
        ended = subprocess.run(  # noqa: S603 - the caller's words, no shell
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", "PATH": _PATH, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BoxError(
            f"{argv[0]} took longer than {timeout_s:.0f} s",
            where=f"practice box, {step}",
        ) from error
    output = ended.stdout.decode(errors="replace")
    if ended.returncode != 0:
        raise BoxError(
            f"{argv[0]} ended with status {ended.returncode}",
            where=f"practice box, {step}",
            why="\n".join(output.strip().splitlines()[-_LINES_SHOWN:]),
            next_step=next_step,
        )
    return output
