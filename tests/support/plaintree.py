"""Module trees of a box without Python, and what the agent makes of them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modferry.session import Session
from support import rootfs
from support.plainbox import PlainBox

RELEASE = rootfs.RELEASE
TREE = f"lib/modules/{RELEASE}"


def plant(root: Path) -> Path:
    """Give a root RTAI's modules: links beside, outside, in circles, to nowhere."""
    tree = rootfs.make_tree(
        root,
        {**rootfs.rtai_files(), "kernel/odd name.ko": b"no module at all"},
        links=rootfs.rtai_links(),
        order=["rtai/rtai_sched.ko"],
    )
    outside = root / "usr/realtime/modules"
    outside.mkdir(parents=True)
    (tree / "rtai/rtai_hal.ko").rename(outside / "rtai_hal.ko")
    (tree / "rtai/rtai_hal.ko").symlink_to("/usr/realtime/modules/rtai_hal.ko")
    (tree / "again").symlink_to("../../../usr/realtime")
    (tree / "up").symlink_to("rtai/..")
    (tree / "nowhere.ko").symlink_to("/no/such/file.ko")
    (tree / "circle.ko").symlink_to("circle.ko")
    (tree / "build").symlink_to("/")
    os.link(tree / "rtai/rtai_sem.ko", tree / "rtai/sem_again.ko")
    os.mkfifo(tree / "fifo.ko")
    (root / "etc/depmod.d").mkdir()
    (root / "etc/depmod.d/own.conf").write_text("exclude rtai_malloc.ko\nbad line\n")
    return tree


def by_agent(root: Path, release: str = RELEASE, **options) -> dict:
    """Write the indexes by the agent, in that root; return its answer."""
    code = f"""if 1:
        import os, hashlib, lzma, marshal, re, threading
        from modferry_agent.core import kernelsymbols
        from modferry_agent.jobs import indexes
        from modferry_agent.system import durable, factcache, fingerprints
        os.chroot({str(root)!r})
        os.chdir("/")
        print(indexes.write_indexes({release!r}, **{options!r}))
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def written(root: Path, release: str = RELEASE) -> dict[str, bytes]:
    """Return the indexes and the record of fingerprints."""
    record = root / f"var/lib/modferry/{release}.sha256"
    found = rootfs.index_files(root / "lib/modules" / release)
    return {**found, "record": record.read_bytes()}


def remove_written(root: Path, release: str = RELEASE) -> None:
    rootfs.remove_indexes(root / "lib/modules" / release)
    (root / f"var/lib/modferry/{release}.sha256").unlink()


@contextmanager
def session_on(box: PlainBox, **options) -> Iterator[Session]:
    with Session.open(box.box, **options) as session:
        assert session.greeting["python"] is None
        yield session
