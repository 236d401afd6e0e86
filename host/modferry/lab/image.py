"""The image of the practice box: a kernel and an initial RAM file system, built once.

::

    <directory>/
      downloads/{userland,kernel,modules}/              caches
      vmlinuz  initrd  release  modules/*.ko            what is booted, what is pushed
      password  id_ed25519  host_{ed25519,rsa}  *.pub   the logins
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modferry.core.events import EventSink, State, ignore
from modferry.errors import UsageError
from modferry.lab import cpio, debian, programs, rtai, tree
from modferry.lab.kernel import Kernel, fetch, find_release

HOST_KEYS = ("ed25519", "rsa")
_ROOTFS = Path(__file__).parent / "rootfs"

# File of rootfs/ -> where it goes on the box, its permissions.
_PLACES = {
    "inittab": ("etc/inittab", 0o644),
    "boot": ("etc/practice/boot", 0o755),
    "getty": ("etc/practice/getty", 0o755),
    "sshd_config": ("etc/ssh/sshd_config", 0o644),
}


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the practice box, or the place for one.

    directory: of this file's form; made when the image is built.
    """

    directory: Path

    @property
    def kernel(self) -> Path:
        """Return the kernel to boot."""
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Return the initial RAM file system: the whole userland."""
        return self.directory / "initrd"

    @property
    def modules(self) -> Path:
        """Return the directory of all practice modules, as built."""
        return self.directory / "modules"

    @property
    def password_file(self) -> Path:
        """Return the file that holds the password of root and of the engineer."""
        return self.directory / "password"

    @property
    def ssh_key(self) -> Path:
        """Return root's SSH key."""
        return self.directory / "id_ed25519"

    @property
    def release(self) -> str:
        """Return the kernel's release; raise UsageError if nothing is built."""
        try:
            return (self.directory / "release").read_text().strip()
        except FileNotFoundError as error:
            raise UsageError(
                "the practice box is not built",
                where=str(self.directory),
                next_step="modferry lab up",
            ) from error

    @property
    def is_built(self) -> bool:
        """Say whether there is an image to boot."""
        return (self.directory / "release").exists()

    def host_keys(self) -> list[str]:
        """Return the public keys of the box's sshd, as known_hosts has them."""
        paths = (self.directory / f"host_{kind}.pub" for kind in HOST_KEYS)
        return [" ".join(path.read_text().split()[:2]) for path in paths]

    def build(self, events: EventSink = ignore) -> None:
        """Build what is not built yet or has changed; only one process does so.

        Raises UsageError for a program or package that is missing, BoxError when a
        step of the build ends badly. The old image stays until the new one is whole.
        """
        programs.require()
        release = find_release()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.directory / "lock"):
            self._make_keys()
            downloads = self.directory / "downloads"
            chosen = fetch(release, downloads / "kernel", events)
            built = rtai.build(chosen, downloads / "modules", events=events)
            userland = debian.build_userland(
                debian.read_sources(),
                self.password_file.read_text().strip(),
                downloads / "userland",
                events,
            )
            self._assemble(chosen, built, userland, events)

    def _make_keys(self) -> None:
        if not self.password_file.exists():
            with os.fdopen(
                os.open(self.password_file, os.O_CREAT | os.O_WRONLY, 0o600), "w"
            ) as stream:
                stream.write(secrets.token_hex(6) + "\n")
        for name, kind in (
            ("id_ed25519", "ed25519"),
            *((f"host_{kind}", kind) for kind in HOST_KEYS),
        ):
            if not (self.directory / f"{name}.pub").exists():
                programs.run(
                    [
                        "ssh-keygen",
                        "-q",
                        "-t",
                        kind,
                        "-N",
                        "",
                        "-C",
                        "practice box",
                        "-f",
                        self.directory / name,
                    ],
                    step="SSH keys",
                )

    def _assemble(
        self, chosen: Kernel, built: Path, userland: Path, events: EventSink
    ) -> None:
        overlay = list(self._overlay())
        digest = hashlib.sha256(
            repr((chosen.release, built.name, userland.name)).encode()
        )
        for source in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(source.read_bytes())
        digest.update(repr(overlay).encode())
        stamp = self.directory / "stamp"
        if self.is_built and stamp.exists() and stamp.read_text() == digest.hexdigest():
            return
        events(State("putting the image together"))
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch_name:
            scratch = Path(scratch_name)
            tree.compose(scratch / "root", chosen, built)
            with (scratch / "initrd").open("wb") as stream:
                with userland.open("rb") as base:
                    shutil.copyfileobj(base, stream)
                writer = cpio.Writer(stream)
                for member in (*tree.members(scratch / "root"), *overlay):
                    writer.add_with_parents(member)
                writer.finish()
            stamp.unlink(missing_ok=True)
            (scratch / "initrd").rename(self.initrd)
        shutil.copy(chosen.image, self.kernel)
        shutil.rmtree(self.modules, ignore_errors=True)
        shutil.copytree(built, self.modules)
        (self.directory / "release").write_text(chosen.release + "\n")
        stamp.write_text(digest.hexdigest())

    def _overlay(self) -> Iterator[cpio.Member]:
        for name, (place, permissions) in _PLACES.items():
            yield cpio.file(place, (_ROOTFS / name).read_bytes(), permissions)
        for kind in HOST_KEYS:
            key = self.directory / f"host_{kind}"
            yield cpio.file(f"etc/ssh/ssh_host_{kind}_key", key.read_bytes(), 0o600)
        public = self.ssh_key.with_suffix(".pub").read_bytes()
        yield cpio.directory("root", 0o700)
        yield cpio.directory("root/.ssh", 0o700)
        yield cpio.file("root/.ssh/authorized_keys", public, 0o600)
        yield cpio.file("etc/hostname", b"practice\n")
        yield cpio.file("etc/hosts", b"127.0.0.1 localhost practice\n")
        # Without network, a name is looked for until sudo's patience ends.
        yield cpio.file("etc/resolv.conf", b"nameserver 127.0.0.1\n")
        yield cpio.link("usr/sbin/init", "../bin/busybox")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
