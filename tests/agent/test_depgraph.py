"""From imports to lines of modules.dep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modferry_agent.core import cycles, depgraph
from modferry_agent.core.module import Module
from modferry_agent.errors import FormatError


def _module(name: str, exports: str = "", imports: str = "", weak: str = "") -> Module:
    return Module(
        f"{name}.ko",
        [(symbol, 0) for symbol in exports.split()],
        [(symbol, 0, False) for symbol in imports.split()]
        + [(symbol, 0, True) for symbol in weak.split()],
    )


def _named(lines: list[list[Module]]) -> list[str]:
    return [" ".join(module.name for module in line) for line in lines]


def _rtai(copies: int) -> list[Module]:
    hal = _module("hal", "printk_rt")
    sched = _module("sched", "rt_schedule wake_up", "printk_rt")
    links = [sched.renamed(f"link{number}.ko") for number in range(copies - 1)]
    sem = _module("sem", "sem_wait", "rt_schedule printk_rt")
    return [hal, sched, *links, sem]


def test_users_come_before_what_they_use():
    modules = [
        _module("low", "low"),
        _module("mid", "mid", "low printk"),
        _module("top", "", "low mid"),
    ]

    assert _named(depgraph.dependencies(modules)) == ["", "low", "mid low"]


def test_a_weak_import_is_a_dependency():
    modules = [_module("a", "a"), _module("b", weak="a")]

    assert _named(depgraph.dependencies(modules)) == ["", "a"]


def test_a_link_has_its_files_dependencies_and_nothing_depends_on_it():
    modules = _rtai(3)
    for link in modules[2:4]:
        link.link_of = modules[1]

    got = depgraph.dependencies(modules)

    assert _named(got) == ["", "hal", "hal", "hal", "sched hal"]


def test_each_new_edge_is_told_once():
    told: list[tuple[int, str, int]] = []
    modules = [_module("a", "x y"), _module("b", "", "x y")]

    edges = depgraph.edges_of(
        modules, depgraph.symbol_table(modules), lambda *edge: told.append(edge)
    )

    assert edges == [[], [0]]
    assert told == [(1, "x", 0)]


# Measured on a box: kmod 9 with 1 to 6 names of one file.
@pytest.mark.parametrize("copies", [1, 2, 3, 4, 5, 6])
def test_an_even_number_of_copies_loses_a_symbol(copies: int):
    modules = _rtai(copies)

    got = depgraph.dependencies_as_kmod9(modules)

    lost = copies % 2 == 0
    owner = modules[copies].name
    assert _named(got)[-1] == ("hal" if lost else f"{owner} hal")
    assert sorted(depgraph.lost_by_old_kmod(modules)) == (
        ["rt_schedule", "wake_up"] if lost else []
    )


def test_links_do_not_change_what_an_old_kmod_made_of_them():
    modules = _rtai(6)
    plain = _named(depgraph.dependencies_as_kmod9(modules))
    for link in modules[2:-1]:
        link.link_of = modules[1]

    assert _named(depgraph.dependencies_as_kmod9(modules)) == plain
    assert _named(depgraph.dependencies_as_kmod(modules))[-1] == "link4 hal"


def test_an_old_kmod_wrote_lines_for_cycles_too():
    modules = [
        _module("a", "a", "b"),
        _module("b", "b", "a c"),
        _module("c", "c"),
        _module("user", "", "a"),
    ]

    got = depgraph.dependencies_as_kmod9(modules)

    assert {module.name for module in got[0]} == {"a", "b", "c"}
    assert {module.name for module in got[3]} == {"a", "b", "c"}


def test_copies_are_named():
    modules = _rtai(2)

    copies = depgraph.copies_of_exports(modules)

    assert [module.name for module in copies["wake_up"]] == ["sched", "link0"]


def test_a_cycle_is_an_error_that_names_it():
    modules = [
        _module("a", "a", "b"),
        _module("b", "b", "c"),
        _module("c", "c", "a"),
        _module("user", "", "a"),
    ]

    with pytest.raises(FormatError) as caught:
        depgraph.dependencies(modules)

    assert caught.value.code == "dependency-cycle"
    assert caught.value.details["chains"] == [["a.ko", "b.ko", "c.ko", "a.ko"]]
    assert caught.value.details["modules"] == 3


def test_a_module_that_needs_itself_is_a_cycle():
    with pytest.raises(FormatError) as caught:
        depgraph.dependencies([_module("a", "x", "x")])

    assert caught.value.details["chains"] == [["a.ko", "a.ko"]]


def test_two_joined_cycles_end():
    # kmod follows la -> xx -> ma -> mb -> ma ... until its memory is gone.
    edges = [[1, 2], [0], [3], [4], [3]]

    got = cycles.chains(edges)

    assert got == [[0, 1, 0], [3, 4, 3]]


def test_many_cycles_are_not_all_named():
    edges = [[other for other in range(14) if other != one] for one in range(14)]

    assert 0 < len(cycles.chains(edges)) <= 100 + 13


@given(
    st.lists(st.lists(st.integers(0, 19), max_size=4), min_size=20, max_size=20),
)
def test_every_line_is_a_load_order(wanted: list[list[int]]):
    # Each module uses only ones of higher number: no cycle.
    edges = [
        sorted({other for other in found if other > index})
        for index, found in enumerate(wanted)
    ]
    modules = [
        _module(f"m{index}", f"s{index}", " ".join(f"s{other}" for other in found))
        for index, found in enumerate(edges)
    ]

    lines = depgraph.dependencies(modules)

    for index, line in enumerate(lines):
        loaded: set[str] = set()
        for module in [*reversed(line), modules[index]]:
            needed = {modules[other].name for other in edges[modules.index(module)]}
            assert needed <= loaded
            loaded.add(module.name)
