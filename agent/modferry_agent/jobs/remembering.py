"""What the last run published, so that a run with nothing to do can tell that.

The index files themselves are not kept a second time: they lie in the tree, and count
if they are to the byte what was published.
"""

import hashlib
import marshal

from modferry_agent.compat import native
from modferry_agent.jobs.encoding import packed, unpacked
from modferry_agent.jobs.unchanged import Parts, files_there
from modferry_agent.jobs.tree import Made
from modferry_agent.system import factcache, fingerprints, treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401
    from modferry_agent.system import moduletree  # noqa: F401


def key_of(tree, entries, inputs):
    # type: (Tree, Sequence[moduletree.Entry], Sequence[Any]) -> str
    """Return the digest of all that the index files are a function of.

    entries: the module files, in kmod's order
    inputs: whatever else, as plain values
    """
    described = [
        (entry.path, entry.target, factcache.stamp_of(entry.status))
        for entry in entries
    ]
    read = [
        treefiles.read_if_there(tree.directory + "/" + name)
        for name in ("modules.builtin", "modules.builtin.modinfo")
    ]
    warnings = [packed(warning) for warning in tree.warnings]
    whole = (tree.directory, tree.kmod, described, read, warnings, list(inputs))
    return native(hashlib.sha256(marshal.dumps(whole, 2)).digest())


def recall(tree, has_record):
    # type: (Tree, bool) -> Made | None
    """Return what was made of the tree if it would be made again; else None.

    has_record: the record of fingerprints must be the same, too
    """
    known = (tree.cache and tree.cache.publication()) or {}
    tree.parts = Parts(tree.directory, known.get("parts", {}))
    if known.get("key") != tree.key:
        return None
    if has_record and known["record"] != _record_of(tree):
        return None
    files = files_there(tree.directory, known["files"])
    if files is None:
        return None
    warnings = [unpacked(warning) for warning in known["warnings"]]
    return Made(files, warnings, known["conflicts"], known["modules"])


def prepare(tree, made):
    # type: (Tree, Made) -> None
    """Do the part of `remember` that needs no publication."""
    if tree.cache is not None and tree.remembered is not made:
        tree.cache.prepare(tree.facts)


def remember(tree, made):
    # type: (Tree, Made) -> None
    """Keep what the modules said, and what was published of it, for the next run."""
    if tree.cache is None or tree.remembered is made:
        return
    paths = set([module.path for module in tree.modules])
    digests = [(name, factcache.digest(octets)) for name, octets in made.files]
    publication = {}  # type: dict[str, Any]
    if tree.parts is not None:
        publication["parts"] = tree.parts.told(dict(digests), made.warned)
    # A warning of a module's own is told by the module, which is not read next time.
    if tree.is_steady and not paths.intersection([path for path, _ in made.warnings]):
        publication.update(
            {
                "key": tree.key,
                "record": _record_of(tree),
                "files": digests,
                "warnings": [packed(warning) for warning in made.warnings],
                "conflicts": made.conflicts,
                "modules": made.modules,
            }
        )
    tree.cache.write(publication, tree.facts)


def _record_of(tree):
    # type: (Tree) -> str
    path = fingerprints.path_of(tree.basedir, tree.release)
    return factcache.digest(treefiles.read_if_there(path) or b"")
