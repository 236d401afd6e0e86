"""Relocatable ELF files, read as leniently as kmod's depmod reads them.

    header   e_ident: 7F 'E' 'L' 'F', class (1: 32 bit, 2: 64 bit), data (1: little,
             2: big endian); ...; e_shoff, e_shentsize, e_shnum, e_shstrndx
    section  sh_name sh_type sh_flags sh_addr sh_offset sh_size sh_link sh_info
             sh_addralign sh_entsize
    symbol   32 bit: st_name st_value st_size st_info st_other st_shndx
             64 bit: st_name st_info st_other st_shndx st_value st_size

Sections are found by name, the first of that name counts, and one that reaches past
the end of the file is as if it were not there.  `core.elfcheck` is the strict reader.

Source: elf(5); kmod, libkmod/libkmod-elf.c.
"""

import struct

from modferry_agent.compat import native, octets_of
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

SHT_NOBITS = 8
SHN_UNDEF = 0
SHN_ABS = 0xFFF1
STB_WEAK = 2

# No symbol is so long; without a bound a small file could fill the memory.
_MOST_NAME = 4096

_REGISTER_SYMBOL = 13
_SPARC_MACHINES = (2, 18, 43)

# By class byte: bits, header after e_ident, section header, symbol, offsets in a symbol
# of its section index and its info byte, size of a __versions record's CRC.
_CLASSES = {
    1: (32, "HHIIIIIHHHHHH", "10I", "IIIBBH", 14, 12, "I"),
    2: (64, "HHIQQQIHHHHHH", "IIQQQQIIQQ", "IBBHQQ", 6, 4, "Q"),
}
_ENDIANS = {1: "<", 2: ">"}


class Section(object):
    """One section header and the section's name."""

    __slots__ = ("name", "type", "flags", "offset", "size", "link", "info", "entsize")

    def __init__(self, name, fields):
        # type: (str, tuple[int, ...]) -> None
        """Keep the fields of a section header, which are ten in both classes."""
        self.name = name
        self.type = fields[1]
        self.flags = fields[2]
        self.offset = fields[4]
        self.size = fields[5]
        self.link = fields[6]
        self.info = fields[7]
        self.entsize = fields[9]


class Symbol(object):
    """One entry of ``.symtab``."""

    __slots__ = ("name", "value", "section_index", "binding", "kind")

    def __init__(self, name, value, section_index, info):
        # type: (str, int, int, int) -> None
        """Keep the entry; info holds binding and kind, four bits each."""
        self.name = name
        self.value = value
        self.section_index = section_index
        self.binding = info >> 4
        self.kind = info & 15


class Elf(object):
    """The sections and symbols of an ELF file.

    problems: what is wrong in the file although kmod reads over it, a sentence each

    Raises FormatError with code ``not-elf`` or ``bad-elf``.
    """

    def __init__(self, data):
        # type: (bytes) -> None
        """Read the headers."""
        if data[:4] != b"\x7fELF":
            raise FormatError("not an ELF file", code="not-elf")
        ident = octets_of(data[:16])
        if len(ident) < 16 or ident[4] not in _CLASSES or ident[5] not in _ENDIANS:
            raise _bad("the ELF class or byte order is unknown")
        self.data = data
        self.byte_order = _ENDIANS[ident[5]]
        layout = _CLASSES[ident[4]]
        self.bits = layout[0]
        header = struct.Struct(self.byte_order + layout[1])
        self._section = struct.Struct(self.byte_order + layout[2])
        self._symbol = struct.Struct(self.byte_order + layout[3])
        self._index_at = layout[4]
        self._info_at = layout[5]
        self.crc_format = layout[6]
        if len(data) < 16 + header.size:
            raise _bad("the file ends within the ELF header")
        fields = header.unpack(data[16 : 16 + header.size])
        self.type = fields[0]
        self.machine = fields[1]
        self.problems = []  # type: list[str]
        self.sections = self._read_sections(
            fields[5], fields[10], fields[11], fields[12]
        )
        self._by_name = {}  # type: dict[str, Section]
        for section in reversed(self.sections):
            if section.type == SHT_NOBITS or self._is_inside(section):
                self._by_name[section.name] = section

    def _read_sections(self, start, width, count, names_index):
        # type: (int, int, int, int) -> list[Section]
        size = self._section.size
        if width != size:
            raise _bad("section headers have %d bytes, not %d" % (width, size))
        if start + count * size > len(self.data):
            raise _bad("the section headers reach past the end of the file")
        if names_index >= count:
            raise _bad(
                "the section of section names is number %d of %d" % (names_index, count)
            )
        unpack = self._section.unpack
        table = self.data[start : start + count * size]
        headers = [unpack(table[at : at + size]) for at in range(0, len(table), size)]
        offset, length = headers[names_index][4:6]
        names = native(self.data[offset : offset + length])
        if len(names) != length or not names.endswith("\0"):
            raise _bad("the section names do not end in NUL")
        sections = []
        for index, header in enumerate(headers):
            if header[0] >= length:
                self.problems.append("section %d has its name outside" % index)
                continue
            name = names[header[0] : names.find("\0", header[0])]
            sections.append(Section(name, header))
            inside = header[4] + header[5] <= len(self.data)
            if header[1] not in (0, SHT_NOBITS) and not inside:
                self.problems.append("section %s reaches past the end" % name)
        return sections

    def _is_inside(self, section):
        # type: (Section) -> bool
        return section.offset + section.size <= len(self.data)

    def section(self, name):
        # type: (str) -> Section | None
        """Return the first readable section of that name, or None."""
        return self._by_name.get(name)

    def content(self, section):
        # type: (Section) -> bytes
        """Return the section's bytes; none if it takes no room in the file."""
        if section.type == SHT_NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]

    def named(self, name):
        # type: (str) -> bytes | None
        """Return the bytes of the first readable section of that name, or None."""
        section = self._by_name.get(name)
        return None if section is None else self.content(section)

    def symbols(self):
        # type: () -> Iterator[Symbol]
        """Yield the entries of ``.symtab`` from the second on; broken names: empty."""
        table, texts = self._tables()
        unpack = self._symbol.unpack
        size = self._symbol.size
        for at in range(size, len(table) - size + 1, size):
            fields = unpack(table[at : at + size])
            if self.bits == 64:
                offset, info, _other, section_index, value = fields[:5]
            else:
                offset, value, _size, info, _other, section_index = fields
            name = _name_at(texts, offset) or ""
            yield Symbol(name, value, section_index, info)

    def undefined(self):
        # type: () -> list[tuple[str, bool]]
        """Return ``(name, weak)`` of each undefined symbol, in the table's order.

        Raises FormatError where kmod finds no imports at all: no table, a table cut
        within an entry, a name outside of ``.strtab``.

        Source: kmod, libkmod/libkmod-elf.c, kmod_elf_get_dependency_symbols.
        """
        table, texts = self._tables()
        if not table and self.named(".symtab") is None:
            raise _bad("there is no .symtab or no .strtab")
        size = self._symbol.size
        if len(table) % size:
            raise _bad(".symtab is cut within an entry")
        lows = table[self._index_at :: size]
        highs = table[self._index_at + 1 :: size]
        infos = octets_of(table[self._info_at :: size])
        offset_of = struct.Struct(self.byte_order + "I").unpack
        is_sparc = self.machine in _SPARC_MACHINES
        found = []
        # Nearly all entries are defined ones: bytes.find skips them at C's speed.
        index = lows.find(b"\0", 1)
        while index >= 0:
            if highs[index : index + 1] == b"\0":
                offset = offset_of(table[index * size : index * size + 4])[0]
                if not (is_sparc and infos[index] & 15 == _REGISTER_SYMBOL):
                    name = _name_at(texts, offset)
                    if name is None:
                        raise _bad("symbol %d has no name in .strtab" % index)
                    if name:
                        found.append((name, infos[index] >> 4 == STB_WEAK))
            index = lows.find(b"\0", index + 1)
        return found

    def starting_with(self, prefix):
        # type: (str) -> list[Symbol]
        """Return the symbols whose name starts with the prefix, in the table's order.

        None when the table or a name offset in it is broken, as in kmod.
        """
        table, texts = self._tables()
        size = self._symbol.size
        starts = _positions(texts, prefix)
        if not starts or len(table) % size:
            return []
        # The four bytes of each name offset, without making objects of the other ones.
        packed = bytearray(len(table) // size * 4)
        for at in range(4):
            packed[at::4] = table[at::size]
        offsets = struct.unpack(
            "%s%dI" % (self.byte_order, len(packed) // 4), bytes(packed)
        )
        if offsets and max(offsets) >= len(texts):
            self.problems.append("a symbol has its name outside of .strtab")
            return []
        found = []
        for index, offset in enumerate(offsets):
            if offset in starts and index:
                fields = self._symbol.unpack(table[index * size : (index + 1) * size])
                name = _name_at(texts, offset) or ""
                if self.bits == 64:
                    found.append(Symbol(name, fields[4], fields[3], fields[1]))
                else:
                    found.append(Symbol(name, fields[1], fields[5], fields[3]))
        return found

    def _tables(self):
        # type: () -> tuple[bytes, str]
        # .symtab's bytes and .strtab as text ending in NUL; both empty if one misses.
        table = self.named(".symtab")
        texts = self.named(".strtab")
        if table is None or texts is None:
            return b"", ""
        if texts[-1:] != b"\0":
            texts += b"\0"
        return table, native(texts)


def _name_at(texts, offset):
    # type: (str, int) -> str | None
    # The text from there to its NUL; None outside, or where it is as long as no symbol.
    end = texts.find("\0", offset, offset + _MOST_NAME)
    return None if end < 0 else texts[offset:end]


def _positions(texts, prefix):
    # type: (str, str) -> set[int]
    found = set()
    at = texts.find(prefix)
    while at >= 0:
        found.add(at)
        at = texts.find(prefix, at + 1)
    return found


def _bad(message):
    # type: (str) -> FormatError
    return FormatError(message, code="bad-elf")
