"""Damage of every kind for modules and indexes; each case a function of its seed."""

from __future__ import annotations

import random
import struct

from modferry_agent.core import elf, trie
from support import elfwriter

_BOUNDS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFF)


def module_seeds() -> list[bytes]:
    """Return good modules of all ELF classes, with parts of all kinds."""
    return [
        elfwriter.kernel_module(
            "bad",
            exports=["bad_one", "bad_two"],
            imports=["one", "two", "printk"],
            weak_imports=["maybe"],
            aliases=["pci:v*d[0-9]*", "bad-alias"],
            fields=[("softdep", "pre: a"), ("license", "GPL"), ("depends", "a")],
            versions={"one": 1, "two": 2},
            modversions=modversions,
            bits=bits,
            byte_order=order,
        )
        for bits in (32, 64)
        for order in "<>"
        for modversions in (True, False)
    ]


def index_seeds() -> list[bytes]:
    """Return indexes of a few keys, in both layouts."""
    pairs = [
        (key, value, place)
        for place, (key, value) in enumerate(
            [
                ("abc", "one"),
                ("abd", "two"),
                ("ab", "three"),
                ("pci:v*d[0-9]*", "four"),
                ("pci:v0001d*", "five"),
                ("x" * 200, "six"),
                ("abc", "seven"),
            ]
        )
    ]
    return [trie.encode(trie.build(pairs), order) for order in ("pre", "post")]


def damaged(content: bytes, moments: random.Random) -> bytes:
    """Return the content with one to three kinds of damage."""
    for _ in range(moments.choice((1, 1, 1, 2, 3))):
        content = moments.choice(_KINDS)(content, moments)
    return content


def _place(content: bytes, moments: random.Random) -> int:
    # Headers stand at the start and at the end: there half of the damage is done.
    if moments.random() < 0.25:
        return moments.randrange(min(64, len(content) or 1))
    if moments.random() < 0.33:
        return max(0, len(content) - 1 - moments.randrange(600))
    return moments.randrange(len(content) or 1)


def _flip(content: bytes, moments: random.Random) -> bytes:
    octets = bytearray(content)
    for _ in range(moments.choice((1, 1, 2, 8)) if octets else 0):
        octets[_place(content, moments)] ^= 1 << moments.randrange(8)
    return bytes(octets)


def _number(content: bytes, moments: random.Random) -> bytes:
    width = moments.choice((2, 4, 8))
    order = moments.choice("<>")
    value = moments.choice((*_BOUNDS, len(content), moments.randrange(1 << 32)))
    at = _place(content, moments) // width * width
    packed = struct.pack(f"{order}Q", value)
    packed = packed[:width] if order == "<" else packed[-width:]
    return content[:at] + packed + content[at + width :]


def _cut(content: bytes, moments: random.Random) -> bytes:
    return content[: moments.randrange(len(content) or 1)]


def _fill(content: bytes, moments: random.Random) -> bytes:
    at, size = _place(content, moments), moments.choice((1, 16, 128, 1024))
    filler = moments.choice((b"\0", b"\xff", moments.randbytes(1)))
    return content[:at] + filler * min(size, len(content) - at) + content[at + size :]


def _lose(content: bytes, moments: random.Random) -> bytes:
    at, size = _place(content, moments), moments.choice((1, 8, 128))
    return content[:at] + content[at + size :]


def _repeat(content: bytes, moments: random.Random) -> bytes:
    at, size = _place(content, moments), moments.choice((1, 8, 128))
    return content[:at] + content[at : at + size] + content[at:]


def _noise(content: bytes, moments: random.Random) -> bytes:
    return moments.randbytes(moments.randrange(2000))


def _header_and_noise(content: bytes, moments: random.Random) -> bytes:
    return content[:64] + moments.randbytes(moments.randrange(3000))


_KINDS = (
    *(_flip, _flip, _number, _number, _number, _cut, _fill, _lose, _repeat),
    *(_noise, _header_and_noise),
)


def many_sections(text: bytes, *, count: int = 65000, size: int = 0) -> bytes:
    """Return an ELF file of many sections that all are named from one enormous text.

    size: of each section
    """
    header = struct.Struct("<HHIQQQIHHHHHH")
    row = struct.Struct("<IIQQQQIIQQ")
    names = text + b"\0"
    step = len(text) // count
    rows = [row.pack(at * step, 1, 0, 0, 64, size, 0, 0, 0, 0) for at in range(count)]
    rows[1] = row.pack(0, elfwriter.SHT_STRTAB, 0, 0, 64, len(names), 0, 0, 0, 0)
    fields = (1, 62, 1, 0, 0, 64 + len(names), 0, 64, 0, 0, 64, count, 1)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return ident + header.pack(*fields) + names + b"".join(rows)


def long_names(count: int, name_bytes: int) -> bytes:
    """Return an ELF file of many undefined symbols, all of one long name."""
    symbols = [elfwriter.SymbolEntry("u" * name_bytes)] * count
    return elfwriter.elf_file([(".modinfo", 1, b"license=GPL\0")], symbols)


def extended_sections(good: bytes) -> bytes:
    """Return a module whose section count stands where large files have it."""
    assert elf.Elf(good).bits == 64
    octets = bytearray(good)
    start, count, names = (
        struct.unpack_from("<Q", octets, 40)[0],
        *struct.unpack_from("<HH", octets, 60),
    )
    struct.pack_into("<HH", octets, 60, 0, 0xFFFF)
    struct.pack_into("<Q", octets, start + 32, count)
    struct.pack_into("<I", octets, start + 40, names)
    return bytes(octets)
