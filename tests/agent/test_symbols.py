"""Who exports a symbol."""

from __future__ import annotations

from modferry_agent.core import symbolcheck, symbols
from modferry_agent.core.module import Module


def test_the_later_exporter_owns_and_the_conflict_is_kept():
    table = symbols.SymbolTable()
    modules = [Module(f"{name}.ko", [("x", 1)]) for name in "abc"]

    table.add_modules(modules)

    assert table.owners == {"x": 2}
    assert table.conflicts == {"x": [0, 1, 2]}


def test_a_module_owns_before_the_kernel_without_a_conflict():
    table = symbols.SymbolTable()
    table.add_kernel([("printk", 5), ("x", 6)])

    table.add_modules([Module("a.ko", [("x", 1)])])

    assert table.owners["x"] == 0
    assert table.owners["printk"] == table.owners["__this_module"] == symbols.KERNEL
    assert table.owned_by_modules() == {"x": 0}
    assert table.conflicts == {}


def test_a_link_exports_nothing_of_its_own():
    file = Module("a.ko", [("x", 1)])
    table = symbols.SymbolTable()

    table.add_modules([file, file.renamed("b.ko", file)])

    assert table.owners == {"x": 0}


def test_prefixes_and_dots_come_off():
    table = symbols.SymbolTable("_")
    table.add_modules([Module("a.ko", [("_x", 1), ("y", 2)])])

    assert sorted(table.owners) == ["x", "y"]
    assert table.known_name("._x") == "x"
    assert table.known_name("y") == "y"


def test_unknown_and_differing_imports_are_told_unless_weak():
    table = symbols.SymbolTable()
    table.add_kernel([("known", 1), ("other", 2)])
    imports = [
        ("known", 1, False),
        ("other", 3, False),
        ("missing", 0, False),
        ("absent", 0, True),
    ]
    module = Module("a.ko", imports=imports)
    modules = [module, module.renamed("b.ko", module)]

    plain = symbolcheck.complaints(modules, table, with_crcs=False)
    with_crcs = symbolcheck.complaints(modules, table, with_crcs=True)

    assert plain == [(module, "missing", "unknown")]
    assert with_crcs == [(module, "other", "disagrees"), (module, "missing", "unknown")]
