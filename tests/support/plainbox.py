"""A box that is a root folder with busybox and no more, behind a real sshd.

A login runs the command in that root, by chroot, with nothing of this machine but the
kernel.  It needs root.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modferry.fleet.inventory import Box, resolve
from support.sshd import Server, make_key, needed, sshd

FOLDERS = (
    "bin",
    "dev",
    "etc",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "var",
    "lib/modules",
)

ENTER = """\
#!/bin/sh
echo $$ >{folder}/last
exec env -i PATH=/bin {root_shell}
"""


@dataclass(frozen=True)
class PlainBox:
    """A root folder and the server that leads to it.

    root: the folder that is the box's root.  box: how modferry knows it.
    """

    root: Path
    box: Box
    server: Server
    folder: Path

    def shell(self, command: str) -> str:
        """Return what a command prints in the box, by no code under test."""
        return subprocess.run(
            [needed("chroot"), self.root, "/bin/sh", "-c", command],
            check=True, capture_output=True, text=True, env={"PATH": "/bin"},
        ).stdout  # fmt: skip

    def end_login(self) -> None:
        """Kill the last login's sshd session, as a cut cable does, only at once."""
        pid = int((self.folder / "last").read_text())
        status = Path(f"/proc/{pid}/status").read_text()
        parent = re.search(r"^PPid:\t(\d+)", status, re.MULTILINE)
        assert parent
        os.kill(int(parent[1]), 9)


def make_root(root: Path, without: Sequence[str] = ()) -> Path:
    """Make a root folder with busybox under all of its names but some."""
    busybox = Path(needed("busybox"))
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, root / "bin" / "busybox")
    told = subprocess.run(["ldd", busybox], capture_output=True, text=True).stdout
    for library in re.findall(r"(/\S+) \(0x", told):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    names = subprocess.run(
        [busybox, "--list"], check=True, capture_output=True, text=True
    ).stdout.split()
    for name in set(names) - {"busybox", *without}:
        (root / "bin" / name).symlink_to("busybox")
    return root


@contextmanager
def plain_box(
    root: Path, folder: Path, *, shell: str = "/bin/sh", name: str = "plain"
) -> Iterator[PlainBox]:
    """Run the sshd of a box whose root folder is there; its files stay."""
    if os.geteuid() != 0:
        pytest.skip("chroot, and the devices in it, need root")
    folder.mkdir(parents=True, exist_ok=True)
    with _devices(root):
        key = make_key(folder, "ed25519")
        enter = folder / "enter"
        chroot = f'{needed("chroot")} {root} {shell} -c "$SSH_ORIGINAL_COMMAND"'
        enter.write_text(ENTER.format(folder=folder, root_shell=chroot))
        enter.chmod(0o755)
        with sshd(folder / "sshd", [key], lines=[f"ForceCommand {enter}"]) as server:
            known = server.known_hosts(folder / "known_hosts")
            address = (
                f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}"
                f"?known_hosts={known}&identity={key}"
            )
            box = replace(resolve(address), name=name)
            yield PlainBox(root, box, server, folder)


@contextmanager
def _devices(root: Path) -> Iterator[None]:
    mounts = {"proc": ["-t", "proc", "proc"], "sys": ["-t", "sysfs", "sys"]}
    for device, minor in (("null", 3), ("zero", 5)):
        path = root / "dev" / device
        if not path.exists():
            os.mknod(path, 0o020666, os.makedev(1, minor))
    done = []
    try:
        for place, words in mounts.items():
            ran = subprocess.run(["mount", *words, root / place], capture_output=True)
            if not ran.returncode:
                done.append(root / place)
        yield
    finally:
        for path in done:
            subprocess.run(["umount", "-l", path], check=True)
