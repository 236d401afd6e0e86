"""The strict reader: sound files pass, each wrong number is found."""

from __future__ import annotations

import random
import struct

import pytest

from modferry_agent.core import elfcheck, machines
from support import elfwriter, fakekernel

X86_64 = machines.machine_of("x86_64")
SOUND = fakekernel.loadable("a", exports=["x"], imports=["y"], versions={"y": 1})


def code_of(octets: bytes) -> str:
    problems = elfcheck.check_loadable(octets, X86_64)
    return problems[0]["code"] if problems else ""


def test_a_sound_module_has_no_problem():
    assert elfcheck.check_loadable(SOUND, X86_64) == []
    assert elfcheck.this_module_size(SOUND) == 832


@pytest.mark.parametrize("size", [4, 10, 60, 64, 200, len(SOUND) // 2, len(SOUND) - 1])
def test_a_cut_file_is_damaged(size: int):
    assert code_of(SOUND[:size]) == "damaged-module"


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\xfd7zXZ\0" * 20])
def test_what_is_no_elf_file_is_no_module(content: bytes):
    assert code_of(content) == "not-a-module"


def patched(offset: int, layout: str, value: int) -> bytes:
    octets = bytearray(SOUND)
    struct.pack_into("<" + layout, octets, offset, value)
    return bytes(octets)


@pytest.mark.parametrize(
    ("offset", "layout", "value", "code"),
    [
        (4, "B", 3, "damaged-module"),  # class
        (5, "B", 0, "damaged-module"),  # byte order
        (6, "B", 2, "damaged-module"),  # version
        (16, "H", 2, "not-a-module"),  # ET_EXEC
        (18, "H", 40, "wrong-architecture"),
        (20, "I", 0, "damaged-module"),
        (40, "Q", 1 << 40, "damaged-module"),  # e_shoff
        (52, "H", 0, "damaged-module"),  # e_ehsize
        (58, "H", 40, "damaged-module"),  # e_shentsize
        (60, "H", 999, "damaged-module"),  # e_shnum
        (62, "H", 60000, "damaged-module"),  # e_shstrndx: panics 2.6.32
        (62, "H", 1, "damaged-module"),
    ],
)
def test_a_wrong_number_in_the_header_is_found(
    offset: int, layout: str, value: int, code: str
):
    assert code_of(patched(offset, layout, value)) == code


def section_of(kind: int) -> int:
    start = struct.unpack_from("<Q", SOUND, 40)[0]
    for at in range(start, len(SOUND), 64):
        if struct.unpack_from("<I", SOUND, at + 4)[0] == kind:
            return at
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("field", "layout", "value"),
    [
        (0, "I", 1 << 20),  # name
        (24, "Q", 1 << 40),  # offset
        (32, "Q", 1 << 40),  # size
        (32, "Q", 25),  # no whole number of symbols
        (40, "I", 9999),  # sh_link: panics 2.6.32
        (40, "I", 1),
        (44, "I", 9999),  # local symbols
        (48, "Q", 3),  # alignment
        (56, "Q", 16),  # sh_entsize
    ],
)
def test_a_wrong_number_of_the_symbol_table_is_found(
    field: int, layout: str, value: int
):
    assert code_of(patched(section_of(2) + field, layout, value)) == "damaged-module"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (elfwriter.SymbolEntry("s", section=500), "damaged-module"),
        (elfwriter.SymbolEntry("s", section=0xFFF2), "damaged-module"),
        (elfwriter.SymbolEntry("s", section=0xFFFF), "damaged-module"),
        (elfwriter.SymbolEntry("s", 1 << 30, section=1), "damaged-module"),
        (elfwriter.SymbolEntry("__gnu_lto_slim", section=0xFFF2), "not-a-module"),
        (elfwriter.SymbolEntry("s", section=0xFFF1), "not-a-module"),
    ],
)
def test_a_symbol_must_lie_where_there_is_something(
    entry: elfwriter.SymbolEntry, code: str
):
    assert code_of(elfwriter.elf_file([("x", 1, b"1234")], [entry])) == code


def relocations(offset: int, symbol: int, target: int = 1, link: int = 3) -> bytes:
    rela = struct.pack("<QQq", offset, symbol << 32 | 1, 0)
    sections = [(".text", 1, bytes(16)), (".rela.text", 4, rela)]
    octets = bytearray(elfwriter.elf_file(sections, [elfwriter.SymbolEntry("s")]))
    start = struct.unpack_from("<Q", octets, 40)[0]
    struct.pack_into("<Q", octets, start + 64 + 8, 2)
    struct.pack_into("<II", octets, start + 2 * 64 + 40, link, target)
    return bytes(octets)


def test_relocations_must_stay_within_their_section():
    assert code_of(relocations(8, 1)) == "not-a-module"  # sound, but no this_module
    assert code_of(relocations(16, 1)) == "damaged-module"
    assert code_of(relocations(8, 2)) == "damaged-module"
    assert code_of(relocations(8, 1, target=99)) == "damaged-module"
    assert code_of(relocations(8, 1, link=1)) == "damaged-module"


def test_a_module_without_symbols_is_stripped():
    octets = bytearray(SOUND)
    struct.pack_into("<I", octets, section_of(2) + 4, 1)

    assert code_of(bytes(octets)) == "stripped-module"


def test_no_byte_makes_the_check_itself_fail():
    chance = random.Random(1)
    for _ in range(400):
        octets = bytearray(SOUND)
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
        elfcheck.check_loadable(bytes(octets), X86_64)
    for size in range(0, len(SOUND), 37):
        assert code_of(SOUND[:size])


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("i686", (3, 32, "<")),
        ("armv7l", (40, 32, "<")),
        ("armv5teb", (40, 32, ">")),
        ("s390x", (22, 64, ">")),
        ("pdp11", None),
    ],
)
def test_the_kernels_machine_is_known_by_its_name(name: str, machine: object):
    assert machines.machine_of(name) == machine
