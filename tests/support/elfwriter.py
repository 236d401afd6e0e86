"""Module files made to measure: ELF with what depmod and the kernel read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SHT_PROGBITS = 1
SHT_SYMTAB = 2
SHT_STRTAB = 3
SHN_ABS = 0xFFF1
STB_GLOBAL = 1
STB_WEAK = 2

_MACHINES = {(64, "<"): 62, (32, "<"): 3, (64, ">"): 22, (32, ">"): 20}


@dataclass(frozen=True, slots=True)
class SymbolEntry:
    """One entry of ``.symtab`` to write."""

    name: str
    value: int = 0
    section: int = 0
    binding: int = STB_GLOBAL
    kind: int = 0


class _Strings:
    """A string table under construction."""

    def __init__(self) -> None:
        self.octets = bytearray(b"\0")
        self._places = {"": 0}

    def add(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.octets)
            self.octets += text.encode("latin-1") + b"\0"
        return self._places[text]


def elf_file(
    sections: Sequence[tuple[str, int, bytes]],
    symbols: Iterable[SymbolEntry] = (),
    *,
    bits: int = 64,
    byte_order: str = "<",
    machine: int | None = None,
) -> bytes:
    """Return an ELF file of the sections ``(name, type, bytes)`` and the symbols.

    The section numbers of the sections given start at 1.
    """
    header = struct.Struct(
        byte_order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH")
    )
    row = struct.Struct(byte_order + ("IIQQQQIIQQ" if bits == 64 else "10I"))
    names, texts = _Strings(), _Strings()
    table = b"".join(
        _packed_symbol(entry, texts, bits, byte_order)
        for entry in (SymbolEntry("", binding=0), *symbols)
    )
    entry_size = 24 if bits == 64 else 16
    parts = [(name, kind, content, 0, 0) for name, kind, content in sections]
    parts.append((".symtab", SHT_SYMTAB, table, len(parts) + 2, entry_size))
    parts.append((".strtab", SHT_STRTAB, bytes(texts.octets), 0, 0))
    for name in [*(part[0] for part in parts), ".shstrtab"]:
        names.add(name)
    parts.append((".shstrtab", SHT_STRTAB, bytes(names.octets), 0, 0))
    body = bytearray()
    rows = [row.pack(*[0] * 10)]
    start = 16 + header.size
    for name, kind, content, link, width in parts:
        body += b"\0" * (-len(body) % 8)
        fields = (names.add(name), kind, 0, 0, start + len(body), len(content), link)
        rows.append(row.pack(*fields, 1 if link else 0, 8, width))
        body += content
    body += b"\0" * (-len(body) % 8)
    ident = b"\x7fELF" + bytes((bits // 32, 1 if byte_order == "<" else 2, 1)).ljust(
        12, b"\0"
    )
    wanted = _MACHINES[bits, byte_order] if machine is None else machine
    table_at = start + len(body)
    fields = (1, wanted, 1, 0, 0, table_at, 0, 16 + header.size, 0, 0)
    return (
        ident
        + header.pack(*fields, row.size, len(rows), len(rows) - 1)
        + bytes(body)
        + b"".join(rows)
    )


def _packed_symbol(
    entry: SymbolEntry, texts: _Strings, bits: int, byte_order: str
) -> bytes:
    info = entry.binding << 4 | entry.kind
    if bits == 64:
        layout, fields = "IBBHQQ", (info, 0, entry.section, entry.value, 0)
    else:
        layout, fields = "IIIBBH", (entry.value, 0, info, 0, entry.section)
    return struct.pack(byte_order + layout, texts.add(entry.name), *fields)


def version_records(
    crcs: Mapping[str, int], *, bits: int = 64, byte_order: str = "<"
) -> bytes:
    """Return the bytes of a ``__versions`` section."""
    layout, room = ("Q", 56) if bits == 64 else ("I", 60)
    return b"".join(
        struct.pack(byte_order + layout, crc)
        + name.encode("latin-1").ljust(room, b"\0")
        for name, crc in crcs.items()
    )


def kernel_module(
    name: str = "",
    *,
    exports: Iterable[str] = (),
    imports: Iterable[str] = (),
    weak_imports: Iterable[str] = (),
    aliases: Iterable[str] = (),
    fields: Iterable[tuple[str, str]] = (),
    versions: Mapping[str, int] | None = None,
    modversions: bool = True,
    bits: int = 64,
    byte_order: str = "<",
    machine: int | None = None,
) -> bytes:
    """Return a module file.

    exports: with ``__crc_`` symbols, or without modversions as ``__ksymtab_strings``
    versions: CRCs for ``__versions``; without it there is no such section
    fields: further ``.modinfo`` entries, behind the aliases and before the name
    """
    exported = list(exports)
    entries = [f"alias={alias}" for alias in aliases]
    entries += [f"{key}={value}" for key, value in fields]
    if name:
        entries.append(f"name={name}")
    # A module without any is told to be damaged.
    sections = [(".modinfo", SHT_PROGBITS, _joined(entries or ["license=GPL"]))]
    if versions is not None:
        records = version_records(versions, bits=bits, byte_order=byte_order)
        sections.append(("__versions", SHT_PROGBITS, records))
    if exported:
        sections.append(("__ksymtab_strings", SHT_PROGBITS, _joined(exported)))
    symbols = [SymbolEntry(symbol, section=1) for symbol in exported]
    if modversions:
        symbols += [
            SymbolEntry(f"__crc_{symbol}", crc_of(symbol), SHN_ABS)
            for symbol in exported
        ]
    symbols += [SymbolEntry(symbol) for symbol in imports]
    symbols += [SymbolEntry(symbol, binding=STB_WEAK) for symbol in weak_imports]
    return elf_file(
        sections, symbols, bits=bits, byte_order=byte_order, machine=machine
    )


def crc_of(symbol: str) -> int:
    """Return the CRC that `kernel_module` gives a symbol."""
    return sum(symbol.encode("latin-1")) * 2654435761 & 0xFFFFFFFF


def _joined(texts: Iterable[str]) -> bytes:
    return b"".join(text.encode("latin-1") + b"\0" for text in texts)
