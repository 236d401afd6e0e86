"""A root directory for repairs: what they change is its own, all else the box's.

::

    ROOT/box                 the root of the box it is on, mounted while one is inside
    ROOT/usr/bin, ...        links to the same below /box
    ROOT/usr/lib/modules, /etc/modprobe.d, /sbin, /var/lib/dpkg, ...    its own

So a repair runs as it does on a box, by the same paths and with the same programs, and
each site can lie on a disk of its own.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18

_MOUNTED = ("box", "dev", "proc", "sys")
_PASSING = (*_MOUNTED, "run", "tmp")
_RUNLEVELS = tuple(f"etc/rc{level}.d" for level in "0123456S")

# Directory -> what is in it and is no link to the box's.
_FARMS = {
    "usr": ("lib", "sbin", "realtime"),
    "usr/lib": ("modules", "modferry", "systemd"),
    "etc": (
        *("depmod.d", "dpkg", "init.d", "modprobe.d", "modules", "systemd"),
        *(path.removeprefix("etc/") for path in _RUNLEVELS),
    ),
}
_EMPTY = (
    *("etc/dpkg/dpkg.cfg.d", "etc/init.d", "etc/modprobe.d", "etc/systemd/system"),
    *("usr/lib/modules", "usr/lib/systemd/system", "var/cache", "var/lib", "var/tmp"),
    *_RUNLEVELS,
)

# dpkg keeps its last file beside the new one, and says nothing of times.
Digest = dict[str, tuple[object, ...]]
_DPKG = "var/lib/dpkg"
_DPKG_LEFT = ("diversions-old", "diversions-new")


def build(root: Path) -> None:
    """Make a site with no module tree yet of the box this runs on."""
    for name in (*_PASSING, *_FARMS, *_EMPTY):
        (root / name).mkdir(parents=True, exist_ok=True)
    for path in Path("/").iterdir():
        if path.is_symlink():
            (root / path.name).symlink_to(path.readlink())
    assert (root / "sbin").is_symlink(), "a box whose /sbin is not /usr/sbin"
    for place, own in _FARMS.items():
        for path in Path("/", place).iterdir():
            if path.name not in own:
                (root / place / path.name).symlink_to(f"/box/{place}/{path.name}")
    (root / "usr/sbin").mkdir()
    for path in Path("/usr/sbin").iterdir():
        target = path.readlink() if path.is_symlink() else f"/box{path}"
        (root / "usr/sbin" / path.name).symlink_to(target)
    _copy_dpkg(root / _DPKG)


def _copy_dpkg(place: Path) -> None:
    for name in ("info", "parts", "triggers", "updates"):
        (place / name).mkdir(parents=True)
    for name in ("arch", "diversions", "status", "info/format", "info/kmod.list"):
        if Path("/", _DPKG, name).exists():
            shutil.copy2(Path("/", _DPKG, name), place / name)


def copy(site: Path, other: Path) -> None:
    """Make another site like one that is there, hard links included."""
    subprocess.run(["rm", "-rf", other], check=True)
    subprocess.run(["cp", "-a", site, other], check=True)


def enter(root: Path) -> None:
    """Make a site the root directory of this process, which never leaves it again."""
    library = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> None:
        if getattr(library, name)(*arguments):
            raise OSError(ctypes.get_errno(), name, str(root))

    call("unshare", _CLONE_NEWNS)
    call("mount", b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
    flags = ctypes.c_ulong(_MS_BIND | _MS_REC)
    for name in _MOUNTED:
        source = b"/" if name == "box" else os.fsencode(f"/{name}")
        call("mount", source, os.fsencode(root / name), None, flags, None)
    # What Python has still to load of itself lies below /box now.
    sys.path[:] = [f"/box{Path(path).resolve()}" for path in sys.path]
    os.chroot(root)
    os.chdir("/")


def inside(root: Path, work: Callable[[], object]) -> object:
    """Return what a function returns in a site, from a process of its own.

    None: that process ended before the function did.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            enter(root)
            answer = json.dumps(work())
            with os.fdopen(writing, "w") as stream:
                stream.write(answer)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - told, and the process ends
            print(type(error).__name__, error, file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as stream:
        answer = stream.read()
    os.waitpid(pid, 0)
    return json.loads(answer) if answer else None


def digest(root: Path, *, without: tuple[str, ...] = ()) -> Digest:
    """Return path -> all that there is to a file, link or directory of a site.

    without: beginnings of paths that do not count
    """
    found: Digest = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.split("/", 1)[0] in _PASSING or name.startswith(without):
            continue
        if name in {f"{_DPKG}/{left}" for left in _DPKG_LEFT}:
            continue
        status = path.lstat()
        facts: list[object] = [oct(status.st_mode), status.st_uid, status.st_gid]
        if stat.S_ISLNK(status.st_mode):
            facts.append(str(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            facts.append(hashlib.sha256(path.read_bytes()).hexdigest())
            if not name.startswith(_DPKG):
                facts.append(status.st_mtime_ns)
        found[name] = tuple(facts)
    return found


def difference(before: Digest, after: Digest) -> list[str]:
    """Return a line for each path that is not what it was."""
    return [
        f"{name}: {before.get(name)} -> {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
