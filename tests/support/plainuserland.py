"""A busybox userland in the practice box: a root without Python, beside its own.

The kernel, the modules and what is kept of them are the box's; none of its programs is
there.  So the same box can be asked with and without an agent.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock

import pytest

from modferry.core.profilekeys import replaced
from modferry.fleet.inventory import resolve
from modferry.lab.box import PracticeBox
from modferry.lab.ssh import ssh_argv
from modferry.session import Session
from support.plainbox import make_root
from support.practice import shell

ROOT = "/plain"
NAMING = Lock()
"""One thread at a time has the environment."""

NO_CONNECTION = 255
"""Of ssh: any status below is the command's."""

SHARED = {
    "/proc": "/proc",
    "/sys": "/sys",
    "/dev": "/dev",
    "/var": "/var",
    "/lib/modules": "/lib/modules",
    # The module tree's own link leads there, from where the tree lies here.
    "/usr/realtime": "/realtime",
}


def send(box: PracticeBox, files: bytes) -> None:
    """Unpack a tar file in the box's root.

    A connection to a box that was just reset now and then stays without an answer:
    then another one is made.
    """
    command = ssh_argv(box, ["tar -x -o -C /"])
    command[1:1] = ["-oConnectTimeout=20", "-oServerAliveInterval=10"]
    for _ in range(3):
        done = subprocess.run(command, input=files, timeout=120)
        if done.returncode != NO_CONNECTION:
            break
    assert done.returncode == 0


def plant(
    box: PracticeBox, folder: Path, programs: Mapping[str, str] | None = None
) -> None:
    """Put the userland there.

    programs: scripts that stand in the place of busybox's own.
    """
    root = make_root(folder / "plain")
    for name, text in (programs or {}).items():
        (root / "bin" / name).unlink()
        (root / "bin" / name).write_text(text)
        (root / "bin" / name).chmod(0o755)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as parcel:
        parcel.add(root, ROOT.lstrip("/"))
    send(box, stream.getvalue())
    mounts = [
        f"mkdir -p {ROOT}{place} && mount --bind {own} {ROOT}{place}"
        for own, place in SHARED.items()
    ]
    done = shell(box, " && ".join(mounts))
    assert done.returncode == 0, done.stdout


@contextmanager
def session_on(box: PracticeBox, *, plain: bool) -> Iterator[Session]:
    """Open a session over the box's SSH: with the userland's shell, or its own."""
    with NAMING, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODFERRY_LAB", str(box.directory))
        known = resolve("practice-ssh")
    if plain:
        words = f"exec env -i PATH=/bin /usr/sbin/chroot {ROOT} /bin/sh"
        known = replace(known, profile=replaced(known.profile, {"shell": words}))
    with Session.open(known) as session:
        assert (session.greeting["python"] is None) is plain
        yield session
