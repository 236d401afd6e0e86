"""A module tree with an old index set, and one more module since."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modferry_agent.errors import AgentError
from modferry_agent.jobs import indexes
from support import elfwriter, rootfs

_FILES = {
    "a.ko": elfwriter.kernel_module("a", exports=["one"], aliases=["pci:a*"]),
    "b.ko": elfwriter.kernel_module("b", exports=["two"], imports=["one"]),
    "sub/d.ko": elfwriter.kernel_module("d", imports=["two", "three"]),
}
_ADDED = elfwriter.kernel_module(
    "c", exports=["three"], aliases=["pci:c*"], fields=[("softdep", "pre: a")]
)


@dataclass(frozen=True, slots=True)
class Site:
    """A root folder to publish in, and what it may hold.

    old, new: the index files before and after
    start: the root folder as it is before
    """

    root: Path
    start: Path
    old: dict[str, bytes]
    new: dict[str, bytes]

    @property
    def folder(self) -> Path:
        """Return the module tree."""
        return self.root / "lib" / "modules" / rootfs.RELEASE

    def restore(self) -> None:
        """Put everything back as it was."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.start, self.root, symlinks=True)

    def run(self) -> int:
        """Publish; return the exit status."""
        try:
            indexes.write_indexes(rootfs.RELEASE, str(self.root))
        except AgentError:
            return 1
        return 0

    def state(self) -> str:
        """Return what a reader finds: ``old``, ``new``, or what is wrong."""
        if not all((self.folder / name).is_file() for name in self.old):
            return "lost"
        found = rootfs.index_files(self.folder)
        if found == self.old:
            return "old"
        if found == self.new:
            return "new"
        return "mixed: " + ", ".join(
            name
            for name in sorted(self.new)
            if found.get(name) not in (self.old.get(name), self.new[name])
        )

    def listing(self) -> list[str]:
        """Return every name below the root."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Return a folder, in memory where it can be: a disk makes each case wait."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def site(scratch: Path) -> Site:
    """Return a site; its new set differs from the old one in most files."""
    start = scratch / "start"
    folder = rootfs.make_tree(start, _FILES, links={"link.ko": "a.ko"}, order=None)
    indexes.write_indexes(rootfs.RELEASE, str(start))
    old = rootfs.index_files(folder)
    (folder / "c.ko").write_bytes(_ADDED)
    other = scratch / "other"
    shutil.copytree(start, other, symlinks=True)
    indexes.write_indexes(rootfs.RELEASE, str(other))
    new = rootfs.index_files(other / "lib" / "modules" / rootfs.RELEASE)
    assert len([name for name in new if old[name] != new[name]]) >= 5
    made = Site(scratch / "root", start, old, new)
    made.restore()
    return made
