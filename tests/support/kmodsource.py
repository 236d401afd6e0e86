"""kmod's own tests: its source by apt, built here; its tools give way to ours.

Its tests run the tools of the build folder with libraries of their own before the C
library's.  One of them moves paths below a root folder, but only for the calls that
kmod makes: ``kmodpaths.c`` adds those that Python makes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from modferry.lab import kernel
from modferry_agent.jobs.install import NAMES
from support import debian, ourtools, rootfs

PROGRAMS = ("depmod", "modprobe", "modinfo", "weakdep")
_SUITE = "trixie"
_PATHS = Path(__file__).with_name("kmodpaths.c")
_PYTHON = Path("/usr/bin/python3")
_OPTIONS = ("build-tests=true", "manpages=false", "docs=false")


def _tarball() -> Path:
    cache = rootfs.cache_directory() / f"source-{_SUITE}"
    if not sorted(cache.glob("kmod_*.orig.tar.*")):
        environment = debian.private_apt(cache / "apt", _SUITE, kind="deb-src")
        # A mirror may lack the description, which is not needed.
        for words in ("update", "source --download-only kmod"):
            command = ["apt-get", "-q", *words.split()]
            subprocess.run(command, env=environment, cwd=cache, check=False)
    return max(cache.glob("kmod_*.orig.tar.*"))


class KmodSource:
    """kmod's source, built with its tests in a folder of its own.

    build: the folder of its tools and tests
    """

    def __init__(self, folder: Path) -> None:
        """Unpack and build it; skip where the programs for that are missing."""
        for program in ("apt-get", "meson", "ninja", "gcc"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        folder.mkdir()
        unpack = ["tar", "-xf", _tarball(), "--strip-components=1", "-C", folder]
        subprocess.run(unpack, check=True)
        with (folder / "testsuite" / "path.c").open("a") as stream:
            stream.write(_PATHS.read_text())
        self.build = folder / "build"
        headers = Path("/lib/modules") / kernel.find_release() / "build"
        self._environment = {**os.environ, "KDIR": str(headers)}
        options = [f"-D{option}" for option in _OPTIONS]
        self._run("meson", "setup", *options, str(self.build), str(folder))
        self._run("ninja", "-C", str(self.build))

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]

    def put_ours(self) -> None:
        """Put the agent's commands in the place of kmod's.

        Only paths below the build folder are not moved, so Python is there, too.
        """
        python = self.build / "python" / "bin" / "python3"
        python.parent.mkdir(parents=True)
        real = _PYTHON.resolve()
        shutil.copy(real, python)
        libraries = self.build / "python" / "lib"
        libraries.mkdir()
        (libraries / real.name).symlink_to(f"/usr/lib/{real.name}")
        ours = ourtools.installed(str(python), self.build / "ours")
        for name in NAMES:
            (self.build / name).unlink()
            (self.build / name).symlink_to(ours / name)

    def outcomes(self, program: str) -> dict[str, tuple[bool, str]]:
        """Return of each of a program's tests whether it passes, and what it says."""
        self._run("ninja", "-C", str(self.build), "testsuite/stamp-rootfs")
        roots = self.build / "testsuite" / "rootfs"
        for root in roots.glob(f"test-{program}/*"):
            if not root.is_dir():
                continue
            # A root that was written to is refused by the next test in it.
            for name in ("cache", "lib"):
                (root / "var" / name / "modferry").mkdir(parents=True)
        self._give_zstd(roots / "test-depmod" / "modules-order-compressed")
        os.utime(self.build / "testsuite" / "stamp-rootfs")
        path = self.build / "testsuite" / f"test-{program}"
        listed = self._said(path, "--list")[1]
        return {
            name: self._said(path, name)
            for name in re.findall(r"^\t(\w+)(?:,|$)", listed, re.MULTILINE)
        }

    def _said(self, *command: str | Path) -> tuple[bool, str]:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
        )
        return done.returncode == 0, done.stdout + done.stderr

    def _give_zstd(self, root: Path) -> None:
        """Put what a Python without zstandard opens such files with into a root."""
        (root / "dev").mkdir()
        (root / "dev" / "null").touch()
        (root / "usr" / "bin").mkdir(parents=True)
        for name in ("head", "zstd"):
            shutil.copy(shutil.which(name) or name, root / "usr" / "bin")
