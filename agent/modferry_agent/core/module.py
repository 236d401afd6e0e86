"""A kernel module as its file describes it: names, exports, imports, aliases."""

from modferry_agent.compat import native
from modferry_agent.core import elf, modinfo, modversions, names
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence  # noqa: F401  # novermin

# Where struct module holds its name: behind an int and a list_head of two pointers.
# Source: kernel, include/linux/module.h, struct module; the same since 2.6.
_NAME_AT = {32: 12, 64: 24}
_NAME_BYTES = {32: 60, 64: 56}


def joined(texts):
    # type: (Iterable[str]) -> str
    """Return texts as one, a NUL behind each: much less to keep than their list."""
    return "".join([text + "\0" for text in texts])


def parted(texts):
    # type: (str) -> list[str]
    """Return what `joined` was given."""
    return texts[:-1].split("\0") if texts else []


class Module(object):
    """One module file, or one link to it, under one name of the module tree.

    name: the module's name as depmod has it: from the file's name
    path: relative to the module tree; absolute when it lies outside
    exports: ``(symbol, crc)`` in the order of the file
    imports: ``(symbol, crc, weak)``: undefined symbols in the order of the file, then
        what only ``__versions`` names; from `core.modulefacts`, without CRC, weakness
    told_aliases: the values of ``alias`` in ``.modinfo`` as `joined` has them
    problems: what is wrong in the file, a sentence each
    link_of: the module whose file this is only another name of, or None
    """

    __slots__ = (
        "name",
        "path",
        "exports",
        "problems",
        "link_of",
        "machine",
        "softdeps",
        "weakdeps",
        "inner_name",
        "told_aliases",
        "_strings",
        "_imports",
        "_needed",
    )

    def __init__(self, path, exports=(), imports=(), strings=(), problems=()):
        # type: (str, Sequence[tuple[str, int]], Sequence[tuple[str, int, bool]], Sequence[str], Sequence[str]) -> None
        """Describe a module by hand; `parse_module` does it from the file's bytes."""
        self.name = names.module_name(path)
        self.path = path
        self.exports = list(exports)
        self._imports = list(imports)
        self._needed = None  # type: str | None
        self.problems = list(problems)
        self.link_of = None  # type: Module | None
        self.machine = None  # type: int | None
        self._strings = list(strings)
        self.inner_name = None  # type: str | None
        self.told_aliases = ""
        self.softdeps = []  # type: list[str]
        self.weakdeps = []  # type: list[str]
        if strings:
            self._read_strings(self._strings)

    def _read_strings(self, strings):
        # type: (list[str]) -> None
        self.told_aliases = joined(modinfo.values(strings, "alias"))
        self.softdeps = modinfo.values(strings, "softdep")
        self.weakdeps = modinfo.values(strings, "weakdep")
        inner = modinfo.values(strings, "name")
        self.inner_name = inner[0] if inner else None

    @property
    def fields(self):
        # type: () -> list[tuple[str, str]]
        """Return the ``(key, value)`` pairs of ``.modinfo``, in file order."""
        return modinfo.pairs(self._strings)

    @property
    def aliases(self):
        # type: () -> list[str]
        """Return the values of ``alias`` in ``.modinfo``, in file order."""
        return parted(self.told_aliases)

    @property
    def imports(self):
        # type: () -> list[tuple[str, int, bool]]
        """Return ``(symbol, crc, weak)`` of each import."""
        if self._needed is None:
            return self._imports
        return [(symbol, 0, False) for symbol in self.needed]

    @property
    def needed(self):
        # type: () -> list[str]
        """Return the symbols that are imported, in the same order."""
        if self._needed is None:
            return [symbol for symbol, _crc, _weak in self._imports]
        return self._needed.split("\0") if self._needed else []

    @property
    def is_dotted(self):
        # type: () -> bool
        """Say whether an import may start with a dot, as on ppc64."""
        joined = self._needed
        return joined is None or joined[:1] == "." or "\0." in joined

    def set_needed(self, joined):
        # type: (str) -> None
        """Let the imports be these symbols, joined by NULs: a tenth of the memory."""
        self._needed = joined

    def renamed(self, path, link_of=None):
        # type: (str, Module | None) -> Module
        """Return the same module under another path, sharing what the file said."""
        other = Module(path)
        for slot in (
            "exports",
            "problems",
            "told_aliases",
            "softdeps",
            "weakdeps",
            "inner_name",
            "machine",
            "_strings",
            "_imports",
            "_needed",
        ):
            setattr(other, slot, getattr(self, slot))
        other.link_of = link_of
        return other


def parse_module(path, data):
    # type: (str, bytes) -> Module
    """Return what the module's (decompressed) bytes say.

    Raises FormatError when nothing can be read at all.  What is wrong in a part of it
    stands in ``problems``, and that part is empty.
    """
    if len(data) < 6:
        raise FormatError("the file has %d bytes" % len(data), code="not-elf")
    file = elf.Elf(data)
    problems = file.problems
    exports = []  # type: list[tuple[str, int]]
    imports = []  # type: list[tuple[str, int, bool]]
    try:
        exports = modversions.exported_crcs(file)
    except FormatError as error:
        problems.append(error.message)
    try:
        imports = _imports(file)
    except FormatError as error:
        problems.append(error.message)
    section = native(file.named(".modinfo") or b"")
    strings = modinfo.strings_of(section)
    problems.extend(modinfo.doubts(section, strings))
    module = Module(path, exports, imports, strings, problems)
    module.machine = file.machine
    if module.inner_name is None:
        module.inner_name = this_module_name(file)
    return module


def _imports(file):
    # type: (elf.Elf) -> list[tuple[str, int, bool]]
    undefined = file.undefined()
    # kmod takes the first record of a name; the kernel does not have a second one.
    crcs = {}  # type: dict[str, int]
    records = modversions.imported_crcs(file)
    for symbol, crc in records:
        crcs.setdefault(symbol, crc)
    extended = dict(modversions.extended_crcs(file))
    found = []
    for symbol, weak in undefined:
        found.append((symbol, crcs.get(symbol, extended.get(symbol, 0)), weak))
    named = set([symbol for symbol, _weak in undefined])
    for symbol, crc in records:
        if symbol and symbol not in named:
            found.append((symbol, crc, False))
    return found


def this_module_name(file):
    # type: (elf.Elf) -> str | None
    """Return the name by which the kernel will know the module, if it is there."""
    content = file.named(".gnu.linkonce.this_module") or b""
    at = _NAME_AT[file.bits]
    name = native(content[at : at + _NAME_BYTES[file.bits]]).partition("\0")[0]
    return name if name.replace("_", "").replace("-", "").isalnum() else None
