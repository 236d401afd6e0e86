"""From imports to owners to dependencies in load order, as kmod's depmod has it.

A dependency line names all that a module needs, directly or not, users before what
they use; modprobe loads it from right to left.

Source: kmod, tools/depmod.c, depmod_calculate_dependencies and output_deps.
"""

from modferry_agent.core import cycles
from modferry_agent.core.symbols import KERNEL, SymbolTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

    Edges = Sequence[Sequence[int]]
    Needs = Callable[[int, str, int], None]
    Ranks = Sequence[int | None]


def symbol_table(modules):
    # type: (Sequence[Module]) -> SymbolTable
    """Return the table of what the modules export, without the kernel's symbols."""
    table = SymbolTable()
    table.add_modules(modules)
    return table


def dependencies(modules, table=None):
    # type: (Sequence[Module], SymbolTable | None) -> list[list[Module]]
    """Return, for each module in order, the modules of its line in modules.dep.

    A link (``link_of``) gets the dependencies of its file, and nothing depends on it.
    Raises FormatError with code ``dependency-cycle``.
    """
    if table is None:
        table = symbol_table(modules)
    edges = edges_of(modules, table)
    rank = ranks(edges)
    if None in rank:
        raise cycles.cycle_error(edges, [module.path for module in modules])
    return _lines(modules, edges, rank)


def edges_of(modules, table, needs=None):
    # type: (Sequence[Module], SymbolTable, Needs | None) -> list[list[int]]
    """Return, for each module, the indexes of those that own its imports, once each.

    The order is that of the imports.  A weak import makes an edge; a link has none.
    needs: called with module, symbol and owner for each new edge
    """
    owners = table.owners
    plain = not table.prefix
    edges = []
    for index, module in enumerate(modules):
        found = []  # type: list[int]
        seen = set([KERNEL])
        if module.link_of is None:
            needed = module.needed
            if not plain or module.is_dotted:
                needed = [table.known_name(symbol) for symbol in needed]
            # Most imports are the kernel's, which has no place in the table.
            for symbol in [one for one in needed if one in owners]:
                owner = owners[symbol]
                if owner not in seen:
                    seen.add(owner)
                    found.append(owner)
                    if needs is not None:
                        needs(index, symbol, owner)
        edges.append(found)
    return edges


def ranks(edges):
    # type: (Edges) -> list[int | None]
    """Return each module's place, users before what they use; None: in a cycle."""
    users = [0] * len(edges)
    for found in edges:
        for owner in found:
            users[owner] += 1
    rank = [None] * len(edges)  # type: list[int | None]
    free = [index for index, count in enumerate(users) if count == 0]
    place = 0
    while free:
        index = free.pop()
        rank[index] = place
        place += 1
        for owner in edges[index]:
            users[owner] -= 1
            if users[owner] == 0:
                free.append(owner)
    return rank


def _lines(modules, edges, rank):
    # type: (Sequence[Module], Edges, Ranks) -> list[list[Module]]
    below = _reachable(edges, rank)
    places = dict([(id(module), index) for index, module in enumerate(modules)])
    lines = []
    for index, module in enumerate(modules):
        if module.link_of is not None:
            index = places[id(module.link_of)]
        ordered = sorted(below[index], key=lambda owner: rank[owner] or 0)
        lines.append([modules[owner] for owner in ordered])
    return lines


def _reachable(edges, rank):
    # type: (Edges, Ranks) -> list[set[int]]
    # Everything below each module.  Deepest first, so that what an owner reaches is
    # known; in a cycle (an old kmod went on) the rest is followed step by step.
    below = [set(found) for found in edges]
    cyclic = []
    order = [(place, index) for index, place in enumerate(rank) if place is not None]
    for index, place in enumerate(rank):
        if place is None:
            cyclic.append(index)
    for index in cyclic:
        waiting = list(edges[index])
        while waiting:
            for owner in edges[waiting.pop()]:
                if owner not in below[index]:
                    below[index].add(owner)
                    waiting.append(owner)
    for _place, index in sorted(order, reverse=True):
        for owner in edges[index]:
            below[index] |= below[owner]
    return below


def copies_of_exports(modules):
    # type: (Sequence[Module]) -> dict[str, list[Module]]
    """Return, for each symbol, the modules that export it: files and their links."""
    copies = {}  # type: dict[str, list[Module]]
    for module in modules:
        for symbol, _crc in module.exports:
            copies.setdefault(symbol, []).append(module)
    return copies


def lost_by_old_kmod(modules):
    # type: (Sequence[Module]) -> dict[str, list[Module]]
    """Return the symbols that kmod 9 to 17 cannot find again, and who exports them.

    Adding a symbol again, its hash table keeps a key that lies in freed memory: what is
    exported an even number of times is lost, after an odd number it is found again.
    Each link to a file counts, since kmod takes it for a module of its own.

    Source: kmod commit of release 18 that replaces the key together with the value in
    hash_add; the rule holds on each line of two real trees.
    """
    copies = copies_of_exports(modules)
    return dict([pair for pair in copies.items() if len(pair[1]) % 2 == 0])


def dependencies_as_kmod9(modules):
    # type: (Sequence[Module]) -> list[list[Module]]
    """Return the lines of modules.dep as kmod 9 to 17 wrote them; links are modules."""
    return lines_of_own(modules, owners_as_kmod9(modules))[0]


def dependencies_as_kmod(modules):
    # type: (Sequence[Module]) -> list[list[Module]]
    """Return the lines of modules.dep as kmod 18 and newer have them; links as modules.

    A cycle is not reported: what is in it stands in any order.
    """
    return lines_of_own(modules, owners_as_kmod(modules))[0]


def owners_as_kmod9(modules):
    # type: (Sequence[Module]) -> SymbolTable
    """Return who owns what for kmod 9 to 17: see `lost_by_old_kmod`."""
    table = owners_as_kmod(modules)
    for symbol in lost_by_old_kmod(modules):
        del table.owners[symbol]
    return table


def owners_as_kmod(modules):
    # type: (Sequence[Module]) -> SymbolTable
    """Return who owns what for kmod 18 and newer: of all that export it the last."""
    table = SymbolTable()
    for index, module in enumerate(modules):
        for symbol, _crc in module.exports:
            table.owners[symbol] = index
    return table


def lines_of_own(modules, table):
    # type: (Sequence[Module], SymbolTable) -> tuple[list[list[Module]], Ranks]
    """Return the lines where each link is a module of its own, and the `ranks`."""
    own = [module.renamed(module.path) for module in modules]
    back = dict([(id(copy), module) for copy, module in zip(own, modules)])
    edges = edges_of(own, table)
    rank = ranks(edges)
    lines = _lines(own, edges, rank)
    return [[back[id(copy)] for copy in line] for line in lines], rank
