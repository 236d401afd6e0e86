"""All index files of a Debian kernel, compared with kmod's to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.core import trie
from modferry_agent.jobs import indexes
from support import rootfs
from support.kmods import Depmod


@pytest.fixture(scope="module")
def kernel_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # On the file system of the cache, so that hard links do for a copy.
    source = rootfs.debian_kernel()
    root = source.parent / f".tree-{tmp_path_factory.getbasetemp().name}"
    try:
        yield rootfs.linked_copy(source, root)
    finally:
        rootfs.remove_tree(root)


def test_every_file_of_a_debian_kernel_is_kmods(kernel_tree: Path, depmod: Depmod):
    root = kernel_tree.parents[2]
    rootfs.remove_indexes(kernel_tree)
    assert depmod.run(root, kernel_tree.name).returncode == 0
    expected = rootfs.index_files(kernel_tree)
    rootfs.remove_indexes(kernel_tree)

    reply = indexes.write_indexes(
        kernel_tree.name, str(root), like=depmod.release, fingerprints=False
    )

    got = rootfs.index_files(kernel_tree)
    assert sorted(got) == sorted(expected)
    assert [name for name in expected if got[name] != expected[name]] == []
    assert sorted(reply["changed"]) == sorted(expected)
    assert reply["warnings"] == []


def test_kmods_own_index_reads_as_the_text_file_says(kernel_tree: Path, depmod: Depmod):
    root = kernel_tree.parents[2]
    assert depmod.run(root, kernel_tree.name).returncode == 0

    index = trie.Index((kernel_tree / "modules.dep.bin").read_bytes())

    lines = (kernel_tree / "modules.dep").read_text().splitlines()
    assert sorted(value for _key, _priority, value in index.items()) == sorted(lines)
    assert index.lookup("ext4")[0].startswith("kernel/fs/ext4/ext4.ko:")
    assert index.lookup("no_such_module") == []
