"""What another depmod makes of a tree, against models that share nothing with it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry_agent.core import explain, foresight
from modferry_agent.core.foresight import KMOD, MODULE_INIT_TOOLS
from modferry_agent.core.module import Module
from modferry_agent.core.symbols import SymbolTable
from support import oldkmods
from support.oldkmods import Built

SYMBOLS = [f"s{letter}" for letter in string.ascii_lowercase[:8]]
FOLDERS = ("", "kernel/", "rtai/", "extra/deep/")


@st.composite
def trees(draw, *, cycles=False):
    """Return modules in some order: files, and any number of links to each.

    Without cycles a file imports only what earlier ones export, or its own kind of name
    that nobody has.
    """
    files = []
    count = draw(st.integers(1, 6))
    for number in range(count):
        exports = draw(st.lists(st.sampled_from(SYMBOLS), max_size=3, unique=True))
        files.append((number, exports))
    modules = []
    for number, exports in files:
        known = SYMBOLS if cycles else sorted(_only_before(files, number))
        imports = draw(
            st.lists(st.sampled_from(known), max_size=4, unique=True)
            if known
            else st.just([])
        )
        path = f"{draw(st.sampled_from(FOLDERS))}m{number}.ko"
        file = Module(
            path, [(one, 0) for one in exports], [(one, 0, False) for one in imports]
        )
        modules.append(file)
        for link in range(draw(st.integers(0, 5))):
            folder = draw(st.sampled_from(FOLDERS))
            modules.append(file.renamed(f"{folder}m{number}_l{link}.ko", file))
    return draw(st.permutations(modules))


# What is exported by files before this one and by none from it on: no cycle can come
# of it, whatever the order of the modules and whoever is the last exporter.
def _only_before(files, number):
    before = {symbol for at, exports in files if at < number for symbol in exports}
    later = {symbol for at, exports in files if at >= number for symbol in exports}
    return before - later


def built(modules):
    return [
        Built(
            one.path,
            tuple(symbol for symbol, _ in one.exports),
            tuple(symbol for symbol, _, _ in one.imports),
        )
        for one in modules
    ]


def lines_of(modules, tool, version):
    outcome = foresight.outcome(modules, tool, version)
    return {path: set(line) for path, line in outcome.lines.items()}


@settings(deadline=None)
@given(st.lists(st.sampled_from(SYMBOLS), max_size=14))
def test_a_table_that_frees_its_keys_finds_what_was_added_an_odd_number_of_times(added):
    # The rule itself, for one symbol at a time: others take the freed room at once.
    for symbol in set(added):
        table = oldkmods.FreedKeys()
        for number in range(added.count(symbol)):
            table.add(symbol, f"owner{number}")
            table.add(f"other{number}", "other")
        expected = added.count(symbol) % 2 == 1
        assert (table.find(symbol) is not None) == expected


@settings(deadline=None)
@pytest.mark.parametrize("version", [9, 12, 17])
@given(modules=trees())
def test_kmod_9_to_17_lose_what_is_exported_an_even_number_of_times(version, modules):
    expected = oldkmods.closures(built(modules), oldkmods.found_by_counting)

    assert lines_of(modules, KMOD, version) == expected


@settings(deadline=None)
@pytest.mark.parametrize("version", [18, 30, 34])
@given(modules=trees())
def test_kmod_from_18_on_takes_the_last_exporter(version, modules):
    expected = oldkmods.closures(built(modules), oldkmods.found_last)

    assert lines_of(modules, KMOD, version) == expected


@settings(deadline=None)
@given(modules=trees(cycles=True))
def test_a_cycle_keeps_kmod_from_18_on_from_writing(modules):
    reached = oldkmods.closures(built(modules), oldkmods.found_last)

    outcome = foresight.outcome(modules, KMOD, 18)

    circles = bool(oldkmods.in_circles(reached))
    assert outcome.refusal == ("dependency-cycle" if circles else "")


@settings(deadline=None)
@given(modules=trees(cycles=True))
def test_a_cycle_costs_old_kmods_the_lines_of_what_is_in_it_and_below(modules):
    reached = oldkmods.closures(built(modules), oldkmods.found_by_counting)

    outcome = foresight.outcome(modules, KMOD, 9)

    assert outcome.refusal == ""
    assert set(outcome.left_out) == oldkmods.below_circles(reached)
    assert outcome.lines.keys() == reached.keys() - set(outcome.left_out)


@settings(deadline=None)
@given(modules=trees(cycles=True))
def test_module_init_tools_leave_out_what_reaches_a_cycle(modules):
    reached = oldkmods.closures(built(modules), oldkmods.found_last)
    circles = oldkmods.in_circles(reached)

    outcome = foresight.outcome(modules, MODULE_INIT_TOOLS, 12)

    expected = {name for name, below in reached.items() if below & circles}
    assert set(outcome.left_out) == expected | circles


def judged(modules, version, now=None):
    table = SymbolTable()
    table.add_modules(modules)
    files = [one.link_of.path if one.link_of else one.path for one in modules]
    subject = explain.Subject(modules, files, table)
    coming = foresight.outcome(modules, KMOD, version)
    return foresight.judged(subject, coming, now)


@settings(deadline=None)
@given(modules=trees())
def test_a_module_breaks_just_if_a_file_that_it_needs_is_under_no_name(modules):
    own = {one.path: one.link_of.path if one.link_of else one.path for one in modules}
    files = [one for one in built(modules) if own[one.name] == one.name]
    right = oldkmods.closures(files, oldkmods.found_last)
    will = oldkmods.closures(built(modules), oldkmods.found_by_counting)
    expected = {
        name for name in own if right[own[name]] - {own[one] for one in will[name]}
    }

    found = judged(modules, 9)

    assert {each["path"] for each in found} == expected
    for each in found:
        lacks = right[own[each["path"]]] - {own[one] for one in will[each["path"]]}
        assert {cause["path"] for cause in each["missing"]} == lacks


@settings(deadline=None)
@given(modules=trees())
def test_the_cause_of_a_loss_is_a_symbol_under_an_even_number_of_names(modules):
    for each in judged(modules, 9):
        for cause in each["missing"]:
            exporters = {
                one.path
                for one in modules
                if cause["symbol"] in [symbol for symbol, _ in one.exports]
            }
            assert set(cause["exporters"]) == exporters
            assert len(exporters) % 2 == 0
            assert set(cause["links"]) == {
                one.path for one in modules if one.path in exporters and one.link_of
            }


def test_what_lacks_the_same_now_is_broken_already():
    owner = Module("a.ko", [("one", 0)])
    link = owner.renamed("b.ko", owner)
    user = Module("c.ko", [], [("one", 0, False)])
    modules = [owner, link, user]

    (before,) = judged(modules, 9, {"a.ko": [], "b.ko": [], "c.ko": ["a.ko"]})
    (after,) = judged(modules, 9, {"a.ko": [], "b.ko": [], "c.ko": []})

    assert (before["state"], before["had"]) == ("breaks", ["a.ko"])
    assert (after["state"], after["had"]) == ("broken", [])


@pytest.mark.parametrize(("version", "refusal"), [(33, ""), (34, "high-byte")])
def test_a_byte_above_7f_ends_kmod_from_34_on(version, refusal):
    module = Module("a.ko", strings=["alias=platform:x\x80"])

    outcome = foresight.outcome([module], KMOD, version)

    assert outcome.refusal == refusal
