"""Symbols that different files of a tree export."""

from modferry_agent.core import elf
from modferry_agent.errors import FileError, FormatError
from modferry_agent.system import treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401
    from modferry_agent.core.symbols import SymbolTable  # noqa: F401
    from modferry_agent.jobs.tree import Tree  # noqa: F401

_ENTRY = "__ksymtab_"


def conflicts(tree, table):
    # type: (Tree, SymbolTable) -> list[dict[str, Any]]
    """Return the symbols that different files export, with owner and others.

    Without modversions kmod takes what stands in ``__ksymtab_strings`` for symbols: the
    names of namespaces among them, which are no conflict.
    """
    found = []
    entries = {}  # type: dict[str, set[str]]
    for symbol in sorted(table.conflicts):
        exporters = table.conflicts[symbol]
        if len(set([tree.identities[index] for index in exporters])) == 1:
            continue
        owner = tree.modules[exporters[-1]]
        if owner.path not in entries:
            entries[owner.path] = _entries_of(tree, owner)
        if entries[owner.path] and symbol not in entries[owner.path]:
            continue
        paths = [tree.modules[index].path for index in exporters]
        found.append({"symbol": symbol, "owner": paths[-1], "others": paths[:-1]})
    return found


def _entries_of(tree, module):
    # type: (Tree, Module) -> set[str]
    # The symbols that have an entry in the module's table of exports.
    try:
        file = elf.Elf(treefiles.read_module(tree.path_of(module)))
        entries = file.starting_with(_ENTRY)
    except (FileError, FormatError):
        return set()
    return set([entry.name[len(_ENTRY) :] for entry in entries])
