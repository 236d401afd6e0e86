"""The strict reader: what the kernel would refuse, and what it would crash on.

A wrong number in a header, a section past the end, a relocation outside its section:
old kernels follow them blindly (2.6.32 panics on e_shstrndx, on the symbol table's
sh_link, on the size of struct module).  So every number that the loader uses is
compared with the bounds it must keep, before any kernel sees the file.

Source: elf(5); kernel/module/main.c, elf_validity_check of Linux 6.13 and newer.
"""

import struct

from modferry_agent.compat import native, octets_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    Problem = dict[str, str]
    Header = tuple[int, ...]

_ET_REL = 1
_SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA, _SHT_NOBITS, _SHT_REL = 2, 3, 4, 8, 9
_SHF_ALLOC = 2
_SHN_LORESERVE, _SHN_ABS, _SHN_COMMON, _SHN_XINDEX = 0xFF00, 0xFFF1, 0xFFF2, 0xFFFF
_SHN_LIVEPATCH = 0xFF20
_EM_MIPS = 8
_THIS_MODULE = ".gnu.linkonce.this_module"
# More than any module area there is; a size beyond it is a damaged number.
_MOST_BYTES = 1 << 28

# By class byte: bits, header, section header, symbol (name, info, section, value in
# their places), ELF32_R_SYM's shift, size of r_info's word.
_CLASSES = {
    1: (32, "HHIIIIIHHHHHH", "10I", "IIIBBH", (0, 5, 1), 8, "I"),
    2: (64, "HHIQQQIHHHHHH", "IIQQQQIIQQ", "IBBHQQ", (0, 3, 4), 32, "Q"),
}


class _RefusedError(Exception):
    """The first problem found; what follows it cannot be read."""


def check_loadable(elf_bytes, machine=None):
    # type: (bytes, tuple[int, int, str] | None) -> list[Problem]
    """Return what is wrong with a module's bytes; empty when its structure is sound.

    machine: the running kernel's, as `machines.machine_of` gives it; None checks none.
    Each problem has a code (not-a-module, damaged-module, wrong-architecture,
    stripped-module) and a message; the first that is found ends the check.
    """
    try:
        _Check(elf_bytes).run(machine)
    except _RefusedError as refused:
        return [{"code": refused.args[0], "message": refused.args[1]}]
    return []


def this_module_size(elf_bytes):
    # type: (bytes) -> int | None
    """Return the size of struct module in a sound file: it is the same for a kernel.

    None when the file is not sound, or has none.
    """
    check = _Check(elf_bytes)
    try:
        check.read_headers(None)
    except _RefusedError:
        return None
    for header, name in zip(check.headers, check.names):
        if name == _THIS_MODULE:
            return header[5]
    return None


def _damaged(message):
    # type: (str) -> _RefusedError
    return _RefusedError("damaged-module", message)


class _Check(object):
    """One file under check."""

    def __init__(self, octets):
        # type: (bytes) -> None
        self.octets = octets
        self.headers = []  # type: list[Header]
        self.names = []  # type: list[str]
        self.symbols = 0

    def run(self, machine):
        # type: (tuple[int, int, str] | None) -> None
        self.read_headers(machine)
        self._check_symbols()
        self._check_relocations()
        self._check_module_sections()

    def read_headers(self, machine):
        # type: (tuple[int, int, str] | None) -> None
        octets = self.octets
        if octets[:4] != b"\x7fELF":
            raise _RefusedError("not-a-module", "it does not begin as an ELF file does")
        ident = octets_of(octets[:16])
        if len(ident) < 16 or ident[4] not in _CLASSES or ident[5] not in (1, 2):
            raise _damaged("ELF class or byte order is none there is")
        self.order = "<" if ident[5] == 1 else ">"
        self.layout = _CLASSES[ident[4]]
        header = struct.Struct(self.order + self.layout[1])
        if len(octets) < 16 + header.size:
            raise _damaged("the file ends within the ELF header")
        fields = header.unpack(octets[16 : 16 + header.size])
        if fields[0] != _ET_REL:
            raise _RefusedError(
                "not-a-module", "ELF type %d is not a relocatable file's" % fields[0]
            )
        self.machine = fields[1]
        self._check_machine(machine)
        if ident[6] != 1 or fields[2] != 1:
            raise _damaged("the ELF version is not 1")
        if fields[7] != 16 + header.size:
            raise _damaged("the ELF header says it has %d bytes" % fields[7])
        self._read_sections(fields[5], fields[10], fields[11], fields[12])

    def _check_machine(self, machine):
        # type: (tuple[int, int, str] | None) -> None
        if machine is None:
            return
        if self.machine != machine[0]:
            raise _RefusedError(
                "wrong-architecture",
                "it is for ELF machine %d, the kernel is machine %d"
                % (self.machine, machine[0]),
            )
        if self.layout[0] != machine[1] or machine[2] not in ("", self.order):
            raise _RefusedError(
                "wrong-architecture",
                "it is a %d-bit %s-endian file, which the kernel is not"
                % (self.layout[0], self.order == "<" and "little" or "big"),
            )

    def _read_sections(self, start, width, count, names_index):
        # type: (int, int, int, int) -> None
        entry = struct.Struct(self.order + self.layout[2])
        size = len(self.octets)
        if width != entry.size:
            raise _damaged(
                "section headers have %d bytes, not %d" % (width, entry.size)
            )
        if not count or start < 16 or start + count * width > size:
            raise _damaged("the section headers reach past the end: the file is cut")
        for at in range(start, start + count * width, width):
            self.headers.append(entry.unpack(self.octets[at : at + width]))
        if not 0 < names_index < count:
            raise _damaged("section %d of %d has the names" % (names_index, count))
        for index, header in enumerate(self.headers):
            inside = header[1] in (0, _SHT_NOBITS) or header[4] + header[5] <= size
            if not inside:
                raise _damaged("section %d reaches past the end of the file" % index)
            if header[5] > _MOST_BYTES or header[8] & (header[8] - 1):
                raise _damaged("section %d has a size or alignment it cannot" % index)
        texts = self._strings(names_index)
        for index, header in enumerate(self.headers):
            if header[0] >= len(texts):
                raise _damaged("section %d has its name outside" % index)
            self.names.append(texts[header[0] : texts.find("\0", header[0])])

    def _content(self, index):
        # type: (int) -> bytes
        header = self.headers[index]
        if header[1] == _SHT_NOBITS:
            return b""
        return self.octets[header[4] : header[4] + header[5]]

    def _strings(self, index):
        # type: (int) -> str
        if not 0 < index < len(self.headers) or self.headers[index][1] != _SHT_STRTAB:
            raise _damaged("section %d should be a string table" % index)
        texts = native(self._content(index))
        if not texts or texts[0] != "\0" or texts[-1] != "\0":
            raise _damaged("string table %d does not begin and end in NUL" % index)
        return texts

    def _check_symbols(self):
        # type: () -> None
        tables = [
            i for i, header in enumerate(self.headers) if header[1] == _SHT_SYMTAB
        ]
        if not tables:
            raise _RefusedError("stripped-module", "it has no symbol table")
        if len(tables) > 1:
            raise _damaged("it has %d symbol tables" % len(tables))
        self.table = tables[0]
        header = self.headers[self.table]
        entry = struct.Struct(self.order + self.layout[3])
        texts = self._strings(header[6])
        if header[9] != entry.size or not header[5] or header[5] % entry.size:
            raise _damaged("the symbol table is no whole number of entries")
        content = self._content(self.table)
        self.symbols = len(content) // entry.size
        if header[7] > self.symbols:
            raise _damaged("the symbol table counts more local symbols than it has")
        name_at, section_at, value_at = self.layout[4]
        count, length = len(self.headers), len(texts)
        for at in range(entry.size, len(content), entry.size):
            fields = entry.unpack(content[at : at + entry.size])
            number, index = at // entry.size, fields[section_at]
            if fields[name_at] >= length:
                raise _damaged("symbol %d has its name outside" % number)
            if index >= _SHN_LORESERVE:
                self._check_special(number, index, fields[name_at], texts)
            elif index >= count:
                raise _damaged(
                    "symbol %d is in section %d of %d" % (number, index, count)
                )
            elif index and fields[value_at] > self.headers[index][5] + 1:
                raise _damaged("symbol %d lies behind its section" % number)

    def _check_special(self, number, index, name, texts):
        # type: (int, int, int, str) -> None
        if index in (_SHN_ABS, _SHN_LIVEPATCH):
            return
        if index == _SHN_COMMON and texts.startswith("__gnu_lto", name):
            return
        if self.machine == _EM_MIPS and index < _SHN_LORESERVE + 5:
            return
        raise _damaged("symbol %d is in the special section %#x" % (number, index))

    def _check_relocations(self):
        # type: () -> None
        word = self.layout[6]
        size = struct.calcsize("<" + word)
        for index, header in enumerate(self.headers):
            if header[1] not in (_SHT_REL, _SHT_RELA):
                continue
            words = header[1] == _SHT_RELA and 3 or 2
            if header[7] >= len(self.headers):
                raise _damaged("section %d relocates section %d" % (index, header[7]))
            target = self.headers[header[7]]
            if not target[2] & _SHF_ALLOC or not header[5]:
                continue  # the kernel leaves it alone
            if header[6] != self.table or target[1] == _SHT_NOBITS:
                raise _damaged("section %d relocates by a wrong table" % index)
            if header[5] % (words * size) or header[9] not in (0, words * size):
                raise _damaged("section %d is no whole number of entries" % index)
            content = self._content(index)
            numbers = struct.unpack(
                self.order + "%d%s" % (len(content) // size, word), content
            )
            # The symbol is in the upper bits, so the greatest word has the greatest.
            symbol = max(numbers[1::words]) >> self.layout[5]
            if self.machine == _EM_MIPS and self.layout[0] == 64:
                symbol = 0  # its r_info is laid out otherwise
            if symbol >= self.symbols:
                raise _damaged("section %d relocates by symbol %d" % (index, symbol))
            if max(numbers[0::words]) >= target[5]:
                raise _damaged("section %d relocates behind the end" % index)

    def _check_module_sections(self):
        # type: () -> None
        places = [i for i, name in enumerate(self.names) if name == _THIS_MODULE]
        if len(places) != 1:
            raise _RefusedError(
                "not-a-module", "it has %d sections %s" % (len(places), _THIS_MODULE)
            )
        header = self.headers[places[0]]
        if header[1] == _SHT_NOBITS or not header[2] & _SHF_ALLOC or header[5] < 64:
            raise _damaged("its struct module is not in the file")
        for index, name in enumerate(self.names):
            content = self._content(index) if self.headers[index][5] else b""
            ends = name in (".modinfo", "__ksymtab_strings")
            if ends and content and content[-1:] != b"\0":
                raise _damaged("%s does not end in NUL" % name)
            if name == "__versions" and len(content) % 64:
                raise _damaged("__versions is no whole number of records")
