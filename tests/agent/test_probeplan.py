"""modprobe.d, the kernel's command line, and the steps that follow from them."""

from __future__ import annotations

import pytest

from modferry_agent.core import probeplan, trie
from modferry_agent.core.modprobeconfig import parse_command_line, parse_config


def index(*pairs: tuple[str, str]) -> trie.Index:
    rows = [(key, value, order) for order, (key, value) in enumerate(pairs)]
    return trie.Index(trie.encode(trie.build(rows)))


def sources(text: str = "", command_line: str = "") -> probeplan.Sources:
    found = probeplan.Sources(parse_config([("a.conf", text)], command_line))
    found.dep = index(
        ("a", "x/a.ko: x/b.ko x/c.ko"),
        ("b", "x/b.ko: x/c.ko"),
        ("c", "x/c.ko:"),
        ("d", "x/d.ko:"),
    )
    found.alias = index(("pci:*v1*", "a"), ("net-1", "d"))
    found.symbols = index(("symbol:give", "b"))
    found.builtin = index(("inside", ""))
    found.builtin_alias = index(("in-*", "inside"))
    return found


def names(found: probeplan.Sources, name: str, **given: object) -> list[str]:
    return [step.name for step in found.plan(name, **given)]


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("a", ["a"]),
        ("pci:00v1x", ["a"]),
        ("symbol:give", ["b"]),
        ("inside", ["inside"]),
        ("in-side", []),
        ("nosuch", []),
        ("[", []),
    ],
)
def test_a_name_is_looked_up_in_one_source_after_the_other(text: str, modules: list):
    assert sources().resolve(text) == modules


def test_an_alias_of_the_configuration_hides_a_module():
    assert sources("alias a d\nalias a c").resolve("a") == ["d", "c"]


def test_what_is_needed_comes_first():
    assert names(sources(), "a") == ["c", "b", "a"]


def test_softdeps_stand_around_their_module():
    found = sources("softdep b pre: d post: inside")

    assert names(found, "a") == ["c", "d", "b", "inside", "a"]
    assert [step.name for step in found.plan("a") if step.soft] == ["d", "inside"]


def test_options_come_from_all_lines_of_the_name_and_the_alias():
    found = sources("options a x=1\noptions foo y=2", "a.z=3")

    assert found.plan("a", "foo", "w=4")[-1].options == "x=1 y=2 z=3 w=4"
    assert found.plan("a")[-1].options == "x=1 z=3 "


def test_install_commands_give_way_to_softdeps_and_to_bare():
    text = "install c /bin/true $CMDLINE_OPTS\n"

    assert sources(text).plan("c")[0].command == "/bin/true $CMDLINE_OPTS"
    assert sources(text).plan("c", bare=True)[0].command is None
    assert sources(text + "softdep c pre: d").plan("c")[-1].command is None


def test_lines_are_joined_and_backslashes_dropped():
    got = parse_config([("f", "options a x=\\\n1\\4\n# no\n\n  blacklist b-c\n")])

    assert got.options == [("a", "x=14")]
    assert got.blacklist == ["b_c"]
    assert got.warnings == []


def test_bad_lines_are_named_by_their_place():
    got = parse_config([("f", "alias x\nfoo\n\noptions a\nblacklist\n")])

    assert [text.partition(":")[0] for _, text in got.warnings] == [
        "f line 1",
        "f line 2",
        "f line 4",
        "f line 5",
    ]


def test_the_first_softdep_line_counts():
    got = parse_config([("f", "softdep a* x pre: b\nsoftdep ab pre: c\nweakdep a d e")])

    assert got.softdeps_of("ab") == (["b"], [])
    assert got.weakdeps == [("a", ["d", "e"])]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("quiet a-b.c=1 d.e", [("a-b", "c", "1"), ("d", "e", None)]),
        ('m.p="x y" "n.q=v w"', [("m", "p", '"x y"'), ("n", "q", '"v w"')]),
        ("a=b.c ro x.y.z=1 root=/dev/x", []),
    ],
)
def test_the_kernels_command_line_sets_parameters(text: str, found: list):
    assert list(parse_command_line(text)) == found


def test_the_kernels_command_line_can_blacklist():
    got = parse_config([], "modprobe.blacklist=a,b-c")

    assert got.blacklist == ["a", "b-c"]
