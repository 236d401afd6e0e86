"""The index trie, built, written and read."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry_agent.core import trie, triereader
from modferry_agent.errors import FormatError

KEYS = st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=255), max_size=8)
PAIRS = st.lists(st.tuples(KEYS, KEYS, st.integers(0, 3)), max_size=30)


@settings(deadline=None)
@given(PAIRS, st.sampled_from(["pre", "post"]))
def test_what_was_put_in_is_found(pairs: list[tuple[str, str, int]], order: str):
    index = trie.Index(trie.encode(trie.build(pairs), order))

    assert sorted(index.items()) == sorted(
        (key, priority, value) for key, value, priority in pairs
    )
    for key, _value, _priority in pairs:
        expected = sorted(
            ((priority, value) for k, value, priority in reversed(pairs) if k == key),
            key=lambda pair: pair[0],
        )
        assert index.lookup(key) == [value for _priority, value in expected]
    assert index.lookup("\x01" * 9) == []


@given(PAIRS)
def test_a_python_without_bisect_writes_the_same(pairs: list[tuple[str, str, int]]):
    expected = trie.encode(trie.build(pairs))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trie, "_finder", lambda: trie._bisect_left)
        got = trie.encode(trie.build(pairs))

    assert got == expected


def test_an_empty_index_has_twelve_bytes():
    for order in ("pre", "post"):
        got = trie.encode(trie.build([]), order)

        assert got == struct.pack(">III", 0xB007F457, 0x00020001, 12)
        assert list(trie.Index(got).items()) == []
        assert trie.Index(got).lookup("a") == []


def test_a_node_stands_before_its_children_or_behind_them():
    root = trie.build([("ab", "1", 0), ("ac", "2", 0)])
    before, behind = trie.encode(root), trie.encode(root, "post")

    assert len(before) == len(behind)
    assert before[8:12] == struct.pack(">I", 12 | triereader.HAS_CHILDREN)
    assert behind[8:12] != before[8:12]


def test_keys_nested_deeper_than_pythons_stack_are_written_and_read():
    pairs = [("a" * length, "v", 0) for length in range(3000)]

    for order in ("pre", "post"):
        index = trie.Index(trie.encode(trie.build(pairs), order))

        assert index.lookup("a" * 2999) == ["v"]


def _index(*pairs: tuple[str, str, int]) -> trie.Index:
    return trie.Index(trie.encode(trie.build(pairs)))


def test_wildcards_in_keys_match_a_name():
    index = _index(
        ("pci:v1d*", "star", 5),
        ("pci:v1d?", "one", 4),
        ("pci:v1d[0-9]", "set", 3),
        ("pci:v1d7", "exact", 2),
        ("pci:v2*x", "other", 1),
        ("*", "all", 0),
    )

    assert index.match("pci:v1d7") == ["all", "exact", "set", "one", "star"]
    assert index.match("pci:v1d77") == ["all", "star"]
    assert index.match("pci:v2aax") == ["all", "other"]
    assert index.match("") == ["all"]


def test_a_wildcard_within_a_prefix_and_a_name_that_ends_before_it():
    index = _index(("usb:a*b*c", "one", 0), ("usb:a*b", "two", 0))

    assert index.match("usb:axxbxxc") == ["one"]
    assert index.match("usb:axb") == ["two"]
    assert index.match("us") == []
    assert index.match("usb:b") == []


def test_of_equal_priorities_the_later_found_comes_first():
    index = _index(("a*", "star", 0), ("ab", "plain", 0), ("a*b", "both", 0))

    # Found in this order: below the star, the star's own, the plain one.
    assert index.match("ab") == ["plain", "star", "both"]


def test_the_same_value_twice_is_given_twice():
    assert _index(("a", "m", 1), ("a", "m", 1)).lookup("a") == ["m", "m"]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xb0\x07\xf4\x57\0\2\0",
        b"\x7fELF" + bytes(8),
        struct.pack(">III", 0xB007F457, 0x00030001, 12),
    ],
)
def test_a_file_that_is_no_index_is_told(octets: bytes):
    with pytest.raises(FormatError) as caught:
        trie.Index(octets)

    assert caught.value.code == "index-damaged"


@pytest.mark.parametrize(
    ("root", "body"),
    [
        (0x80000000 | 12, b"no end"),
        (0x80000000 | 4000, b""),
        (0x40000000 | 12, b"\0\0"),
        (0x40000000 | 12, b"\x7f\xff\xff\xff"),
        (0x40000000 | 12, struct.pack(">II", 1, 0) + b"no end"),
        (0x20000000 | 12, b"ba"),
        (0x20000000 | 12, b"aa"),
        (0x20000000 | 12, b"aa" + struct.pack(">I", 0x20000000 | 12)),
    ],
)
def test_a_damaged_index_is_told_and_ends(root: int, body: bytes):
    index = trie.Index(struct.pack(">III", 0xB007F457, 0x00020001, root) + body)

    with pytest.raises(FormatError) as caught:
        list(index.items())

    assert caught.value.code == "index-damaged"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_does_more_than_a_format_error(data: st.DataObject):
    good = trie.encode(
        trie.build([("alpha", "1", 0), ("alp*", "2", 1), ("beta", "3", 2)])
    )
    at = data.draw(st.integers(8, len(good) - 1))
    octets = good[:at] + bytes((data.draw(st.integers(0, 255)),)) + good[at + 1 :]
    with contextlib.suppress(FormatError):
        index = trie.Index(octets[: data.draw(st.integers(12, len(good)))])
        index.lookup("alpha")
        index.match("alpine")
        list(index.items())


def test_an_index_beyond_the_offsets_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trie, "OFFSET_MASK", 20)

    with pytest.raises(FormatError) as caught:
        trie.encode(trie.build([("a-long-key", "value", 0)]))

    assert caught.value.code == "index-too-large"
