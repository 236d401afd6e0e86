"""An ELF file's tables by columns, and what they tell left out; pure.

The other half is ``modferry_agent.core.unpacking``, where the form is drawn.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from modferry.core.elffile import Header, elf_header, headers_of
from modferry_agent.core.unpacking import HOLE, NUMBERS

SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 2, 4, 8, 9
TABLE_TYPES = (SHT_SYMTAB, SHT_RELA, SHT_REL)
SH_INFO = 7
ET_REL = 1
LEAST_RECORDS = 4
WIDE = 64


@dataclass(frozen=True, slots=True, order=True)
class Table:
    """Records of equal size in a file.

    at: offset.  count: of records.  width: bytes of one.  number: format of the number
    that it begins with.  target: offset to which these numbers are added for the places
    of holes, four bytes of zero each; None: there are none.
    """

    at: int
    count: int
    width: int
    number: str
    target: int | None = None

    @property
    def end(self) -> int:
        """Return the offset behind the last record."""
        return self.at + self.count * self.width

    def numbers(self, content: bytes) -> list[int]:
        """Return the number that each record begins with."""
        first = struct.Struct(self.number)
        return [
            first.unpack_from(content, at)[0]
            for at in range(self.at, self.end, self.width)
        ]


def tables_of(content: bytes) -> list[Table]:
    """Return the tables of an ELF file that pack better by columns; none of others."""
    found = elf_header(content)
    if found is None:
        return []
    layout, fields = found
    headers = headers_of(content)
    tables: list[Table] = []
    for section in sorted(headers, key=lambda header: header.offset):
        width = section.entsize
        if section.type not in TABLE_TYPES or not 8 <= width <= 64:  # noqa: PLR2004
            continue
        wide = layout.bits == WIDE and section.type != SHT_SYMTAB
        number = f"{layout.byte_order}{'Q' if wide else 'I'}"
        table = Table(section.offset, section.size // width, width, number)
        # A file may lie: tables that overlap could not be put back.
        end = tables[-1].end if tables else 0
        if table.count >= LEAST_RECORDS and end <= table.at <= len(content) - (
            table.end - table.at
        ):
            if section.type == SHT_RELA and fields[0] == ET_REL:
                table = replace(table, target=_target(headers, section))
            tables.append(table)
    return _with_true_holes(content, tables)


def _target(headers: Sequence[Header], section: Header) -> int | None:
    index = section.fields[SH_INFO]
    if not 0 < index < len(headers) or headers[index].type == SHT_NOBITS:
        return None
    return headers[index].offset


def _with_true_holes(content: bytes, tables: Sequence[Table]) -> list[Table]:
    """Return the tables; holes that could not be filled again are none."""
    told = [
        table if _are_zero(content, table) else replace(table, target=None)
        for table in tables
    ]
    spans = sorted((each.at, each.end) for each in told)
    spans += [(place, place + HOLE) for place in _holes(content, told)]
    spans.sort()
    if any(start < end for (_, end), (start, _) in pairwise(spans)):
        return [replace(table, target=None) for table in told]
    return told


def _are_zero(content: bytes, table: Table) -> bool:
    nothing = bytes(HOLE)
    return table.target is not None and all(
        content[table.target + number : table.target + number + HOLE] == nothing
        for number in table.numbers(content)
    )


def _holes(content: bytes, tables: Sequence[Table]) -> list[int]:
    return sorted(
        table.target + number
        for table in tables
        if table.target is not None
        for number in table.numbers(content)
    )


def by_columns(content: bytes, tables: Sequence[Table]) -> bytes:
    """Return head, tables by columns, and the rest of the content without holes."""
    head, block, last = varint(len(tables)), bytearray(), 0
    for table in tables:
        numbers = (table.at - last, table.count, table.width)
        target = 0 if table.target is None else table.target + 1
        coded = (*numbers, NUMBERS.index(table.number), target)
        head += b"".join(map(varint, coded))
        block += _columns(content, table)
        last = table.end
    left_out = [(table.at, table.end) for table in tables]
    left_out += [(place, place + HOLE) for place in _holes(content, tables)]
    rest, at = bytearray(), 0
    for start, end in sorted(left_out):
        rest += content[at:start]
        at = end
    return head + bytes(block) + bytes(rest) + content[at:]


def _columns(content: bytes, table: Table) -> bytes:
    rows = bytearray(content[table.at : table.end])
    size = struct.calcsize(table.number)
    form = f"{table.number[0]}{table.count}{table.number[1]}"
    mask = (1 << 8 * size) - 1
    numbers = table.numbers(content)
    steps = [(n - m) & mask for m, n in pairwise((0, *numbers))]
    first = struct.pack(form, *steps)
    for k in range(size):
        rows[k :: table.width] = first[k::size]
    return b"".join(rows[k :: table.width] for k in range(table.width))


def varint(value: int) -> bytes:
    """Return a number as seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
