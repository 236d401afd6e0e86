"""What the last run published, so that a run with nothing to do can tell that.

The index files themselves are not kept a second time: they lie in the tree, and count
if they are to the byte what was published.
"""

import hashlib
import marshal

from modferry_agent.compat import native
from modferry_agent.core.module import joined
from modferry_agent.errors import FileError
from modferry_agent.jobs.encoding import packed, unpacked
from modferry_agent.jobs.tree import Made
from modferry_agent.system import factcache, fingerprints, moduletree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.contents import Contents  # noqa: F401
    from modferry_agent.jobs.tree import Tree  # noqa: F401


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
        moduletree.read_if_there(tree.directory + "/" + name)
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
    files = _files_of(tree.directory, known["files"])
    if files is None:
        return None
    warnings = [unpacked(warning) for warning in known["warnings"]]
    return Made(files, warnings, known["conflicts"], known["modules"])


def _files_of(directory, digests):
    # type: (str, Sequence[tuple[str, str]]) -> list[tuple[str, bytes]] | None
    # Those files of the tree, if they are what was published; else None.
    files = []
    try:
        for name, digest in digests:
            content = moduletree.read_if_there(directory + "/" + name)
            if content is None or factcache.digest(content) != digest:
                return None
            files.append((name, content))
    except FileError:
        return None
    return files


class Parts(object):
    """Files of which all that they are made of is known, and so when to make them anew.

    They are those that take time, but for modules.dep.

    kept: name -> bytes of the files that need not be made
    """

    def __init__(self, directory, known):
        # type: (str, dict[str, list[tuple[str, str]]]) -> None
        """Take what `told` returned in the last run."""
        self.kept = {}  # type: dict[str, bytes]
        self._directory = directory
        self._known = known
        self._digests = []  # type: list[tuple[str, tuple[str, ...]]]

    def look_at_modules(self, contents, told):
        # type: (Contents, Sequence[tuple[str, Any]]) -> None
        """Find out what is as it was of the files about modules, built in or not.

        told: what `encoding.told_aliases` returned
        """
        self._look(contents, told, _OF_ALIASES)
        self._look(contents, contents.builtin, ("modules.builtin.bin",))
        modinfo = contents.builtin_modinfo
        self._look(contents, modinfo, ("modules.builtin.alias.bin",))

    def look_at_symbols(self, contents):
        # type: (Contents) -> None
        """Find out whether the files about symbols are as they were."""
        places = list(contents.owners.values())
        paths = [contents.modules[place].path for place in sorted(set(places))]
        self._look(contents, (joined(contents.owners), places, paths), _OF_SYMBOLS)

    def _look(self, contents, made_of, names):
        # type: (Contents, Any, tuple[str, ...]) -> None
        whole = marshal.dumps((contents.kmod, names, made_of), 2)
        digest = factcache.digest(whole)
        self._digests.append((digest, names))
        files = _files_of(self._directory, self._known.get(digest, ()))
        self.kept.update(files or ())

    def told(self, files, warned):
        # type: (dict[str, str], Container[str]) -> dict[str, list[tuple[str, str]]]
        """Return what is to be known in the next run.

        files: name -> digest of each file made
        warned: names of the files that there was something to warn of: they are made
            anew, so that there is again
        """
        told = {}
        for digest, names in self._digests:
            there = [(name, files[name]) for name in names if name in files]
            if not [name for name in names if name in warned]:
                told[digest] = there
        return told


_OF_ALIASES = ("modules.alias", "modules.alias.bin", "modules.devname")
_OF_SYMBOLS = ("modules.symbols", "modules.symbols.bin")


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
    return factcache.digest(moduletree.read_if_there(path) or b"")
