"""The practice box's kernel: Debian's, with a choice of its modules."""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modferry.core.events import EventSink, State, ignore
from modferry.errors import UsageError
from modferry.lab import debian, programs

HEADERS = "linux-headers-amd64"
_MODULES = Path("/lib/modules")

# What the box starts with, and a fair sample of everything else that a tree can hold:
# aliases, soft dependencies, chains of dependencies, device names.
_CHOSEN = re.compile(
    r"""kernel/(?: crypto/ | drivers/virtio/ | fs/nls/
    | drivers/net/[^/]+$ | drivers/net/ethernet/intel/e1000/ | drivers/uio/
    | (?: drivers/block/loop | drivers/char/ppdev | fs/9p/9p | fs/ext4/ext4
        | fs/fuse/fuse | net/9p/9pnet_virtio | net/8021q/8021q | net/bridge/bridge
      )\.ko )
    """,
    re.VERBOSE,
)

# Files of the package that depmod reads; it writes the others.
_SHIPPED = ("modules.builtin", "modules.builtin.modinfo", "modules.order")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and its modules, ready for the box.

    release: as ``uname -r`` says it.
    image: the file to boot.
    modules: the directory that is to be /lib/modules/<release>, without indexes.
    headers: what modules for it are built against.
    """

    release: str
    image: Path
    modules: Path
    headers: Path


def find_release(modules: Path = _MODULES) -> str:
    """Return the newest release that the host has Debian's headers of.

    Raises UsageError if there is none, or the host is no x86-64.
    """
    machine = platform.machine()
    if machine != "x86_64":
        raise UsageError(
            f"no practice box for {machine}",
            where="this machine",
            why="the practice RTAI is the x86 one; its box has an x86-64 kernel",
        )
    releases = [
        path.parents[1].name
        for path in modules.glob("*-amd64/build/Module.symvers")
        if re.fullmatch(r"[0-9.+~a-z]+(?:-[0-9]+)?-amd64", path.parents[1].name)
    ]
    if not releases:
        raise UsageError(
            "no kernel headers to build modules against",
            where=str(modules),
            why=f"they come in the package {HEADERS}",
            next_step=programs.INSTALL,
        )
    return max(releases, key=_numbers)


def fetch(release: str, cache: Path, events: EventSink = ignore) -> Kernel:
    """Return the kernel of that release; download it unless the cache has it.

    cache: a directory; its kernels of other releases are removed.
    """
    directory = cache / release
    kernel = Kernel(
        release,
        directory / "vmlinuz",
        directory / "modules",
        _MODULES / release / "build",
    )
    if kernel.image.exists():
        return kernel
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch_name:
        whole = Path(scratch_name) / "package"
        debian.unpack_kernel(release, whole, events)
        # trixie's package has its modules below /usr/lib, bookworm's below /lib.
        usr = whole / "usr" / "lib" / "modules"
        base = whole / "usr" if usr.is_dir() else whole
        events(State("choosing modules"))
        programs.run(["depmod", "-b", base, release], step="depmod of Debian's modules")
        source = base / "lib" / "modules" / release
        text = (source / "modules.dep").read_text()
        chosen = Path(scratch_name) / "chosen"
        for name in (*_SHIPPED, *choose(_parse_dependencies(text))):
            target = chosen / "modules" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (source / name).rename(target)
        (whole / "boot" / f"vmlinuz-{release}").rename(chosen / "vmlinuz")
        for old in cache.iterdir():
            if old.name != Path(scratch_name).name:
                shutil.rmtree(old)
        chosen.rename(directory)
    return kernel


def choose(dependencies: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the modules that the box gets, with all they depend on, sorted.

    dependencies: as modules.dep has them, path -> paths.
    """
    chosen = {path for path in dependencies if _CHOSEN.match(path)}
    for path in sorted(chosen):
        chosen.update(dependencies[path])
    return sorted(chosen)


def _parse_dependencies(text: str) -> dict[str, list[str]]:
    lines = (line.partition(":") for line in text.splitlines())
    return {path: rest.split() for path, _, rest in lines}


def _numbers(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", release)]
