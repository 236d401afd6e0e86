"""The index files of a module tree: what depmod does, as a job."""

import os

from modferry_agent.compat import native, raw
from modferry_agent.core import (
    depgraph,
    depmodconfig,
    linediff,
    names,
    precedence,
    strictness,
)
from modferry_agent.core.contents import Contents, kmod_release
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import FileError, FormatError, RequestError
from modferry_agent.jobs import disputes, encoding, kernelexports, reading, remembering
from modferry_agent.jobs.tree import Made, Tree, directory_of, running_release
from modferry_agent.system import (
    configfiles,
    factcache,
    indexstore,
    moduletree,
    treefiles,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

LINKS = ("file", "kmod")

# An index knows a module by a 16-bit number in kmod's source.
_MOST_MODULES = 65534


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
    details=True,
    cache=None,
    recall=True,
    without=(),
    machine=None,
):
    # type: (str, str, str | int | None, str, str, Iterable[str] | None, Iterable[str] | None, bool, Any, bool, factcache.Cache | None, bool, Sequence[str], moduletree.Machine | None) -> Tree
    """Return the module tree of a release, each module in it parsed and in order.

    links: ``file``: a link is another name of its file (``link_of`` says whose);
        ``kmod``: a module of its own
    config_paths: in place of the usual depmod.d directories
    files: absolute paths; in place of searching the tree
    fingerprints: compute the sha256 of each file, too
    details: the CRCs of symbols, too, and which imports are weak; the indexes do not
        need them, and to read them takes three times as long
    cache: of what the modules said; without details
    recall: leave the modules out if the same indexes would be made of them again
    without: absolute paths that are as good as gone
    machine: whose tree it is, if it is another one's
    """
    if links not in LINKS:
        raise RequestError("links are %s, not %s" % (" or ".join(LINKS), links))
    directory = directory_of(release, basedir, moduledir)
    tree = Tree(release, basedir, directory, kmod_release(like))

    def report(path, reason):
        # type: (str, str) -> None
        tree.warnings.append((path, reason))

    texts = configfiles.read_files("depmod.d", config_paths, report)
    config = depmodconfig.parse_config(texts, release)
    tree.warnings.extend(config.warnings)
    if files is None:
        entries = moduletree.walk(
            directory, config.excludes, config.externals, report, machine
        )
    else:
        entries = moduletree.find_files(files, directory, report)
    entries = [entry for entry in entries if entry.location not in without]
    by_path = dict([(entry.path, entry) for entry in entries])
    winners, lost = precedence.chosen_paths([entry.path for entry in entries], config)
    tree.shadowed = [(path, by_path[path].location, winner) for path, winner in lost]
    if len(winners) > _MOST_MODULES:
        raise FormatError("%d modules are too many" % len(winners), where=directory)
    order = treefiles.read_if_there(directory + "/modules.order")
    paths, complaint = names.ordered_modules(
        winners, None if order is None else native(order), tree.kmod >= 34
    )
    if complaint:
        report(directory, complaint)
    chosen = [by_path[path] for path in paths]
    tree.cache = cache
    if cache is not None:
        inputs = (texts, order, links, fingerprints)
        tree.key = remembering.key_of(tree, chosen, inputs)
        tree.remembered = remembering.recall(tree, fingerprints)
        if tree.remembered is not None and recall:
            return tree
    reading.read_modules(tree, chosen, links, fingerprints, details, context)
    return tree


def make_contents(tree, table=None, dependencies=None):
    # type: (Tree, SymbolTable | None, Sequence[Sequence[Module]] | None) -> Contents
    """Return what the index files of a tree are made of.

    table: with the symbols of the kernel in it, if they matter
    dependencies: known already

    Raises FormatError (code ``dependency-cycle``).
    """
    contents = Contents(tree.modules, dependencies or (), {}, tree.kmod)
    builtin = treefiles.read_if_there(tree.directory + "/modules.builtin")
    contents.builtin = None if builtin is None else native(builtin)
    contents.builtin_modinfo = treefiles.read_if_there(
        tree.directory + "/modules.builtin.modinfo"
    )
    told = encoding.told_aliases(tree.modules)
    parts = tree.parts
    if parts is not None:
        parts.look_at_modules(contents, told)
    if tree.helper is not None:
        # The sooner it has begun, the sooner it is done.
        tree.order = encoding.order_of(contents, told, parts.kept if parts else ())
        if tree.order is not None:
            tree.helper.begin(1, tree.order)
    if table is None:
        table = SymbolTable()
    table.add_modules(tree.modules)
    contents.owners = table.owned_by_modules()
    if parts is not None:
        parts.look_at_symbols(contents)
    if dependencies is None:
        contents.dependencies = depgraph.dependencies(tree.modules, table)
    return contents


def make_files(tree, symvers=None, filesyms=None, errsyms=False):
    # type: (Tree, str | None, str | None, bool) -> Made
    """Return the index files of a tree that was read, and what there is to warn of.

    symvers, filesyms, errsyms: see `write_indexes`
    """
    table = SymbolTable()
    if symvers or filesyms:
        kernelexports.add_exports(table, symvers, filesyms, tree.warnings)
    contents = make_contents(tree, table)
    if errsyms:
        tree.warnings.extend(kernelexports.lacking(tree, table, bool(symvers)))
    return made_of(tree, table, contents)


def made_of(tree, table, contents):
    # type: (Tree, SymbolTable, Contents) -> Made
    """Return what `make_files` does, of the contents of a tree."""
    kept = None if tree.parts is None else tree.parts.kept
    return Made(
        encoding.encode_files(contents, tree.helper, tree.order, kept),
        contents.warnings,
        disputes.conflicts(tree, table),
        len(tree.modules),
        contents.warned,
    )


def write_indexes(
    release=None,
    basedir="",
    dry_run=False,
    like=None,
    links="file",
    fingerprints=True,
    strict=False,
    differences=False,
    symvers=None,
    filesyms=None,
    errsyms=False,
    context=None,
    without=(),
):
    # type: (str | None, str, bool, str | int | None, str, bool, bool, bool, str | None, str | None, bool, Any, Sequence[str]) -> dict[str, Any]
    """Write the whole index set of a release as one publication.

    like: the release of kmod whose bytes to write, ``34`` if None
    links: ``file`` or ``kmod``, see `read_tree`
    fingerprints: record the sha256 of each module file, too
    strict: write nothing if there is anything to warn of, see `strictness`
    differences: tell which lines come and go
    symvers, filesyms: path of a Module.symvers or System.map, which says what the
        kernel exports
    errsyms: warn of symbols that nobody exports
    without: absolute paths of modules that are as good as gone

    Returns release, directory, modules (their number), changed and unchanged (names of
    files), differences (name -> `linediff.difference`, of the texts that change),
    warnings, conflicts, dry_run.
    """
    release = release or running_release()
    basedir = basedir.rstrip("/")
    directory = directory_of(release, basedir)
    if not os.path.isdir(raw(directory)):
        raise no_tree(directory)
    kernelexports.check(symvers, filesyms, errsyms)
    exports = symvers or filesyms
    lock = None if dry_run else indexstore.Lock(directory)
    try:
        tree = read_tree(
            release,
            basedir,
            like,
            links,
            fingerprints=fingerprints,
            context=context,
            details=errsyms,
            # What is kept there was made without knowing what the kernel exports.
            cache=None if exports else factcache.Cache(factcache.path_of(directory)),
            without=without,
        )
        made = tree.remembered or make_files(tree, symvers, filesyms, errsyms)
        warnings = tree.warnings + list(made.warnings)
        if strict:
            strictness.refuse_warnings(directory, warnings, made.conflicts)
        told = _differences(directory, made) if differences else {}
        if dry_run:
            changed, unchanged = indexstore.compare(directory, made.files)
        else:
            changed, unchanged = indexstore.publish(
                directory, made.files, lambda: remembering.prepare(tree, made)
            )
            if fingerprints:
                record_fingerprints(basedir, tree)
            remembering.remember(tree, made)
    finally:
        if lock is not None:
            lock.release()
    return {
        "release": release,
        "directory": directory,
        "modules": made.modules,
        "changed": changed,
        "unchanged": unchanged,
        "differences": told,
        "warnings": [{"path": path, "reason": reason} for path, reason in warnings],
        "conflicts": made.conflicts,
        "dry_run": bool(dry_run),
    }


def _differences(directory, made):
    # type: (str, Made) -> dict[str, Any]
    told = {}
    for name, content in made.files:
        old = treefiles.read_if_there(directory + "/" + name)
        if not name.endswith(".bin") and old != content:
            told[name] = linediff.difference(native(old or b""), native(content))
    return told


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
    if tree.remembered is not None:
        return  # It is known to be what it was, and the modules are.
    from modferry_agent.system import fingerprints

    fingerprints.update(basedir, tree.release, tree.fingerprints, replace=True)
