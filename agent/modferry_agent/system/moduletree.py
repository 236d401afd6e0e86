"""The module tree of a release: walked as kmod walks it, but never without end."""

import errno
import os
import stat

from modferry_agent.compat import native, raw
from modferry_agent.core import names
from modferry_agent.core.reasons import reason
from modferry_agent.errors import FileError
from modferry_agent.system.treefiles import is_fault, raise_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable  # noqa: F401  # novermin

    Report = Callable[[str, str], None]

# Names that are never looked at: links to the kernel's sources.
_SKIPPED = (".", "..", "build", "source")
# Linked directories can be combined without number; no tree has so many.
_MOST_DIRECTORIES = 100000


_LINK_FAULTS = {errno.ENOENT: "a dangling link", errno.ELOOP: "a link to itself"}


class Entry(object):
    """One module file, or a link to one.

    path: relative to the tree, absolute below an external directory
    location: where to read it
    target: the path without links, if the name itself is a link; else None
    status: what stat said of the file; identity: its device and inode
    size: bytes, as stored; mtime: seconds since 1970, as the file system has it
    """

    __slots__ = ("path", "location", "target", "status", "identity", "size", "mtime")

    def __init__(self, path, location, target, status):
        # type: (str, str, str | None, os.stat_result) -> None
        """Keep what stat said of the file."""
        self.path = path
        self.location = location
        self.target = target
        self.status = status
        self.identity = (status.st_dev, status.st_ino)
        self.size = status.st_size
        self.mtime = status.st_mtime


class Machine(object):
    """Whose files are looked at.

    root: where its paths begin
    names_in: what gives the names in a directory as bytes, in the machine's order
    """

    __slots__ = ("root", "names_in")

    def __init__(self, root, names_in):
        # type: (str, Callable[[bytes], list[bytes]]) -> None
        """Keep both."""
        self.root = root
        self.names_in = names_in


def walk(directory, excludes=(), externals=(), report=None, machine=None):
    # type: (str, Iterable[str], Iterable[str], Report | None, Machine | None) -> list[Entry]
    """Return the module files below a tree, in the order in which kmod meets them.

    excludes: names of files and directories that are not looked at
    externals: directories to walk after the tree; the last one first
    machine: whose they are, if it is another
    report: called with path and reason for what is left out

    A directory that cannot be opened raises FileError (code ``no-module-tree``); below
    it nothing does but a fault of the box, see `is_fault`.  Linked directories are
    followed, but not into themselves.
    """
    skipped = set(_SKIPPED)
    skipped.update(excludes)
    tell = report or _ignore
    entries = []  # type: list[Entry]
    machine = machine or Machine("", os.listdir)
    names_in, root = machine.names_in, machine.root
    _walk_into(entries, directory, names_in, (directory, root), skipped, tell, True)
    for external in reversed(list(externals)):
        try:
            above = root if not root or external.startswith("/") else root + "/"
            top, bases = above + external, (directory, above)
            _walk_into(entries, top, names_in, bases, skipped, tell, False)
        except FileError as error:
            if is_fault(error):
                raise
            why = os.strerror(error.details["errno"])
            tell(external, reason(error.message, "no-directory", why=why))
    return entries


def find_files(paths, directory, report=None):
    # type: (Iterable[str], str, Report | None) -> list[Entry]
    """Return the entries of the absolute paths that exist."""
    entries = []  # type: list[Entry]
    for path in paths:
        _take(entries, path, (directory, ""), report or _ignore)
    return entries


def _walk_into(entries, top, names_in, bases, skipped, tell, in_tree):
    # type: (list[Entry], str, Callable[[bytes], list[bytes]], tuple[str, str], set[str], Report, bool) -> None
    try:
        listed = names_in(raw(top))
        status = os.stat(raw(top))
    except EnvironmentError as error:
        raise FileError(
            "could not open the directory: %s" % error.strerror,
            where=top,
            hint="is the kernel of this release installed?" if in_tree else "",
            code="no-module-tree" if in_tree else "file-error",
            errno=error.errno,
        )
    budget = _MOST_DIRECTORIES
    # A directory being read: its path, the names still to come, what it is.
    open_ones = [(top, [native(name) for name in reversed(listed)], _identity(status))]
    while open_ones:
        above, left, _own = open_ones[-1]
        if not left:
            open_ones.pop()
            continue
        name = left.pop()
        if name in skipped:
            continue
        path = above + "/" + name
        kind = _take(entries, path, bases, tell, name)
        if kind is None:
            continue
        if _identity(kind) in [own for _path, _left, own in open_ones]:
            tell(path, "a link to a directory above it; it is not followed")
            continue
        budget -= 1
        if budget < 0:
            tell(
                path,
                "more than %d directories; the rest is left out" % _MOST_DIRECTORIES,
            )
            return
        try:
            below = names_in(raw(path))
        except EnvironmentError as error:
            raise_fault(error, path)
            text = "could not open the directory: %s" % error.strerror
            tell(path, reason(text, "no-directory", why=error.strerror))
            continue
        names_below = [native(one) for one in reversed(below)]
        open_ones.append((path, names_below, _identity(kind)))


def _take(entries, path, bases, tell, name=None):
    # type: (list[Entry], str, tuple[str, str], Report, str | None) -> os.stat_result | None
    # Add the path's entry if it is a module; return its status if it is a directory.
    # bases: the tree's directory, and the root of what is outside of it
    target = None
    try:
        octets = raw(path)
        status = os.lstat(octets)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFLNK:
            status = os.stat(octets)
            kind = stat.S_IFMT(status.st_mode)
            target = native(os.path.realpath(octets))
    except EnvironmentError as error:
        raise_fault(error, path)
        why = error.strerror or str(error)
        text = _LINK_FAULTS.get(error.errno or 0, why)
        tell(path, reason(text, "no-stat", why=why))
        return None
    if kind == stat.S_IFDIR:
        return status
    if kind != stat.S_IFREG:
        tell(path, reason("not a regular file", "file-type", mode=kind))
        return None
    if name is None or names.is_module_file(name):
        tree, root = bases
        inside = path.startswith(tree + "/")
        relative = path[len(tree) + 1 :] if inside else path[len(root) :]
        if _is_usable(path, relative, tell):
            entries.append(Entry(relative, path, target, status))
    return None


def _is_usable(path, relative, tell):
    # type: (str, str, Report) -> bool
    if "\n" in relative or ":" in relative:
        text = "a newline or a colon in the name would break the indexes"
        tell(path, reason(text, "bad-name"))
        return False
    if " " in relative or "\t" in relative:
        text = "a blank in the name: no other module can depend on it"
        tell(path, reason(text, "bad-name"))
    return True


def _identity(status):
    # type: (os.stat_result) -> tuple[int, int]
    return status.st_dev, status.st_ino


def _ignore(path, reason):
    # type: (str, str) -> None
    pass
