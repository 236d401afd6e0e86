"""The practice box's modules: Debian's, the practice RTAI, and damaged indexes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from modferry.lab import cpio, oldindexes, programs, rtai
from modferry.lab.kernel import Kernel

RTAI = Path("usr/realtime/modules")
"""Where RTAI's ``make install`` puts its modules: outside of /lib/modules."""


def compose(root: Path, kernel: Kernel, built: Path) -> None:
    """Fill an empty directory with /usr/lib/modules and /usr/realtime of the box.

    built: the directory of the practice modules.
    """
    tree = root / "usr" / "lib" / "modules" / kernel.release
    shutil.copytree(kernel.modules, tree)
    (root / RTAI).mkdir(parents=True)
    (tree / "extra").mkdir()
    for module in built.glob("*.ko"):
        if module.stem in rtai.NOT_ON_THE_BOX:
            continue
        is_rtai = module.stem.startswith("rtai_")
        shutil.copy(module, root / RTAI if is_rtai else tree / "extra")
    for name in rtai.LEGACY_LINKS:
        (root / RTAI / f"{name}.ko").symlink_to("rtai_sched.ko")
    # depmod follows a linked directory: so RTAI's place is part of the module tree.
    # The link is relative so that it holds below any root; /lib is a link to usr/lib.
    (tree / "rtai").symlink_to(os.path.relpath(root / RTAI, tree))
    (root / "lib").symlink_to("usr/lib")
    programs.run(["depmod", "-b", root, kernel.release], step="depmod of the box")
    oldindexes.write_as_kmod9(tree, ["rtai", "extra"])
    (root / "lib").unlink()


def members(root: Path) -> Iterator[cpio.Member]:
    """Yield everything below a directory as root's, sorted by path."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            yield cpio.link(name, str(path.readlink()))
        elif path.is_dir():
            yield cpio.directory(name)
        else:
            yield cpio.file(name, path.read_bytes())
