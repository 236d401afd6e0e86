"""A module tree as it was read, and what was made of it."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401
    from modferry_agent.jobs.unchanged import Parts  # noqa: F401
    from modferry_agent.system import factcache, forked  # noqa: F401


class Made(object):
    """What was made of a tree.

    files: ``(name, bytes)`` of the index files, in their order
    warnings: ``(path, reason)`` of what showed while they were made
    conflicts: the symbols that different files export, see `disputes.conflicts`
    modules: their number
    warned: names of the files that some of the warnings are about
    """

    def __init__(self, files, warnings, conflicts, modules, warned=()):
        # type: (Sequence[tuple[str, bytes]], Sequence[tuple[str, str]], list[dict[str, Any]], int, Container[str]) -> None
        """Keep them."""
        self.files = files
        self.warnings = warnings
        self.conflicts = conflicts
        self.modules = modules
        self.warned = warned


class Tree(object):
    """A module tree, read.

    release, directory: which one, and where
    modules: in kmod's order; a module that cannot be read is there without imports
    warnings: ``(path, reason)``
    fingerprints: path -> (sha256 in hexadecimal, size) of each file as stored
    identities: what tells each module's file from others
    shadowed: path, location and winner's path of each file that lost its module name
    kmod: the release of kmod to be like
    cache: what is known of the modules from the last run, or None
    facts: what to know of them in the next one; is_steady: they are all in it, and none
        has a fault
    remembered: what was made of the tree the last time, if it would be made again; the
        modules are not read then
    parts: what of the files is known to be as the last time; None without a cache
    helper: a process that encodes some of the files meanwhile, or None
    order: which, see `encoding.order_of`
    """

    def __init__(self, release, basedir, directory, kmod):
        # type: (str, str, str, int) -> None
        """Begin with an empty tree."""
        self.basedir = basedir
        self.release = release
        self.directory = directory
        self.kmod = kmod
        self.modules = []  # type: list[Module]
        self.warnings = []  # type: list[tuple[str, str]]
        self.fingerprints = {}  # type: dict[str, tuple[str, int]]
        self.identities = []  # type: list[tuple[int, int]]
        self.shadowed = []  # type: list[tuple[str, str, str]]
        self.cache = None  # type: factcache.Cache | None
        self.facts = {}  # type: dict[str, Any]
        self.is_steady = True
        self.key = ""
        self.helper = None  # type: forked.Helper | None
        self.order = None  # type: Any
        self.remembered = None  # type: Made | None
        self.parts = None  # type: Parts | None

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
