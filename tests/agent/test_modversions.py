"""CRCs of imports and exports."""

from __future__ import annotations

import struct

import pytest

from modferry_agent.core import elf, modversions
from modferry_agent.errors import FormatError
from support import elfwriter

KINDS = [(64, "<"), (64, ">"), (32, "<"), (32, ">")]


@pytest.mark.parametrize(("bits", "byte_order"), KINDS)
def test_records_are_read_in_each_layout(bits: int, byte_order: str):
    crcs = {"module_layout": 0x12345678, "printk": 5}
    octets = elfwriter.kernel_module(versions=crcs, bits=bits, byte_order=byte_order)

    assert modversions.imported_crcs(elf.Elf(octets)) == list(crcs.items())


def test_a_section_of_another_size_counts_as_absent():
    file = elf.Elf(elfwriter.elf_file([("__versions", 1, b"x" * 65)]))

    assert modversions.imported_crcs(file) == []


def test_a_record_without_nul_is_a_format_error():
    file = elf.Elf(elfwriter.elf_file([("__versions", 1, b"x" * 64)]))

    with pytest.raises(FormatError):
        modversions.imported_crcs(file)


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_extended_records_are_read(byte_order: str):
    sections = [
        ("__version_ext_crcs", 1, struct.pack(f"{byte_order}2I", 7, 8)),
        ("__version_ext_names", 1, b"one\0_RNvlong\0"),
    ]
    file = elf.Elf(elfwriter.elf_file(sections, byte_order=byte_order))

    assert modversions.extended_crcs(file) == [("one", 7), ("_RNvlong", 8)]


def test_extended_records_that_disagree_are_none():
    sections = [("__version_ext_crcs", 1, bytes(8)), ("__version_ext_names", 1, b"a\0")]

    assert modversions.extended_crcs(elf.Elf(elfwriter.elf_file(sections))) == []


@pytest.mark.parametrize(("bits", "byte_order"), KINDS)
def test_an_export_has_the_crc_of_its_symbol_or_of_the_place(
    bits: int, byte_order: str
):
    place = struct.pack(f"{byte_order}II", 1, 0xCAFEBABE)
    symbols = [
        elfwriter.SymbolEntry("__crc_absolute", 0xABC, elfwriter.SHN_ABS),
        elfwriter.SymbolEntry("__crc_undefined", 0xDEF),
        elfwriter.SymbolEntry("__crc_placed", 4, 1),
        elfwriter.SymbolEntry("__crc_outside", 8, 1),
        elfwriter.SymbolEntry("__crc_nowhere", 0, 77),
        elfwriter.SymbolEntry("x__crc_inner", 0, 1),
    ]
    octets = elfwriter.elf_file(
        [(".rodata", 1, place)], symbols, bits=bits, byte_order=byte_order
    )

    got = modversions.exported_crcs(elf.Elf(octets))

    assert got == [
        ("absolute", 0xABC),
        ("undefined", 0xDEF),
        ("placed", 0xCAFEBABE),
        ("outside", modversions.NO_CRC),
        ("nowhere", modversions.NO_CRC),
    ]


def test_without_modversions_exports_are_those_of_ksymtab_strings():
    octets = elfwriter.kernel_module(exports=["one", "two"], modversions=False)

    assert modversions.exported_crcs(elf.Elf(octets)) == [("one", 0), ("two", 0)]


def test_ksymtab_strings_must_end_in_nul():
    file = elf.Elf(elfwriter.elf_file([("__ksymtab_strings", 1, b"one")]))

    with pytest.raises(FormatError):
        modversions.exported_crcs(file)


def test_a_crc_in_a_section_that_is_cut_off_is_no_crc():
    symbols = [elfwriter.SymbolEntry("__crc_gone", 0, 1)]
    octets = elfwriter.elf_file([(".rodata", 1, bytes(8))], symbols)
    header = octets.index(struct.pack("<QQ", 64, 8))
    moved = octets[:header] + struct.pack("<Q", len(octets) - 2) + octets[header + 8 :]

    got = modversions.exported_crcs(elf.Elf(moved))

    assert got == [("gone", modversions.NO_CRC)]
