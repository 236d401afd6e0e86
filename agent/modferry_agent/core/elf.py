"""The symbols of a relocatable ELF file, read as leniently as kmod's depmod reads them.

    symbol   32 bit: st_name st_value st_size st_info st_other st_shndx
             64 bit: st_name st_info st_other st_shndx st_value st_size

`core.elfsections` finds the tables; `core.elfcheck` is the strict reader.

Source: elf(5); kmod, libkmod/libkmod-elf.c.
"""

import struct

from modferry_agent.compat import native, octets_of, raw
from modferry_agent.core.elfsections import Sections, bad_elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.elfsections import Octets  # noqa: F401

SHN_UNDEF = 0
SHN_ABS = 0xFFF1
_SHN_LORESERVE = 0xFF00
STB_WEAK = 2

# Of .symtab and .strtab: SHT_SYMTAB, SHT_STRTAB.
_KINDS = (2, 3)

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
        self._empty_entry = b"\0" * self._entry
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
        infos = self._infos()
        first, places, sections = self._globals()
        indexes = [at for at, section in enumerate(sections) if not section]
        names = self._names_at([places[at] for at in indexes])
        return [
            (native(name), infos[first + at] >> 4 == STB_WEAK)
            for at, name in zip(indexes, names)
            if name
        ]

    def undefined_names(self):
        # type: () -> list[bytes]
        """Return the names of `undefined` alone, as bytes."""
        _first, places, sections = self._globals()
        starts = [at for at, section in zip(places, sections) if not section]
        names = self._names_at(starts)
        return [name for name in names if name] if b"" in names else names

    def _globals(self):
        # type: () -> tuple[int, Sequence[int], Sequence[int]]
        # The symbols from the first undefined one on: its index, where their names are,
        # their section indexes; what kmod does not count as undefined has another one.
        table, _texts = self._tables()
        if not table and None in (self.section(".symtab"), self.section(".strtab")):
            raise bad_elf("there is no .symtab or no .strtab")
        if len(table) % self._entry:
            raise bad_elf(".symtab is cut within an entry")
        # The many local symbols that come first are defined ones: bytes.find skips
        # them at C's speed.
        first = table[self.layout.index_at :: self._entry].find(b"\0", 1)
        if first < 0:
            return 0, (), ()
        fields = self.layout.names_table(len(table) // self._entry - first).unpack(
            table[first * self._entry :]
        )
        sections = fields[1::2]  # type: Sequence[int]
        if max(sections) >= len(self._offsets):
            self._doubt_indexes(sections)
        if self.machine in _SPARC_MACHINES:
            infos = self._infos()[first:]
            sections = [
                SHN_ABS if info & 15 == _REGISTER_SYMBOL else section
                for info, section in zip(infos, sections)
            ]
        return first, fields[::2], sections

    def _infos(self):
        # type: () -> bytes
        return octets_of(self._tables()[0][self.layout.info_at :: self._entry])

    def _names_at(self, starts):
        # type: (list[int]) -> list[bytes]
        if len(starts) > _MOST_NAMES:
            raise bad_elf("%d undefined symbols are too many" % len(starts))
        texts = self._tables()[1]
        find = texts.find
        ends = [find(b"\0", at, at + _MOST_NAME) for at in starts]
        if ends and min(ends) < 0:
            raise bad_elf("an undefined symbol has no name in .strtab")
        names = [texts[at:end] for at, end in zip(starts, ends)]
        if b"" in names:
            self.problems.append("an undefined symbol has an empty name")
        return names

    def starting_with(self, prefix):
        # type: (str) -> list[Symbol]
        """Return the symbols whose name starts with the prefix, in the table's order.

        None when the table or a name offset in it is broken, as in kmod.
        """
        table, texts = self._tables()
        starts, offsets = self._places_of(prefix)
        indexes = [index for index, at in enumerate(offsets, 1) if at in starts]
        return [self._symbol(table, texts, index) for index in _few(indexes)]

    def names_starting_with(self, prefix):
        # type: (str) -> list[str]
        """Return the names of `starting_with` alone."""
        texts = self._tables()[1]
        starts, offsets = self._places_of(prefix)
        found = _few([at for at in offsets if at in starts])
        return [_name_at(texts, at) or "" for at in found]

    def _places_of(self, prefix):
        # type: (str) -> tuple[set[int], Sequence[int]]
        # Where the prefix stands, where the name of each symbol but the first stands.
        table, texts = self._tables()
        starts = _positions(texts, raw(prefix))
        if not starts or len(table) % self._entry:
            return starts, ()
        # The four bytes of each name offset, without making objects of the other ones.
        packed = bytearray(len(table) // self._entry * 4)
        for at in range(4):
            packed[at::4] = table[at :: self._entry]
        offsets = struct.unpack(
            "%s%dI" % (self.byte_order, len(packed) // 4), bytes(packed)
        )
        if offsets and max(offsets) >= len(texts):
            self.problems.append("a symbol has its name outside of .strtab")
            return starts, ()
        return starts, offsets[1:]

    def _tables(self):
        # type: () -> tuple[bytes, bytes]
        # .symtab's bytes and .strtab's with a NUL behind; both empty if one misses.
        if self._symbol_tables is None:
            self._symbol_tables = b"", b""
            symtab, strtab = self.section(".symtab"), self.section(".strtab")
            if symtab is not None and strtab is not None:
                table, texts = self.content(symtab), self.content(strtab)
                self._doubt_tables(table[: self._entry], texts, symtab[0], strtab[0])
                end = b"" if texts[-1:] == b"\0" else b"\0"
                self._symbol_tables = table, texts + end
        return self._symbol_tables

    def _doubt_indexes(self, indexes):
        # type: (Sequence[int]) -> None
        # An import whose index is damaged is no import for whoever reads it.
        count = len(self._offsets)
        for index in indexes:
            if count <= index < _SHN_LORESERVE:
                self.problems.append("a symbol is in section %d of %d" % (index, count))
                return

    def _doubt_tables(self, first, texts, *kinds):
        # type: (bytes, bytes, int) -> None
        # kmod reads on over these, and so finds less than there was.
        if first != self._empty_entry:
            self.problems.append(".symtab does not begin with an empty entry")
        if texts[:1] != b"\0" or texts[-1:] != b"\0":
            self.problems.append(".strtab does not begin and end in NUL")
        for name, kind, wanted in zip((".symtab", ".strtab"), kinds, _KINDS):
            if kind != wanted:
                self.problems.append("section %s is of type %d" % (name, kind))


def _few(found):
    # type: (list[int]) -> list[int]
    if len(found) > _MOST_NAMES:
        raise bad_elf("%d exported symbols are too many" % len(found))
    return found


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
