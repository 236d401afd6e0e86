"""Of modules with one name the first counts: the order of a box without Python."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from modferry.shellside import indexing
from modferry.shellside.gather import Gathered
from modferry.shellside.picture import Node
from support.plainbox import make_root, plain_box
from support.plaintree import (
    RELEASE,
    by_agent,
    plant,
    remove_written,
    session_on,
    written,
)

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODFERRY_SENT", str(tmp_path / "cache" / "sent"))
    monkeypatch.setattr(indexing, "TREES", indexing.Trees())


@pytest.mark.parametrize(
    "without", [(), ("stat", "head")], ids=["all tools", "few tools"]
)
def test_of_namesakes_the_one_counts_that_the_box_lists_first(tmp_path, without):
    # A tmpfs lists what is newest first, which no other file system here does.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        root = make_root(Path(name) / "root", without)
        tree = plant(root)
        content = (tree / "rtai/rtai_mbx.ko").read_bytes()
        for folder in ("m", "z/deep", "a", "q"):
            (tree / folder).mkdir(parents=True)
            (tree / folder / "other.ko").write_bytes(content)
        (root / "usr/realtime/modules/other.ko").write_bytes(content)
        with plain_box(root, tmp_path / "ssh") as box, session_on(box) as session:
            got = session.request("depmod", release=RELEASE)
            (tree / "a").rename(root / "a")
            (tree / "a").mkdir()
            (root / "a/other.ko").rename(tree / "a/other.ko")
            changed = session.request("depmod", release=RELEASE)
            found = written(root)
        remove_written(root)
        expected = by_agent(root)
        assert found == written(root)

    for answer in (got, changed, expected):
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert changed["changed"]
    assert changed["warnings"] == expected["warnings"]


@pytest.mark.parametrize(
    ("second", "alike"),
    [("/opt/a.ko", True), ("/tree/extra/a.ko", False)],
    ids=["a link's target", "namesakes"],
)
def test_the_order_of_listing_keeps_trees_apart_where_it_matters(second, alike):
    listed = ["/tree/a.ko", "/tree/b.ko", *([second] if not alike else [])]
    node = Node(stat.S_IFREG, (1, 1))
    keys = {
        Gathered(
            {"/tree/b.ko": node, second: node},
            {"/tree/a.ko": second},
            order={path: at for at, path in enumerate(order)},
        ).key()
        for order in (listed, listed[::-1])
    }

    assert len(keys) == (1 if alike else 2)
