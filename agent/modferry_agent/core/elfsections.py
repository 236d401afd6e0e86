"""The headers and sections of an ELF file, read as leniently as kmod reads them.

    header   e_ident: 7F 'E' 'L' 'F', class (1: 32 bit, 2: 64 bit), data (1: little,
             2: big endian); ...; e_shoff, e_shentsize, e_shnum, e_shstrndx
    section  sh_name sh_type sh_flags sh_addr sh_offset sh_size sh_link sh_info
             sh_addralign sh_entsize

Sections are found by name, the first of that name counts, and one that reaches past
the end of the file is as if it were not there.  `core.elfcheck` is the strict reader.

Source: elf(5); kmod, libkmod/libkmod-elf.c.
"""

import struct
from operator import add

from modferry_agent.compat import native
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Protocol, Sequence  # noqa: F401  # novermin

    class Octets(Protocol):
        """Bytes, or what is read like them."""

        def __len__(self):
            # type: () -> int
            """Return their number."""

        def __getitem__(self, part):
            # type: (slice) -> bytes
            """Return some of them."""

    # Type, offset, size.
    Section = tuple[int, int, int]

SHT_NOBITS = 8
_SHN_XINDEX = 0xFFFF

# A file made of nothing but lies must fill neither the memory nor the screen.  The
# largest sections of the kind in Debian's 6.1 have 200 kB.
_MOST_BYTES = 1 << 21
_MOST_PROBLEMS = 8
_NAME_SHOWN = 64


class Layout(object):
    """How files of one class and byte order lie.

    index_at, info_at: where in a symbol its section index and its info byte stand
    crc_format: how wide the CRC of a record of ``__versions`` is
    """

    def __init__(self, bits, byte_order):
        # type: (int, str) -> None
        """Make the formats."""
        self.bits = bits
        self.byte_order = byte_order
        wide = bits == 64
        self.header = _struct(byte_order, "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
        self.section = _struct(byte_order, "IIQQQQIIQQ" if wide else "10I")
        self.symbol = _struct(byte_order, "IBBHQQ" if wide else "IIIBBH")
        self.word = _struct(byte_order, "I")
        self.index_at = 6 if wide else 14
        self.info_at = 4 if wide else 12
        self.crc_format = "Q" if wide else "I"
        # Name, type, offset and size of a section header; name and section index of a
        # symbol.
        self._header_fields = "II16xQQ24x" if wide else "II8xII16x"
        self._symbol_fields = "I2xH16x" if wide else "I10xH"
        self._tables = {}  # type: dict[tuple[str, int], struct.Struct]

    def headers_table(self, count):
        # type: (int) -> struct.Struct
        """Return what unpacks name, type, offset and size of as many headers."""
        return self._table(self._header_fields, count)

    def names_table(self, count):
        # type: (int) -> struct.Struct
        """Return what unpacks name and section index of so many symbols."""
        return self._table(self._symbol_fields, count)

    def names_of_records(self, count):
        # type: (int) -> struct.Struct
        """Return what unpacks the names, with padding, of so many CRC records."""
        return self._table("8x56s" if self.bits == 64 else "4x60s", count)

    def _table(self, fields, count):
        # type: (str, int) -> struct.Struct
        table = self._tables.get((fields, count))
        if table is None:
            table = _struct(self.byte_order, fields * count)
            if count < _LARGE_TABLE:
                self._tables[fields, count] = table
        return table


def _struct(byte_order, layout):
    # type: (str, str) -> struct.Struct
    return struct.Struct(byte_order + layout)


# Nearly all modules of a kernel have fewer sections, and fewer global symbols.
_LARGE_TABLE = 300

# By the class byte and the byte that tells the byte order.
_LAYOUTS = {
    b"\1\1": Layout(32, "<"),
    b"\1\2": Layout(32, ">"),
    b"\2\1": Layout(64, "<"),
    b"\2\2": Layout(64, ">"),
}


class Sections(object):
    """The sections of an ELF file.

    data: the file's bytes, or what has a length and gives slices as bytes do, so that
        the rest of a large file need not be read
    problems: what is wrong in the file although kmod reads over it, a sentence each

    Raises FormatError with code ``not-elf`` or ``bad-elf``.
    """

    def __init__(self, data):
        # type: (Octets) -> None
        """Read the headers."""
        start = data[:64]
        if start[:4] != b"\x7fELF":
            raise FormatError("not an ELF file", code="not-elf")
        layout = _LAYOUTS.get(start[4:6])
        if layout is None or len(start) < 16:
            raise bad_elf("the ELF class or byte order is unknown")
        self.data = data
        self.layout = layout
        self.byte_order = layout.byte_order
        self.bits = layout.bits
        self.crc_format = layout.crc_format
        if len(start) < 16 + layout.header.size:
            raise bad_elf("the file ends within the ELF header")
        fields = layout.header.unpack(start[16 : 16 + layout.header.size])
        self.type = fields[0]
        self.machine = fields[1]
        self.problems = []  # type: list[str]
        self._read_headers(fields[5], fields[10], fields[11], fields[12])

    def _read_headers(self, start, width, count, names_index):
        # type: (int, int, int, int) -> None
        size = self.layout.section.size
        end = len(self.data)
        if width != size:
            raise bad_elf("section headers have %d bytes, not %d" % (width, size))
        if count == 0 and start:
            count, names_index = self._extended_count(start, names_index)
        if start + count * size > end:
            raise bad_elf("the section headers reach past the end of the file")
        if names_index >= count:
            raise bad_elf(
                "the section of section names is number %d of %d" % (names_index, count)
            )
        self._headers = self.data[start : start + count * size]
        # Of all the fields only those by which a section is found.
        fields = self.layout.headers_table(count).unpack(self._headers)
        self._name_places = fields[::4]
        self._types = fields[1::4]
        self._offsets = offsets = fields[2::4]
        self._sizes = sizes = fields[3::4]
        offset, length = offsets[names_index], sizes[names_index]
        names = native(self.data[offset : offset + length])
        if len(names) != length or not names.endswith("\0"):
            raise bad_elf("the section names do not end in NUL")
        self._names = names
        ends = list(map(add, offsets, sizes))
        if max(ends) > end or max(self._name_places) >= length:
            self._find_problems(ends, length)

    def _extended_count(self, start, names_index):
        # type: (int, int) -> tuple[int, int]
        # More sections than the ELF header has room for are counted in the first one.
        header = self.data[start : start + self.layout.section.size]
        if len(header) < self.layout.section.size:
            raise bad_elf("the section headers reach past the end of the file")
        fields = self.layout.section.unpack(header)
        return fields[5], fields[6] if names_index == _SHN_XINDEX else names_index

    def _find_problems(self, ends, length):
        # type: (Sequence[int], int) -> None
        for index, place in enumerate(self._name_places):
            if len(self.problems) > _MOST_PROBLEMS:
                self.problems.append("and more of the kind")
                return
            if place >= length:
                self.problems.append("section %d has its name outside" % index)
            elif self._types[index] not in (0, SHT_NOBITS) and ends[index] > len(
                self.data
            ):
                name = self._names[place : place + _NAME_SHOWN].partition("\0")[0]
                self.problems.append("section %s reaches past the end" % name)

    def section(self, name):
        # type: (str) -> Section | None
        """Return the first readable section of that name, or None."""
        wanted = name + "\0"
        at = self._names.find(wanted)
        if at < 0:
            return None
        # One name may be the end of another one's text.
        if self._names.find(wanted, at + 1) < 0:
            try:
                found = self.section_at(self._name_places.index(at))
            except ValueError:
                return None
            if self._is_readable(found):
                return found
        return self._section_of_several(wanted)

    def _section_of_several(self, wanted):
        # type: (str) -> Section | None
        places = set()
        at = self._names.find(wanted)
        while at >= 0:
            places.add(at)
            at = self._names.find(wanted, at + 1)
        for index, place in enumerate(self._name_places):
            if place in places and self._is_readable(self.section_at(index)):
                return self.section_at(index)
        return None

    def section_at(self, index):
        # type: (int) -> Section
        """Return the section of that number; IndexError if there is none."""
        return self._types[index], self._offsets[index], self._sizes[index]

    def _is_readable(self, section):
        # type: (Section) -> bool
        kind, offset, size = section
        return offset + size <= len(self.data) or kind == SHT_NOBITS

    def named(self, name):
        # type: (str) -> bytes | None
        """Return the bytes of the first readable section of that name, or None."""
        section = self.section(name)
        if section is None:
            return None
        if section[2] > _MOST_BYTES:
            text = "section %s is left out: it has %d bytes" % (name, section[2])
            if text not in self.problems:
                self.problems.append(text)
            return None
        return self.content(section)

    def content(self, section):
        # type: (Section) -> bytes
        """Return a section's bytes; none if it takes no room in the file."""
        kind, offset, size = section
        return b"" if kind == SHT_NOBITS else self.data[offset : offset + size]


def bad_elf(message):
    # type: (str) -> FormatError
    """Return the error for a file that says impossible things of itself."""
    return FormatError(message, code="bad-elf")
