"""Indexes of boxes without Python, behind a real sshd: computed on the host."""

from __future__ import annotations

import ast
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from modferry.errors import ReplyError, TransportError
from modferry.shellside import indexing
from support import rootfs
from support.plainbox import make_root, plain_box
from support.plaintree import (
    RELEASE,
    TREE,
    by_agent,
    plant,
    remove_written,
    session_on,
    written,
)
from support.sshd import needed

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
]

OPTIONAL = ("stat", "head", "gzip", "sha256sum", "sha1sum", "readlink", "flock", "df")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODFERRY_SENT", str(tmp_path / "cache" / "sent"))
    monkeypatch.setattr(indexing, "TREES", indexing.Trees())


@pytest.mark.parametrize("shell", ["busybox", "dash"])
@pytest.mark.parametrize("without", [(), OPTIONAL], ids=["all tools", "few tools"])
def test_indexes_are_the_agents_to_the_byte(tmp_path, shell, without):
    root = make_root(tmp_path / "root", without)
    if shell == "dash":
        (root / "bin/sh").unlink()
        (root / "bin/sh").write_bytes(Path(needed("dash")).read_bytes())
        (root / "bin/sh").chmod(0o755)
    tree = plant(root)

    with plain_box(root, tmp_path / "ssh") as box:
        with session_on(box) as session:
            got = session.request("depmod", release=RELEASE, differences=True)
            again = session.request("depmod", release=RELEASE)
            found = written(root)

    remove_written(root)
    expected = by_agent(root, differences=True)

    assert found == written(root)
    for answer in (got, expected):
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert got == expected
    assert again["changed"] == []
    assert not (tree / ".modferry").exists()
    assert list((root / "tmp").iterdir()) == []


EXTERNAL = """\
external * /no/such/folder
external 9.9 /etc
external .* /opt/link
external * //opt/
external * srv
external * /opt/a-file
search external built-in
"""


def test_modules_outside_of_the_tree_are_indexed_and_looked_at(tmp_path):
    root = make_root(tmp_path / "root")
    tree = plant(root)
    beyond = root / "opt/it's own"
    for folder in (beyond / "deep", root / "srv", root / "opt/build"):
        folder.mkdir(parents=True)
    for name in ("rtai_sem", "rtai_sched"):
        (tree / f"rtai/{name}.ko").rename(beyond / f"deep/{name}.ko")
    mailbox = (tree / "rtai/rtai_mbx.ko").read_bytes()
    for place in (beyond / "rtai_mbx.ko", root / "srv/other.ko"):
        place.write_bytes(mailbox)
    # Neither is a module, nor is what is below a folder of that name looked at.
    (root / "opt/firmware.bin").write_bytes(os.urandom(300_000))
    (root / "opt/build/third.ko").write_bytes(mailbox)
    (root / "opt/a-file").write_text("")
    (root / "opt/link").symlink_to("it's own/deep")
    (root / "etc/depmod.d/own.conf").write_text(EXTERNAL)

    with plain_box(root, tmp_path / "ssh") as box, session_on(box) as session:
        got = session.request("depmod", release=RELEASE)
        found = written(root)
        told = session.request("explain", module="rtai_mbx", release=RELEASE)

    remove_written(root)
    expected = by_agent(root)

    assert b"/opt/link/rtai_sem.ko:" in found["modules.dep"]
    assert b"\nsrv/other.ko:" in found["modules.dep"]
    assert b"third" not in found["modules.dep"]
    assert found == written(root)
    for answer in (got, expected):
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert got == expected
    assert "/opt/" in str(told)
    assert "mirror-" not in str(told)
    kept = sum(each.stat().st_size for each in (tmp_path / "cache/files").iterdir())
    assert kept < 100_000


@pytest.mark.slow
def test_a_whole_kernels_indexes_are_the_agents(tmp_path):
    root = make_root(Path(f"{rootfs.cache_directory()}/plain-{os.getpid()}"))
    try:
        release = rootfs.linked_copy(rootfs.debian_kernel(), root).name
        with plain_box(root, tmp_path / "ssh") as box:
            with session_on(box) as session:
                got = session.request("depmod", release=release)
        found = written(root, release)
        remove_written(root, release)

        expected = by_agent(root, release)

        assert got == expected
        assert got["modules"] > 4000
        assert found == written(root, release)
    finally:
        rootfs.remove_tree(root)


def received(trace: Path) -> int:
    """Return how many bytes came from the box, by the record of the wire."""
    lines = (line.split(None, 2) for line in trace.read_text().splitlines())
    return sum(len(ast.literal_eval(octets)) for _, way, octets in lines if way == "<")


def test_of_equal_trees_one_is_read(tmp_path):
    sizes, sets = [], []
    for number in range(2):
        root = make_root(tmp_path / f"root{number}")
        tree = plant(root)
        for extra in range(30):
            # No compression makes them small, and no parser takes them for modules.
            name = tree / f"kernel/random{extra}.ko"
            name.write_bytes(bytes(os.urandom(20_000)) if not number else
                             (tmp_path / f"root0/{TREE}/kernel/random{extra}.ko")
                             .read_bytes())  # fmt: skip
        trace = tmp_path / f"trace{number}"
        with plain_box(root, tmp_path / f"ssh{number}") as box:
            with session_on(box, trace=trace) as session:
                session.request("depmod", release=RELEASE)
        sizes.append(received(trace))
        sets.append(written(root))

    assert sets[0] == sets[1]
    assert sizes[0] > 30 * 20_000
    assert sizes[1] < 20_000


def test_of_boxes_at_work_at_once_one_is_read(tmp_path):
    # All begin before one has ended: with one tree, and a cache that is empty.
    roots = [make_root(tmp_path / f"root{number}") for number in range(4)]
    content = [os.urandom(200_000) for _ in range(10)]
    traces = [tmp_path / f"trace{number}" for number in range(4)]
    for root in roots:
        tree = plant(root)
        for number, octets in enumerate(content):
            (tree / f"kernel/random{number}.ko").write_bytes(octets)

    def work(number: int) -> None:
        with plain_box(roots[number], tmp_path / f"ssh{number}") as box:
            barrier.wait(60)
            with session_on(box, trace=traces[number]) as session:
                session.request("depmod", release=RELEASE)

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    once = sum(map(len, content))
    assert once < sum(map(received, traces)) < 1.5 * once
    sets = [written(root) for root in roots]
    assert all(each == sets[0] for each in sets)


@contextmanager
def started(thread: threading.Thread) -> Iterator[None]:
    thread.start()
    yield


def test_a_link_cut_while_the_set_is_sent_leaves_the_old_one(tmp_path):
    root = make_root(tmp_path / "root")
    tree = plant(root)
    by_agent(root)
    before = rootfs.index_files(tree)
    (tree / "rtai/rtai_new.ko").write_bytes((tree / "rtai/rtai_sem.ko").read_bytes())

    with plain_box(root, tmp_path / "ssh") as box:
        hidden = tree / ".modferry/new"

        def cut() -> None:
            deadline = time.monotonic() + 60
            while not list(hidden.glob("modules.*")) and time.monotonic() < deadline:
                time.sleep(0.001)
            box.end_login()

        watcher = threading.Thread(target=cut, daemon=True)
        with pytest.raises(TransportError):
            with session_on(box) as session, started(watcher):
                session.request("depmod", release=RELEASE)
        watcher.join()
        assert rootfs.index_files(tree) == before
        assert list((root / "tmp").iterdir()) == []

        with session_on(box) as session:
            session.request("depmod", release=RELEASE)

    found = written(root)
    remove_written(root)
    by_agent(root)
    assert found == written(root)
    assert not (tree / ".modferry").exists()


def test_what_the_kernel_exports_is_read_on_the_box(tmp_path):
    root = make_root(tmp_path / "root")
    plant(root)
    (root / "boot").mkdir()
    (root / "boot/System.map").write_text("x\n00 T __ksymtab_printk\n")
    words = {"filesyms": "/boot/System.map", "errsyms": True}

    with plain_box(root, tmp_path / "ssh") as box, session_on(box) as session:
        got = session.request("depmod", release=RELEASE, dry_run=True, **words)
        with pytest.raises(ReplyError) as caught:
            session.request("depmod", release=RELEASE, filesyms="/boot/none")
        session.request("depmod", release=RELEASE)
    remove_written(root)
    expected = by_agent(root, dry_run=True, **words)

    for answer in (got, expected):
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert got == expected
    assert any("unknown symbol" in each["reason"] for each in got["warnings"])
    assert caught.value.where == "plain, /boot/none"
