"""Imports that nobody gives, or that were built against another CRC (depmod -e).

Source: kmod, tools/depmod.c, depmod_load_module_dependencies.
"""

from modferry_agent.core.symbols import SymbolTable  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401


def complaints(modules, table, with_crcs):
    # type: (Sequence[Module], SymbolTable, bool) -> list[tuple[Module, str, str]]
    """Return ``(module, symbol, "unknown" or "disagrees")`` in kmod's order.

    with_crcs: the table has the CRCs of a Module.symvers, so that they can be compared

    A weak import may stay unknown and may differ.
    """
    found = []
    for module in modules:
        if module.link_of is not None:
            continue
        for symbol, crc, weak in module.imports:
            name = table.known_name(symbol)
            if weak:
                continue
            if name not in table.owners:
                found.append((module, symbol, "unknown"))
            elif with_crcs and table.crcs.get(name, 0) != crc:
                found.append((module, symbol, "disagrees"))
    return found
