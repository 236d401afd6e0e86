"""Relocatable files, read leniently."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry_agent.core import elf, module
from modferry_agent.errors import FormatError
from support import elfwriter

KINDS = [(64, "<"), (64, ">"), (32, "<"), (32, ">")]


@pytest.mark.parametrize(("bits", "byte_order"), KINDS)
def test_header_sections_and_symbols_are_read(bits: int, byte_order: str):
    octets = elfwriter.elf_file(
        [(".one", 1, b"first"), (".one", 1, b"second"), (".bss", 8, b"")],
        [elfwriter.SymbolEntry("defined", 7, 1), elfwriter.SymbolEntry("needed")],
        bits=bits,
        byte_order=byte_order,
    )

    file = elf.Elf(octets)

    assert (file.bits, file.byte_order, file.type) == (bits, byte_order, 1)
    assert file.named(".one") == b"first"
    assert file.named(".bss") == b""
    assert file.named(".none") is None
    assert file.section(".none") is None
    symbols = [(one.name, one.value, one.section_index) for one in file.symbols()]
    assert symbols == [("defined", 7, 1), ("needed", 0, 0)]
    assert [(one.binding, one.kind) for one in file.symbols()] == [(1, 0), (1, 0)]
    assert file.undefined() == [("needed", False)]
    assert file.problems == []


def test_a_register_symbol_of_sparc_is_no_import():
    symbols = [elfwriter.SymbolEntry("g2", kind=13), elfwriter.SymbolEntry("printk")]
    octets = elfwriter.elf_file([], symbols, bits=64, byte_order=">", machine=43)

    assert elf.Elf(octets).undefined() == [("printk", False)]


def test_undefined_symbols_behind_many_defined_ones_are_found():
    # Index 256 has a zero low byte, which is no undefined symbol.
    sections = [(f".s{index}", 1, b"") for index in range(256)]
    symbols = [elfwriter.SymbolEntry("in256", section=256), elfwriter.SymbolEntry("x")]

    assert elf.Elf(elfwriter.elf_file(sections, symbols)).undefined() == [("x", False)]


def _with_word(octets: bytes, at: int, layout: str, value: int) -> bytes:
    size = struct.calcsize(layout)
    return octets[:at] + struct.pack(layout, value) + octets[at + size :]


GOOD = elfwriter.kernel_module("good", exports=["give"], imports=["take"])


@pytest.mark.parametrize(
    ("octets", "code", "message"),
    [
        (b"", "not-elf", "not an ELF"),
        (b"MZ" + GOOD[2:], "not-elf", "not an ELF"),
        (GOOD[:10], "bad-elf", "class or byte order"),
        (GOOD[:4] + b"\x07" + GOOD[5:], "bad-elf", "class or byte order"),
        (GOOD[:40], "bad-elf", "ends within the ELF header"),
        (GOOD[:70], "bad-elf", "reach past the end"),
        (_with_word(GOOD, 58, "<H", 40), "bad-elf", "40 bytes"),
        (_with_word(GOOD, 62, "<H", 999), "bad-elf", "number 999"),
        (_with_word(GOOD, 62, "<H", 1), "bad-elf", "do not end in NUL"),
    ],
)
def test_a_broken_header_is_a_format_error(octets: bytes, code: str, message: str):
    if octets == _with_word(GOOD, 62, "<H", 1):
        octets = octets.replace(b"name=good\0", b"name=goods")

    with pytest.raises(FormatError) as caught:
        elf.Elf(octets)

    assert caught.value.code == code
    assert message in caught.value.message


def _section_header(octets: bytes, name: bytes) -> int:
    start, count = struct.unpack("<Q", octets[40:48])[0], octets[60]
    names_at = struct.unpack_from("<Q", octets, start + (count - 1) * 64 + 24)[0]
    for index in range(count):
        at = start + index * 64
        offset = names_at + struct.unpack_from("<I", octets, at)[0]
        if octets[offset : octets.index(b"\0", offset)] == name:
            return at
    raise AssertionError(name)


def test_a_section_past_the_end_is_as_if_absent_and_is_told():
    at = _section_header(GOOD, b".modinfo")
    octets = _with_word(GOOD, at + 32, "<Q", 1 << 40)

    file = elf.Elf(octets)

    assert file.named(".modinfo") is None
    assert file.problems == ["section .modinfo reaches past the end"]


def test_a_section_with_its_name_outside_is_skipped_and_told():
    at = _section_header(GOOD, b".modinfo")

    file = elf.Elf(_with_word(GOOD, at, "<I", 1 << 20))

    assert file.named(".modinfo") is None
    assert len(file.problems) == 1


def test_a_symbol_table_cut_within_an_entry_has_no_imports_and_no_crcs():
    at = _section_header(GOOD, b".symtab")

    got = module.parse_module("good.ko", _with_word(GOOD, at + 32, "<Q", 50))

    assert got.imports == []
    assert got.exports == [("give", 0)]
    assert got.problems == [".symtab is cut within an entry"]


def test_a_symbol_name_outside_makes_the_exports_those_of_ksymtab_strings():
    table = struct.unpack_from("<Q", GOOD, _section_header(GOOD, b".symtab") + 24)[0]

    got = module.parse_module("good.ko", _with_word(GOOD, table + 24, "<I", 1 << 30))

    assert got.exports == [("give", 0)]
    assert got.imports == [("take", 0, False)]
    assert len(got.problems) == 1


def test_an_import_with_its_name_outside_leaves_no_imports():
    table = struct.unpack_from("<Q", GOOD, _section_header(GOOD, b".symtab") + 24)[0]

    got = module.parse_module("good.ko", _with_word(GOOD, table + 72, "<I", 1 << 30))

    assert got.imports == []
    assert "has no name" in got.problems[-1]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, len(GOOD)),
)
def test_no_damage_does_more_than_a_format_error(
    changes: list[tuple[int, int]], cut: int
):
    octets = bytearray(GOOD)
    for at, value in changes:
        octets[at] = value
    for content in (bytes(octets), bytes(octets[:cut])):
        try:
            got = module.parse_module("good.ko", content)
        except FormatError:
            continue
        list(elf.Elf(content).symbols())
        assert got.name == "good"


def test_an_undefined_symbol_without_a_name_is_no_import():
    symbols = [elfwriter.SymbolEntry(""), elfwriter.SymbolEntry("x")]

    assert elf.Elf(elfwriter.elf_file([], symbols)).undefined() == [("x", False)]


def test_a_string_table_without_its_last_nul_is_read_to_its_end():
    at = _section_header(GOOD, b".strtab")
    size = struct.unpack_from("<Q", GOOD, at + 32)[0]

    file = elf.Elf(_with_word(GOOD, at + 32, "<Q", size - 1))

    assert file.undefined() == [("take", False)]


def test_a_name_longer_than_any_symbols_is_none():
    octets = elfwriter.elf_file([], [elfwriter.SymbolEntry("x" * 5000)])

    with pytest.raises(FormatError):
        elf.Elf(octets).undefined()
