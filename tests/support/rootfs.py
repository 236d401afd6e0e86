"""Root folders with a module tree: made by hand, or unpacked from a Debian kernel."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from support import elfwriter

RELEASE = "6.1.0-test"


def make_tree(
    root: Path,
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    order: Iterable[str] | None = (),
    release: str = RELEASE,
) -> Path:
    """Write module files and links below ``root``; return the release's folder.

    order: lines of modules.order; None for no such file
    """
    folder = root / "lib" / "modules" / release
    folder.mkdir(parents=True)
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path, target in (links or {}).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    if order is not None:
        text = "".join(f"{line}\n" for line in order)
        (folder / "modules.order").write_text(text)
    (folder / "modules.builtin").write_text("kernel/fs/one-fs.ko\nkernel/two.ko\n")
    (folder / "modules.builtin.modinfo").write_bytes(
        b"one_fs.alias=fs-one\0one_fs.license=GPL\0two.alias=two-[a-b]-x\0"
    )
    return folder


def rtai_files() -> dict[str, bytes]:
    """Return small files with the names and relations of RTAI's first modules."""
    return {
        "rtai/rtai_hal.ko": elfwriter.kernel_module(
            "rtai_hal", exports=["rt_printk", "rt_request_srq"]
        ),
        "rtai/rtai_malloc.ko": elfwriter.kernel_module(
            "rtai_malloc", exports=["rtheap_alloc"], imports=["rt_printk"]
        ),
        "rtai/rtai_sched.ko": elfwriter.kernel_module(
            "rtai_sched",
            exports=["rt_schedule", "wake_up_srq"],
            imports=["rt_printk", "rtheap_alloc", "rt_request_srq"],
            aliases=["rtai-scheduler"],
            fields=[("softdep", "pre: rtai_malloc")],
        ),
        "rtai/rtai_sem.ko": elfwriter.kernel_module(
            "rtai_sem",
            exports=["rt_sem_wait"],
            imports=["rt_schedule", "rt_printk", "wake_up_srq"],
        ),
        "rtai/rtai_mbx.ko": elfwriter.kernel_module(
            "rtai_mbx", imports=["rt_sem_wait", "rt_schedule"]
        ),
    }


def rtai_links() -> dict[str, str]:
    """Return the legacy links of RTAI 4.0: with the file, six names."""
    names = ("ksched", "lxrt", "mup", "smp", "up")
    return {f"rtai/rtai_{name}.ko": "rtai_sched.ko" for name in names}


def index_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all that depmod may have written."""
    inputs = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.glob("modules.*"))
        if path.name not in inputs
    }


def remove_indexes(folder: Path) -> None:
    """Remove all that depmod writes."""
    for name in index_files(folder):
        (folder / name).unlink()


def run_depmod(
    root: Path, release: str = RELEASE, *options: str, program: str = "depmod"
) -> subprocess.CompletedProcess[str]:
    """Run the machine's depmod on a root folder."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: apt-get install kmod")
    return subprocess.run(
        [found, "-b", str(root), *options, release],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


def cache_directory() -> Path:
    """Return the folder for downloaded Debian packages, made."""
    named = os.environ.get("MODFERRY_CACHE")
    folder = Path(named) if named else Path.home() / ".cache" / "modferry"
    (folder / "debs").mkdir(parents=True, exist_ok=True)
    return folder / "debs"


def debian_kernel() -> Path:
    """Return the root folder of an unpacked Debian kernel package, from the cache.

    The package is fetched by apt when it is not there.  Skips without apt.
    """
    debs = cache_directory()
    with (debs / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = _kernel_package(debs)
        folder = debs / package.stem
        if not folder.is_dir():
            partial = debs / f".{package.stem}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            subprocess.run(["dpkg-deb", "-x", package, partial], check=True)
            partial.rename(folder)
    return folder


def _kernel_package(debs: Path) -> Path:
    here = sorted(debs.glob("linux-image-*-amd64_*.deb"))
    if here:
        return here[-1]
    if shutil.which("apt-get") is None:
        pytest.skip("no apt-get to fetch a kernel package with")
    listed = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    names = [word for word in listed if word.startswith("linux-image-6")]
    if not names:
        pytest.skip("apt knows no linux-image-amd64: apt-get update")
    subprocess.run(["apt-get", "download", names[0]], cwd=debs, check=True)
    return max(debs.glob("linux-image-*-amd64_*.deb"))


def linked_copy(source: Path, root: Path) -> Path:
    """Copy a module tree by hard links, without its indexes; return the new folder."""
    below = [source / "lib" / "modules", source / "usr" / "lib" / "modules"]
    folder = next(path for top in below if top.is_dir() for path in top.iterdir())
    copy = root / "lib" / "modules" / folder.name
    shutil.copytree(folder, copy, copy_function=os.link, symlinks=True)
    remove_indexes(copy)
    return copy


def remove_tree(root: Path) -> None:
    """Remove a root folder made by `linked_copy`."""
    shutil.rmtree(root, ignore_errors=True)
