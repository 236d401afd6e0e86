"""Names of modules and aliases, and their order."""

from __future__ import annotations

import pytest

from modferry_agent.core import names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("kernel/snd-hda.ko", "snd_hda"),
        ("a.b.ko", "a"),
        ("/x/y-z.ko.xz", "y_z"),
        ("plain", "plain"),
    ],
)
def test_a_module_is_named_by_its_file_up_to_the_first_dot(path: str, name: str):
    assert names.module_name(path) == name


@pytest.mark.parametrize(
    ("file", "is_module"),
    [
        ("a.ko", True),
        ("a.ko.gz", True),
        ("a.ko.zst", True),
        (".ko", False),
        (".ko.xz", False),
        ("a.ko.bz2", False),
        ("ako", False),
    ],
)
def test_a_module_file_is_told_by_its_ending(file: str, *, is_module: bool):
    assert names.is_module_file(file) is is_module


@pytest.mark.parametrize(
    ("alias", "key"),
    [
        ("a-b", "a_b"),
        ("a[b-c]d-e[-]", "a[b-c]d_e[-]"),
        ("pci:v*d[0-9]", "pci:v*d[0-9]"),
        ("a[b", None),
        ("a]b", None),
        ("[[]", "[[]"),
        ("", ""),
    ],
)
def test_dashes_in_brackets_stay(alias: str, key: str | None):
    assert names.normalise_alias(alias) == key


def test_the_order_follows_the_first_mention_and_then_the_hash():
    paths = ["k/a.ko", "k/b.ko", "k/c.ko.xz", "k/d.ko"]
    text = "k/c.ko\nk/none.ko\nk/b.ko\nk/c.ko\n"

    first, _ = names.ordered_modules(paths, text)
    last, _ = names.ordered_modules(paths, text, first_mention=False)

    assert first[:2] == ["k/c.ko.xz", "k/b.ko"]
    assert last[:2] == ["k/b.ko", "k/c.ko.xz"]
    base = names.hash_order(["a", "d"], names.MODULE_BUCKETS)
    assert first[2:] == last[2:] == [f"k/{name}.ko" for name in base]


def test_an_order_file_without_its_last_newline_is_not_used():
    paths = ["k/a.ko", "k/b.ko"]
    base, _ = names.ordered_modules(paths, None)

    order, complaint = names.ordered_modules(paths, "k/b.ko\nk/a.ko")

    assert order == base
    assert complaint is not None
    assert "line 2" in complaint


def test_no_order_file_is_complained_of():
    _, complaint = names.ordered_modules([], None)

    assert complaint is not None
    assert "missing" in complaint


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 127, 128, 129, 300])
def test_keys_of_all_lengths_have_a_hash_of_32_bits(length: int):
    assert 0 <= names.hash_of("x" * length) <= 0xFFFFFFFF
