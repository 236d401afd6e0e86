"""Who exports a symbol: owners, the candidates that lost, and why.

Source: kmod, tools/depmod.c, depmod_symbol_add and depmod_symbol_find.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

# The owner of what the kernel itself exports.
KERNEL = -1

# Names that modules use and nobody exports.
_ALWAYS_KNOWN = ("__this_module", "_GLOBAL_OFFSET_TABLE_", "TOC.")


class SymbolTable(object):
    """Symbols with their owner, an index into the list of modules, or KERNEL.

    A symbol that is added again belongs to the later owner, as in kmod: a module before
    the kernel, a later module before an earlier one.

    conflicts: symbol -> indexes of the modules that export it, where they are several;
        the last one is the owner
    of_kernel: what the kernel exports, if it was added
    """

    def __init__(self, prefix=""):
        # type: (str) -> None
        """Make an empty table; one prefix character is taken off symbols."""
        self.prefix = prefix
        self.owners = {}  # type: dict[str, int]
        self.crcs = {}  # type: dict[str, int]
        self.conflicts = {}  # type: dict[str, list[int]]
        self.of_kernel = set()  # type: set[str]

    def add_kernel(self, symbols, are_bare=False):
        # type: (Iterable[tuple[str, int]], bool) -> None
        """Add ``(symbol, crc)`` of the kernel, and the names that are always known.

        are_bare: the prefix was taken off them
        """
        for symbol in _ALWAYS_KNOWN:
            self.owners[symbol] = KERNEL
        prefix = self.prefix
        if are_bare:
            self.prefix = ""
        for symbol, crc in symbols:
            self._add(symbol, crc, KERNEL)
        self.prefix = prefix
        self.of_kernel.update(self.owners)

    def add_modules(self, modules):
        # type: (Sequence[Module]) -> None
        """Add the exports of all modules but links, in order."""
        for index, module in enumerate(modules):
            if module.link_of is None:
                for symbol, crc in module.exports:
                    self._add(symbol, crc, index)

    def _add(self, symbol, crc, owner):
        # type: (str, int, int) -> None
        if self.prefix and symbol.startswith(self.prefix):
            symbol = symbol[1:]
        before = self.owners.get(symbol, KERNEL)
        if before not in (KERNEL, owner):
            self.conflicts.setdefault(symbol, [before]).append(owner)
        self.owners[symbol] = owner
        self.crcs[symbol] = crc

    def known_name(self, symbol):
        # type: (str) -> str
        """Return an import's name as the table has it."""
        if symbol[:1] == ".":
            symbol = symbol[1:]
        if self.prefix and symbol.startswith(self.prefix):
            symbol = symbol[1:]
        return symbol

    def owned_by_modules(self):
        # type: () -> dict[str, int]
        """Return the symbols that modules own, and their owners."""
        return dict([pair for pair in self.owners.items() if pair[1] != KERNEL])
