"""The index files of a module tree: what depmod does, as a job."""

import os

from modferry_agent.compat import native, raw
from modferry_agent.core import depfiles, depgraph, depmodconfig, linkgroups
from modferry_agent.core import names, precedence
from modferry_agent.core.module import Module, parse_module
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import FileError, FormatError, RequestError
from modferry_agent.system import configfiles, decompress, indexstore, moduletree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Sequence  # noqa: F401  # novermin

LINKS = ("file", "kmod")

# An index knows a module by a 16-bit number in kmod's source.
_MOST_MODULES = 65534


class Tree(object):
    """A module tree, read.

    release, directory: which one, and where
    modules: in kmod's order; a module that cannot be read is there without imports
    warnings: ``(path, reason)``
    fingerprints: path -> (sha256 in hexadecimal, size) of each file as stored
    identities: what tells each module's file from others
    kmod: the release of kmod to be like
    """

    def __init__(self, release, directory, kmod):
        # type: (str, str, int) -> None
        """Begin with an empty tree."""
        self.release = release
        self.directory = directory
        self.kmod = kmod
        self.modules = []  # type: list[Module]
        self.warnings = []  # type: list[tuple[str, str]]
        self.fingerprints = {}  # type: dict[str, tuple[str, int]]
        self.identities = []  # type: list[tuple[int, int]]

    def path_of(self, module):
        # type: (Module) -> str
        """Return the module's absolute path."""
        if module.path.startswith("/"):
            return module.path
        return self.directory + "/" + module.path


def directory_of(release, basedir="", moduledir="lib/modules"):
    # type: (str, str, str) -> str
    """Return the path of a release's module tree."""
    return "%s/%s/%s" % (basedir, moduledir.strip("/"), release)


def running_release():
    # type: () -> str
    """Return the release of the running kernel."""
    return os.uname()[2]


def kmod_release(like):
    # type: (str | int | None) -> int
    """Return the number of the kmod to be like; RequestError if it is none."""
    if like is None:
        return depfiles.NEWEST_KMOD
    try:
        return int(like)
    except ValueError:
        raise RequestError("not a release of kmod: %s" % like, where="like")


def read_tree(
    release,
    basedir="",
    like=None,
    links="file",
    moduledir="lib/modules",
    config_paths=None,
    files=None,
    fingerprints=False,
    context=None,
):
    # type: (str, str, str | int | None, str, str, Iterable[str] | None, Iterable[str] | None, bool, Any) -> Tree
    """Return the module tree of a release, each module in it parsed and in order.

    links: ``file``: a link is another name of its file (``link_of`` says whose);
        ``kmod``: a module of its own
    config_paths: in place of the usual depmod.d directories
    files: absolute paths; in place of searching the tree
    fingerprints: compute the sha256 of each file, too
    """
    if links not in LINKS:
        raise RequestError("links are %s, not %s" % (" or ".join(LINKS), links))
    directory = directory_of(release, basedir, moduledir)
    tree = Tree(release, directory, kmod_release(like))
    config = depmodconfig.parse_config(
        configfiles.read_files("depmod.d", config_paths), release
    )
    tree.warnings.extend(config.warnings)

    def report(path, reason):
        # type: (str, str) -> None
        tree.warnings.append((path, reason))

    if files is None:
        entries = moduletree.walk(directory, config.excludes, config.externals, report)
    else:
        entries = moduletree.find_files(files, directory, report)
    by_path = dict([(entry.path, entry) for entry in entries])
    winners, _lost = precedence.chosen_paths([entry.path for entry in entries], config)
    if len(winners) > _MOST_MODULES:
        raise FormatError("%d modules are too many" % len(winners), where=directory)
    order = moduletree.read_if_there(directory + "/modules.order")
    paths, complaint = names.ordered_modules(
        winners, None if order is None else native(order), tree.kmod >= 34
    )
    if complaint:
        report(directory, complaint)
    _read_modules(tree, [by_path[path] for path in paths], links, fingerprints, context)
    return tree


def _read_modules(tree, entries, links, fingerprints, context):
    # type: (Tree, Sequence[moduletree.Entry], str, bool, Any) -> None
    read = {}  # type: dict[tuple[int, int], tuple[Module, tuple[str, int] | None]]
    members = []
    for done, entry in enumerate(entries):
        if context is not None and done % 16 == 0:
            context.progress(done, len(entries), entry.path)
        known = read.get(entry.identity)
        if known is None:
            module, fingerprint = _read_module(tree, entry, fingerprints)
            read[entry.identity] = module, fingerprint
        else:
            module = known[0].renamed(entry.path)
            fingerprint = known[1]
        if fingerprint is not None:
            tree.fingerprints[entry.path] = fingerprint
        tree.modules.append(module)
        tree.identities.append(entry.identity)
        target = entry.target or entry.path
        base = target[target.rfind("/") + 1 :]
        members.append((module, entry.identity, entry.target is not None, base))
    if context is not None:
        context.progress(len(entries), len(entries), "")
    if links == "file" and len(read) < len(members):
        linkgroups.tie_links(members)


def _read_module(tree, entry, fingerprints):
    # type: (Tree, moduletree.Entry, bool) -> tuple[Module, tuple[str, int] | None]
    fingerprint = None
    try:
        stored = moduletree.read_stored(entry.location)
        if fingerprints:
            fingerprint = _fingerprint(stored)
        content = decompress.decompressed(stored, entry.location)
        module = parse_module(entry.path, content)
    except (FileError, FormatError) as error:
        reason = error.message
        if error.hint:
            reason += "; " + error.hint
        tree.warnings.append((entry.path, reason))
        return Module(entry.path), fingerprint
    for problem in module.problems:
        tree.warnings.append((entry.path, problem))
    return module, fingerprint


def _fingerprint(stored):
    # type: (bytes) -> tuple[str, int]
    from modferry_agent.system import fingerprints

    return fingerprints.fingerprint(stored)


def make_contents(tree, table=None, dependencies=None):
    # type: (Tree, SymbolTable | None, Sequence[Sequence[Module]] | None) -> depfiles.Contents
    """Return what the index files of a tree are made of.

    table: with the symbols of the kernel in it, if they matter
    dependencies: known already

    Raises FormatError (code ``dependency-cycle``).
    """
    if table is None:
        table = SymbolTable()
    table.add_modules(tree.modules)
    if dependencies is None:
        dependencies = depgraph.dependencies(tree.modules, table)
    contents = depfiles.Contents(
        tree.modules, dependencies, table.owned_by_modules(), tree.kmod
    )
    builtin = moduletree.read_if_there(tree.directory + "/modules.builtin")
    contents.builtin = None if builtin is None else native(builtin)
    contents.builtin_modinfo = moduletree.read_if_there(
        tree.directory + "/modules.builtin.modinfo"
    )
    return contents


def conflicts(tree, table):
    # type: (Tree, SymbolTable) -> list[dict[str, Any]]
    """Return the symbols that different files export, with owner and others."""
    found = []
    for symbol in sorted(table.conflicts):
        exporters = table.conflicts[symbol]
        if len(set([tree.identities[index] for index in exporters])) == 1:
            continue
        paths = [tree.modules[index].path for index in exporters]
        found.append({"symbol": symbol, "owner": paths[-1], "others": paths[:-1]})
    return found


def write_indexes(
    release=None,
    basedir="",
    dry_run=False,
    like=None,
    links="file",
    fingerprints=True,
    context=None,
):
    # type: (str | None, str, bool, str | int | None, str, bool, Any) -> dict[str, Any]
    """Write the whole index set of a release as one publication.

    like: the release of kmod whose bytes to write, ``34`` if None
    links: ``file`` or ``kmod``, see `read_tree`
    fingerprints: record the sha256 of each module file, too

    Returns release, directory, modules (their number), changed and unchanged (names of
    files), warnings, conflicts, dry_run.
    """
    release = release or running_release()
    basedir = basedir.rstrip("/")
    directory = directory_of(release, basedir)
    if not os.path.isdir(raw(directory)):
        raise no_tree(directory)
    lock = None if dry_run else indexstore.Lock(directory)
    try:
        tree = read_tree(
            release, basedir, like, links, fingerprints=fingerprints, context=context
        )
        table = SymbolTable()
        contents = make_contents(tree, table)
        files = depfiles.encode_files(contents)
        if dry_run:
            changed, unchanged = indexstore.compare(directory, files)
        else:
            changed, unchanged = indexstore.publish(directory, files)
            if fingerprints:
                record_fingerprints(basedir, tree)
    finally:
        if lock is not None:
            lock.release()
    warnings = tree.warnings + contents.warnings
    return {
        "release": release,
        "directory": directory,
        "modules": len(tree.modules),
        "changed": changed,
        "unchanged": unchanged,
        "warnings": [{"path": path, "reason": reason} for path, reason in warnings],
        "conflicts": conflicts(tree, table),
        "dry_run": bool(dry_run),
    }


def no_tree(directory):
    # type: (str) -> FileError
    """Return the error for a release without a module tree."""
    return FileError(
        "there is no module tree",
        where=directory,
        hint="is the kernel of this release installed?",
        code="no-module-tree",
    )


def record_fingerprints(basedir, tree):
    # type: (str, Tree) -> None
    """Record the sha256 of the tree's files as those that may be loaded."""
    from modferry_agent.system import fingerprints

    fingerprints.update(basedir, tree.release, tree.fingerprints, replace=True)
