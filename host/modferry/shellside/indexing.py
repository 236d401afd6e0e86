"""depmod for a box without Python: computed here, published there."""

from __future__ import annotations

import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from modferry.shellside.gather import Gathered
from modferry.shellside.look import LIMIT_S
from modferry.shellside.mirror import Mirror, mirror_of
from modferry.shellside.publish import Publisher
from modferry.shellside.sending import send_file
from modferry.shellside.work import Work, config_directories
from modferry_agent.compat import native
from modferry_agent.core import depfiles, depmodconfig, linediff, strictness
from modferry_agent.core.names import is_module_file
from modferry_agent.jobs import indexes, kernelexports
from modferry_agent.jobs.explain import explain_module
from modferry_agent.jobs.tree import directory_of
from modferry_agent.system import configfiles, fingerprints
from modferry_agent.system.moduletree import Machine

MADE = frozenset(name for name, _encode, _since in depfiles.TABLE)
"""The index files."""

KEPT_TREES = 8
"""Of how many trees the indexes are kept while this program runs."""


@dataclass(frozen=True, slots=True)
class Computed:
    """The indexes of a tree, and what there is to say of it.

    files: name -> bytes.  records: path -> sha256 and size of each module.
    modules: their number.  warnings: path and reason, plain, as conflicts are.
    """

    files: dict[str, bytes]
    records: dict[str, tuple[str, int]]
    modules: int
    warnings: list[tuple[str, str]]
    conflicts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Exports:
    """What says what the kernel exports: see `jobs.indexes.write_indexes`."""

    symvers: str | None
    filesyms: str | None
    errsyms: bool

    @property
    def files(self) -> tuple[str, ...]:
        """Return the paths of the files."""
        return tuple(filter(None, (self.symvers, self.filesyms)))


class Trees:
    """What was computed lately: boxes with equal trees are computed once.

    Whoever comes second waits for the first.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = Lock()
        self._locks: OrderedDict[str, Lock] = OrderedDict()
        self._known: dict[str, Computed] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[Computed | None]:
        """Yield what is known of a tree; None: it has to be computed, for `keep`."""
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
            self._locks.move_to_end(key)
            while len(self._locks) > KEPT_TREES:
                old, _ = self._locks.popitem(last=False)
                self._known.pop(old, None)
        with lock:
            yield self._known.get(key)

    def keep(self, key: str, computed: Computed) -> None:
        """Keep what was computed."""
        self._known[key] = computed


TREES = Trees()


def write_indexes(  # noqa: PLR0913 - the request's arguments
    work: Work,
    *,
    release: str | None,
    basedir: str,
    dry_run: bool,
    like: str | None,
    links: str,
    fingerprints: bool,
    strict: bool,
    differences: bool,
    symvers: str | None,
    filesyms: str | None,
    errsyms: bool,
) -> dict[str, Any]:
    """Answer as the agent's `jobs.indexes.write_indexes` does."""
    release = release or work.release
    basedir = basedir.rstrip("/")
    directory = directory_of(release, basedir)
    kernelexports.check(symvers, filesyms, errsyms)
    exports = Exports(symvers, filesyms, errsyms)
    found = _gathered(work, release, directory, exports.files)
    key = repr((found.key(), release, basedir, like, links, exports))
    with TREES.of(key) as known:
        computed = known
        if computed is None:
            with mirror_of(found, work.contents) as mirror:
                computed = _computed(mirror, release, basedir, like, links, exports)
            TREES.keep(key, computed)
    if strict:
        strictness.refuse_warnings(directory, computed.warnings, computed.conflicts)
    publisher = Publisher(work.shell, directory)
    told = _differences(work, directory, publisher, computed) if differences else {}
    if dry_run:
        changed, unchanged = publisher.compare(computed.files)
    else:
        changed, unchanged = publisher.publish(computed.files)
        if fingerprints:
            record(work, basedir, release, computed.records, replace=True)
    return {
        "release": release,
        "directory": directory,
        "modules": computed.modules,
        "changed": changed,
        "unchanged": unchanged,
        "differences": told,
        "warnings": [
            {"path": path, "reason": reason} for path, reason in computed.warnings
        ],
        "conflicts": computed.conflicts,
        "dry_run": dry_run,
    }


def _differences(
    work: Work, directory: str, publisher: Publisher, computed: Computed
) -> dict[str, Any]:
    told = {}
    for name in publisher.compare(computed.files)[0]:
        if not name.endswith(".bin"):
            old = work.shell.read_file(f"{directory}/{name}", limit_s=LIMIT_S) or b""
            told[name] = linediff.difference(native(old), native(computed.files[name]))
    return told


def explain(
    work: Work, *, module: str, release: str | None, basedir: str, links: str
) -> Any:  # noqa: ANN401 - plain values
    """Answer as the agent's `jobs.explain.explain_module` does."""
    release = release or work.release
    directory = directory_of(release, basedir.rstrip("/"))
    found = _gathered(work, release, directory)
    with mirror_of(found, work.contents) as mirror:
        paths = [mirror.place(path) for path in config_directories("depmod.d")]
        machine = Machine(mirror.root, mirror.names_in)
        base = mirror.root + basedir
        return explain_module(module, release, base, links, None, paths, machine)


def record(
    work: Work,
    basedir: str,
    release: str,
    records: dict[str, tuple[str, int]],
    *,
    replace: bool,
) -> None:
    """Record modules as those that may be loaded, as the agent does."""
    path = fingerprints.path_of(basedir, release)
    before = work.shell.read_file(path, limit_s=LIMIT_S)
    with mirror_of(Gathered(), work.contents) as mirror:
        if before is not None:
            mirror.write(path, before)
        root = mirror.root + basedir
        if fingerprints.update(root, release, records, replace=replace):
            send_file(work.shell, path, mirror.read(path) or b"")


def _gathered(
    work: Work, release: str, directory: str, files: tuple[str, ...] = ()
) -> Gathered:
    gatherer = work.gatherer()
    configuration = config_directories("depmod.d")
    configured = gatherer.gather(configuration)
    externals = _externals(work, configured, release)
    named = {*configured.sums, *map(gatherer.resolve, files)}

    def wanted(path: str) -> bool:
        name = path.rpartition("/")[2]
        given = name.startswith("modules.") and name not in MADE
        return given or is_module_file(name) or path in named

    found = gatherer.gather([directory, *configuration, *externals], files, wanted)
    place = gatherer.resolve(directory)
    if not place or not stat.S_ISDIR(found.nodes[place].kind):
        raise indexes.no_tree(directory)
    for name in MADE:
        # They are made of the others.
        found.nodes.pop(f"{place}/{name}", None)
    return found


def _computed(  # noqa: PLR0913, PLR0917 - the request's arguments
    mirror: Mirror,
    release: str,
    basedir: str,
    like: str | None,
    links: str,
    exports: Exports,
) -> Computed:
    tree = indexes.read_tree(
        release,
        mirror.root + basedir,
        like,
        links,
        config_paths=[mirror.place(path) for path in config_directories("depmod.d")],
        fingerprints=True,
        details=exports.errsyms,
        machine=Machine(mirror.root, mirror.names_in),
    )
    made = indexes.make_files(
        tree,
        exports.symvers and mirror.place(exports.symvers),
        exports.filesyms and mirror.place(exports.filesyms),
        exports.errsyms,
    )
    warnings = [(path, str(reason)) for path, reason in tree.warnings]
    warnings += [(path, str(reason)) for path, reason in made.warnings]
    return Computed(
        dict(made.files), dict(tree.fingerprints), made.modules, warnings,
        made.conflicts,
    )  # fmt: skip


# Directories outside of the tree that the configuration has searched, too.
def _externals(work: Work, found: Gathered, release: str) -> list[str]:
    if not found.sums:
        return []
    with mirror_of(found, work.contents) as mirror:
        paths = [mirror.place(path) for path in config_directories("depmod.d")]
        texts = configfiles.read_files("depmod.d", paths)
    return depmodconfig.parse_config(texts, release).externals
