"""The symbols of a relocatable ELF file, read as leniently as kmod's depmod reads them.

    symbol   32 bit: st_name st_value st_size st_info st_other st_shndx
             64 bit: st_name st_info st_other st_shndx st_value st_size

`core.elfsections` finds the tables; `core.elfcheck` is the strict reader.

Source: elf(5); kmod, libkmod/libkmod-elf.c.
"""

import struct
from operator import eq

from modferry_agent.compat import native, octets_of, raw
from modferry_agent.core.elfsections import Sections, bad_elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin
    from modferry_agent.core.elfsections import Octets  # noqa: F401

SHN_UNDEF = 0
SHN_ABS = 0xFFF1
_SHN_LORESERVE = 0xFF00
STB_WEAK = 2

_SHT_SYMTAB = 2
_SHT_STRTAB = 3

# No symbol is so long; without a bound a small file could fill the memory.
_MOST_NAME = 1024
_MOST_NAMES = 1 << 16

_REGISTER_SYMBOL = 13
_SPARC_MACHINES = (2, 18, 43)


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


class Elf(Sections):
    """The sections and symbols of an ELF file; see `Sections`."""

    def __init__(self, data):
        # type: (Octets) -> None
        """Read the headers."""
        Sections.__init__(self, data)
        self._entry = self.layout.symbol.size
        self._symbol_tables = None  # type: tuple[bytes, bytes] | None

    def symbols(self):
        # type: () -> Iterator[Symbol]
        """Yield the entries of ``.symtab`` from the second on; broken names: empty."""
        table, texts = self._tables()
        for index in range(1, len(table) // self._entry):
            yield self._symbol(table, texts, index)

    def _symbol(self, table, texts, index):
        # type: (bytes, bytes, int) -> Symbol
        start = index * self._entry
        fields = self.layout.symbol.unpack(table[start : start + self._entry])
        if self.bits == 64:
            offset, info, _other, section_index, value = fields[:5]
        else:
            offset, value, _size, info, _other, section_index = fields
        return Symbol(_name_at(texts, offset) or "", value, section_index, info)

    def undefined(self):
        # type: () -> list[tuple[str, bool]]
        """Return ``(name, weak)`` of each undefined symbol, in the table's order.

        Raises FormatError where kmod finds no imports at all: no table, a table cut
        within an entry, a name outside of ``.strtab``.

        Source: kmod, libkmod/libkmod-elf.c, kmod_elf_get_dependency_symbols.
        """
        table, texts = self._tables()
        infos = octets_of(table[self.layout.info_at :: self._entry])
        return [
            (native(texts[at:end]), infos[index] >> 4 == STB_WEAK)
            for index, at, end in zip(*self._undefined())
            if at < end
        ]

    def undefined_names(self):
        # type: () -> list[bytes]
        """Return the names of `undefined` alone, as bytes."""
        texts = self._tables()[1]
        _indexes, starts, ends = self._undefined()
        names = [texts[at:end] for at, end in zip(starts, ends)]
        return [name for name in names if name] if b"" in names else names

    def _undefined(self):
        # type: () -> tuple[list[int], list[int], list[int]]
        # Indexes of the symbols, starts and ends of their names, which may be empty.
        table, texts = self._tables()
        if not table and None in (self.section(".symtab"), self.section(".strtab")):
            raise bad_elf("there is no .symtab or no .strtab")
        if len(table) % self._entry:
            raise bad_elf(".symtab is cut within an entry")
        # The many local symbols that come first are defined ones: bytes.find skips
        # them at C's speed.
        first = table[self.layout.index_at :: self._entry].find(b"\0", 1)
        if first < 0:
            return [], [], []
        fields = self.layout.names_table(len(table) // self._entry - first).unpack(
            table[first * self._entry :]
        )
        indexes = [
            index for index, section in enumerate(fields[1::2], first) if not section
        ]
        if max(fields[1::2]) >= len(self._offsets):
            self._doubt_indexes(fields[1::2])
        if self.machine in _SPARC_MACHINES:
            infos = octets_of(table[self.layout.info_at :: self._entry])
            indexes = [at for at in indexes if infos[at] & 15 != _REGISTER_SYMBOL]
        if len(indexes) > _MOST_NAMES:
            raise bad_elf("%d undefined symbols are too many" % len(indexes))
        starts = [fields[2 * (index - first)] for index in indexes]
        find = texts.find
        ends = [find(b"\0", at, at + _MOST_NAME) for at in starts]
        if ends and min(ends) < 0:
            raise bad_elf("an undefined symbol has no name in .strtab")
        if True in map(eq, starts, ends):
            self.problems.append("an undefined symbol has an empty name")
        return indexes, starts, ends

    def starting_with(self, prefix):
        # type: (str) -> list[Symbol]
        """Return the symbols whose name starts with the prefix, in the table's order.

        None when the table or a name offset in it is broken, as in kmod.
        """
        table, texts = self._tables()
        return [
            self._symbol(table, texts, index)
            for index, _at in self._places_of(raw(prefix), table, texts)
        ]

    def names_starting_with(self, prefix):
        # type: (str) -> list[str]
        """Return the names of `starting_with` alone."""
        table, texts = self._tables()
        places = self._places_of(raw(prefix), table, texts)
        return [_name_at(texts, at) or "" for _index, at in places]

    def _places_of(self, prefix, table, texts):
        # type: (bytes, bytes, bytes) -> list[tuple[int, int]]
        # Index and name offset of the symbols that have the prefix.
        starts = _positions(texts, prefix)
        if not starts or len(table) % self._entry:
            return []
        # The four bytes of each name offset, without making objects of the other ones.
        packed = bytearray(len(table) // self._entry * 4)
        for at in range(4):
            packed[at::4] = table[at :: self._entry]
        offsets = struct.unpack(
            "%s%dI" % (self.byte_order, len(packed) // 4), bytes(packed)
        )
        if offsets and max(offsets) >= len(texts):
            self.problems.append("a symbol has its name outside of .strtab")
            return []
        found = [
            (index, offset)
            for index, offset in enumerate(offsets)
            if offset in starts and index
        ]
        if len(found) > _MOST_NAMES:
            raise bad_elf("%d exported symbols are too many" % len(found))
        return found

    def _tables(self):
        # type: () -> tuple[bytes, bytes]
        # .symtab's bytes and .strtab's with a NUL behind; both empty if one misses.
        if self._symbol_tables is None:
            table = self.named(".symtab")
            texts = self.named(".strtab")
            if table is None or texts is None:
                self._symbol_tables = b"", b""
            else:
                self._doubt_tables(table[: self._entry], texts)
                end = b"" if texts[-1:] == b"\0" else b"\0"
                self._symbol_tables = table, texts + end
        return self._symbol_tables

    def _doubt_indexes(self, indexes):
        # type: (tuple[int, ...]) -> None
        # An import whose index is damaged is no import for whoever reads it.
        count = len(self._offsets)
        for index in indexes:
            if count <= index < _SHN_LORESERVE:
                self.problems.append("a symbol is in section %d of %d" % (index, count))
                return

    def _doubt_tables(self, first, texts):
        # type: (bytes, bytes) -> None
        # kmod reads on over these, and so finds less than there was.
        if first != b"\0" * self._entry:
            self.problems.append(".symtab does not begin with an empty entry")
        if texts[:1] != b"\0" or texts[-1:] != b"\0":
            self.problems.append(".strtab does not begin and end in NUL")
        for name, wanted in ((".symtab", _SHT_SYMTAB), (".strtab", _SHT_STRTAB)):
            section = self.section(name)
            if section is not None and section.type != wanted:
                self.problems.append("section %s is of type %d" % (name, section.type))


def _name_at(texts, offset):
    # type: (bytes, int) -> str | None
    # The text from there to its NUL; None outside, or where it is as long as no symbol.
    end = texts.find(b"\0", offset, offset + _MOST_NAME)
    return None if end < 0 else native(texts[offset:end])


def _positions(texts, prefix):
    # type: (bytes, bytes) -> set[int]
    found = set()
    at = texts.find(prefix)
    while at >= 0:
        found.add(at)
        at = texts.find(prefix, at + 1)
    return found
