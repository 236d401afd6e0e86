"""The files that need not be made again.

They are still what was published, and all that they would be made of is as it was.
"""

import marshal

from modferry_agent.core.module import joined
from modferry_agent.errors import FileError
from modferry_agent.system import factcache, treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.contents import Contents  # noqa: F401

_OF_ALIASES = ("modules.alias", "modules.alias.bin", "modules.devname")
_OF_SYMBOLS = ("modules.symbols", "modules.symbols.bin")


def files_there(directory, digests):
    # type: (str, Sequence[tuple[str, str]]) -> list[tuple[str, bytes]] | None
    """Return name and bytes of those files, if they are what was published; else None.

    digests: name and digest of each
    """
    files = []
    try:
        for name, digest in digests:
            content = treefiles.read_if_there(directory + "/" + name)
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
        files = files_there(self._directory, self._known.get(digest, ()))
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
