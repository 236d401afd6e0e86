"""What every answer is made with: the box's shell, and what is kept here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from modferry.core import events
from modferry.shellside.contents import Contents
from modferry.shellside.gather import Gathered, Gatherer
from modferry.shellside.kernel import BoxKernel, BoxLoader
from modferry.shellside.mirror import NOWHERE, Mirror, mirror_of
from modferry.shellside.outside import BINARY, TEXT, Outside
from modferry.shellside.talk import Shell
from modferry_agent.core.names import is_module_file
from modferry_agent.jobs.probing import tree_of
from modferry_agent.system import fingerprints
from modferry_agent.system.configfiles import DIRECTORIES


@dataclass(frozen=True, slots=True)
class Work:
    """One box's.

    uname: sysname, hostname, release, kernel_version, machine.
    """

    shell: Shell
    contents: Contents
    sink: events.EventSink
    uname: Mapping[str, str]

    @property
    def release(self) -> str:
        """Return the release of the box's kernel."""
        return self.uname["release"]

    def gatherer(self) -> Gatherer:
        """Return what gathers files of the box."""
        return Gatherer(self.shell, self.contents, self.sink)

    def kernel(self, mirror: Mirror | None = None) -> BoxKernel:
        """Return the box's kernel; its other files are the mirror's."""
        root = NOWHERE if mirror is None else mirror.root
        return BoxKernel(self.shell, self.uname, root)

    def loader(self, gathered: Gathered | None = None) -> BoxLoader:
        """Return the box's insmod, which knows the files that were gathered."""
        sums = {} if gathered is None else gathered.sums
        known = {sha256: path for path, sha256 in sums.items()}
        return BoxLoader(self.shell, known)

    @contextmanager
    def looked_up(
        self, basedir: str, *, modules: bool, files: tuple[str, ...] = ()
    ) -> Iterator[Looked]:
        """Yield a mirror of what a name is looked up in, and of the tree's names.

        modules: with the contents of all modules.  files: further ones.
        """
        tree = tree_of(basedir, self.release)
        record = fingerprints.path_of(basedir, self.release)
        gatherer = self.gatherer()

        def wanted(path: str) -> bool:
            return modules or not _is_module(path)

        tops = [tree, *config_directories("modprobe.d")]
        found = gatherer.gather(tops, [record, *files], wanted)
        gatherer.complete(found, files)
        places = [gatherer.resolve(f"{tree}/{name}") for name in (TEXT, BINARY)]
        sums = [found.sums.get(place or "", "") for place in places]
        outside = Outside(*(self.contents.read(each) or b"" for each in sums))
        if outside.paths:
            gatherer.gather([], outside.paths, wanted, found)
        with mirror_of(found, self.contents) as mirror:
            outside.place(mirror, tree)
            _place_record(mirror, record)
            yield Looked(mirror, found, gatherer, mirror.root + basedir)


@dataclass(frozen=True, slots=True)
class Looked:
    """A mirror, what is in it, and what can get more.

    basedir: of the tree in it.
    """

    mirror: Mirror
    found: Gathered
    gatherer: Gatherer
    basedir: str

    def on_box(self, tree: str, path: str) -> str:
        """Return where on the box a module is, by its path in the mirror's indexes."""
        root = self.mirror.root + "/"
        return path[len(root) - 1 :] if path.startswith(root) else f"{tree}/{path}"

    def fill(self, paths: list[str]) -> None:
        """Get the contents of these files, by their paths on the box."""
        self.mirror.fill(self.found, self.gatherer.complete(self.found, paths))


def config_directories(kind: str) -> list[str]:
    """Return the directories of ``depmod.d`` or ``modprobe.d``."""
    return [f"{directory}/{kind}" for directory in DIRECTORIES]


def _is_module(path: str) -> bool:
    return is_module_file(path.rpartition("/")[2])


# A path in the record may be a whole one, which is elsewhere in the mirror.
def _place_record(mirror: Mirror, record: str) -> None:
    text = mirror.read(record)
    if text is None:
        return
    lines = [line.split(b"  ", 2) for line in text.split(b"\n")]
    root = mirror.raw("")
    for fields in lines:
        if fields[-1].startswith(b"/"):
            fields[-1] = root + fields[-1]
    mirror.write(record, b"\n".join(b"  ".join(fields) for fields in lines))
