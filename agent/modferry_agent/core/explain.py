"""Why a line of modules.dep is as it is: owners, candidates, ways, old kmods."""

from modferry_agent.core import depgraph
from modferry_agent.core.symbols import KERNEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401
    from modferry_agent.core.symbols import SymbolTable  # noqa: F401

LAST_OWNS = "comes before the owner in depmod's order, where the last one owns"
SAME_FILE = "is another name of the owner's file"
BEFORE_KERNEL = "a module goes before the kernel"
SHADOWED = "%s has the same module name and goes before it (search, override)"


class Subject(object):
    """What an explanation is about, and what it needs to know.

    modules: all of the tree, in depmod's order
    files: what tells each one's file from others, in the same order
    table: who owns what
    shadowed: ``(module, path of the winner)`` of files that lost their module name
    """

    def __init__(self, modules, files, table, shadowed=()):
        # type: (Sequence[Module], Sequence[object], SymbolTable, Sequence[tuple[Module, str]]) -> None
        """Take a tree; the graph is made at once."""
        self.modules = modules
        self.files = files
        self.table = table
        self.shadowed = shadowed
        self.lines = depgraph.dependencies(modules, table)
        self.places = dict(
            [(module.path, index) for index, module in enumerate(modules)]
        )
        self._file_of = dict(zip([module.path for module in modules], files))
        self.exporters = depgraph.copies_of_exports(modules)

    def file_of(self, module):
        # type: (Module) -> object
        """Return what tells the module's file from others."""
        return self._file_of[module.path]

    def names_of(self, module):
        # type: (Module) -> list[str]
        """Return the paths that are the module's file, in depmod's order."""
        file = self.file_of(module)
        return [one.path for one, its in zip(self.modules, self.files) if its == file]


def explanation(subject, index):
    # type: (Subject, int) -> dict[str, Any]
    """Return why the module has its dependencies.

    index: its place among the modules

    The keys are: module, path, file (the path of the module whose name it is, if it is
    a link), names, line, imports (symbol, weak, owner, candidates), ways (path, steps:
    user, symbol, owner), old_kmod (line, missing, left_out_of).
    """
    module = subject.modules[index]
    file = module.link_of or module
    return {
        "module": module.name,
        "path": module.path,
        "file": file.path,
        "names": subject.names_of(module),
        "line": [each.path for each in subject.lines[index]],
        "imports": [
            _import(subject, symbol, weak) for symbol, _crc, weak in module.imports
        ],
        "ways": ways(subject, file),
        "old_kmod": _as_old_kmod(subject, index),
    }


def _import(subject, symbol, weak):
    # type: (Subject, str, bool) -> dict[str, Any]
    known = subject.table.known_name(symbol)
    place = subject.table.owners.get(known)
    owner = None
    candidates = []
    if place == KERNEL:
        owner = "the kernel"
    elif place is not None:
        owner = subject.modules[place].path
        candidates = _others(subject, known, subject.modules[place])
    return {
        "symbol": symbol,
        "weak": weak,
        "owner": owner,
        "candidates": [{"path": path, "why": why} for path, why in candidates],
    }


def _others(subject, symbol, owner):
    # type: (Subject, str, Module) -> list[tuple[str, str]]
    # Who else exports it, and why it does not own it.
    found = []
    for module in subject.exporters.get(symbol, ()):
        if module is owner:
            continue
        same = subject.file_of(module) == subject.file_of(owner)
        why = SAME_FILE if same else LAST_OWNS
        if same and module.link_of is None:
            why += ", and " + LAST_OWNS
        found.append((module.path, why))
    for module, winner in subject.shadowed:
        if symbol in [name for name, _crc in module.exports]:
            found.append((module.path, SHADOWED % winner))
    if symbol in subject.table.of_kernel:
        found.append(("the kernel", BEFORE_KERNEL))
    return found


def ways(subject, start):
    # type: (Subject, Module) -> list[dict[str, Any]]
    """Return for each dependency of a module a shortest way there, symbol by symbol."""
    came_by = {start.path: []}  # type: dict[str, list[dict[str, str]]]
    waiting = [start]
    order = []
    for module in waiting:
        for symbol, _crc, _weak in module.imports:
            place = subject.table.owners.get(subject.table.known_name(symbol), KERNEL)
            if place == KERNEL:
                continue
            owner = subject.modules[place]
            if owner.path not in came_by:
                step = {"user": module.path, "symbol": symbol, "owner": owner.path}
                came_by[owner.path] = came_by[module.path] + [step]
                waiting.append(owner)
                order.append(owner.path)
    return [{"path": path, "steps": came_by[path]} for path in order]


def _as_old_kmod(subject, index):
    # type: (Subject, int) -> dict[str, Any]
    # What kmod 9 to 17 would have written.
    lines = depgraph.dependencies_as_kmod9(subject.modules)
    module = subject.modules[index]
    missing = []
    for owner in _missing(subject, subject.lines[index], lines[index]):
        symbols = []
        for symbol, _crc, _weak in module.imports:
            exporters = subject.exporters.get(subject.table.known_name(symbol), [])
            files = [subject.file_of(each) for each in exporters]
            if len(exporters) % 2 == 0 and subject.file_of(owner) in files:
                paths = [each.path for each in exporters]
                symbols.append({"symbol": symbol, "exporters": paths})
        missing.append({"path": owner.path, "symbols": symbols})
    left_out_of = []
    for place, other in enumerate(subject.modules):
        lost = _missing(subject, subject.lines[place], lines[place])
        if subject.file_of(module) in [subject.file_of(each) for each in lost]:
            left_out_of.append(other.path)
    return {
        "line": [each.path for each in lines[index]],
        "missing": missing,
        "left_out_of": left_out_of,
    }


def _missing(subject, right, old):
    # type: (Subject, Iterable[Module], Iterable[Module]) -> list[Module]
    # An old kmod may name the file by one of its links.
    there = set([subject.file_of(module) for module in old])
    return [module for module in right if subject.file_of(module) not in there]
