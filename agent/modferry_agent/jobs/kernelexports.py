"""What a file says that the kernel exports, and what the modules lack then.

Source: kmod, tools/depmod.c: depmod -E, -F and -e.
"""

from modferry_agent.compat import TYPE_CHECKING, native
from modferry_agent.core import symbolcheck
from modferry_agent.errors import FileError, RequestError
from modferry_agent.system import treefiles

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin
    from modferry_agent.core.symbols import SymbolTable  # noqa: F401
    from modferry_agent.jobs.tree import Tree  # noqa: F401

_TEXTS = {
    "unknown": "needs unknown symbol %s",
    "disagrees": "disagrees about version of symbol %s",
}


def add_exports(table, symvers, filesyms, warnings):
    # type: (SymbolTable, str | None, str | None, list[tuple[str, str]]) -> None
    """Add what a Module.symvers, or else a System.map, says that the kernel exports.

    symvers, filesyms: their paths; warnings: gets ``(path, reason)`` of each bad line
    """
    path = symvers or filesyms or ""
    text = treefiles.read_if_there(path)
    if text is None:
        raise FileError(
            "there is no such file, or it cannot be read",
            where=path,
            hint="name the System.map or Module.symvers as it lies on the box",
            code="file-error",
        )

    from modferry_agent.core import kernelsymbols  # rarely asked for

    def report(number, reason):
        # type: (int, Any) -> None
        warnings.append((path, "line %d: %s" % (number, reason)))

    if symvers:
        table.add_kernel(kernelsymbols.parse_symvers(native(text), report))
    else:
        exported = kernelsymbols.parse_system_map(native(text), report)
        table.add_kernel(exported, are_bare=True)


def lacking(tree, table, with_crcs):
    # type: (Tree, SymbolTable, bool) -> list[tuple[str, str]]
    """Return path and reason of each import that nobody exports.

    with_crcs: or that was built against another CRC; the table has the kernel's
    """
    found = symbolcheck.complaints(tree.modules, table, with_crcs)
    return [(module.path, _TEXTS[what] % symbol) for module, symbol, what in found]


def check(symvers, filesyms, errsyms):
    # type: (str | None, str | None, bool) -> None
    """Raise RequestError if the three do not go together."""
    if symvers and filesyms:
        raise RequestError("of symvers and filesyms only one goes")
    if errsyms and not (symvers or filesyms):
        raise RequestError("errsyms needs symvers or filesyms")
