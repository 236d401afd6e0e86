"""All index files of Debian's kernels, compared with kmod's to the byte.

amd64 is the machine's own; i386, armhf and s390x (big-endian) are unpacked only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry_agent.core import elf, trie
from modferry_agent.jobs import indexes
from support import foreignkernels, rootfs
from support.kmods import Depmod

KINDS: dict[str, foreignkernels.Machine | None] = {
    "amd64": None,
    **{machine.architecture: machine for machine in foreignkernels.MACHINES},
}


@pytest.fixture(scope="module", params=KINDS)
def kernel_tree(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    machine = KINDS[request.param]
    if machine is None:
        source = rootfs.debian_kernel()
    else:
        source = foreignkernels.foreign_kernel(machine)
    # On the file system of the cache, so that hard links do for a copy.
    base = tmp_path_factory.getbasetemp().name
    root = source.parent / f".tree-{request.param}-{base}"
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
    assert len(reply["conflicts"]) == 0


def test_the_kernels_are_of_the_kinds_that_they_stand_for():
    for machine in foreignkernels.MACHINES:
        folder = foreignkernels.foreign_kernel(machine) / "lib" / "modules"
        file = elf.Elf(min(folder.rglob("*.ko")).read_bytes())

        mark = "<" if machine.byte_order == "little" else ">"
        assert (file.bits, file.byte_order) == (machine.bits, mark)


def test_kmods_own_index_reads_as_the_text_file_says(kernel_tree: Path, depmod: Depmod):
    root = kernel_tree.parents[2]
    assert depmod.run(root, kernel_tree.name).returncode == 0

    index = trie.Index((kernel_tree / "modules.dep.bin").read_bytes())

    lines = (kernel_tree / "modules.dep").read_text().splitlines()
    assert sorted(value for _key, _priority, value in index.items()) == sorted(lines)
    assert index.lookup("ext4")[0].startswith("kernel/fs/ext4/ext4.ko:")
    assert index.lookup("no_such_module") == []
