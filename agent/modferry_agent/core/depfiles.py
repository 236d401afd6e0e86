"""THE table of the files that depmod writes, and the bytes of each.

Source: depmod(8), modules.dep(5); kmod, tools/depmod.c, output_* and depmod_output;
checked to the byte by tests/against_kmod.
"""

from modferry_agent.compat import raw
from modferry_agent.core import devname, modinfo, names, trie

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

    Pair = tuple[str, str, int]

NEWEST_KMOD = 34


class Contents(object):
    """All that the index files are made of.

    modules: in kmod's order
    dependencies: the modules of each one's line, in the same order
    owners: symbol -> index of the module that owns it
    builtin: text of modules.builtin, or None without one
    builtin_modinfo: bytes of modules.builtin.modinfo, or None without one
    kmod: the release of kmod to be like
    warnings: ``(path, reason)``; what is found wrong while the files are made is added
    """

    def __init__(self, modules, dependencies, owners, kmod=NEWEST_KMOD):
        # type: (Sequence[Module], Sequence[Sequence[Module]], dict[str, int], int) -> None
        """Take the modules; what is built into the kernel is set afterwards."""
        self.modules = modules
        self.dependencies = dependencies
        self.owners = owners
        self.kmod = kmod
        self.builtin = None  # type: str | None
        self.builtin_modinfo = None  # type: bytes | None
        self.warnings = []  # type: list[tuple[str, str]]


def encode_files(contents):
    # type: (Contents) -> list[tuple[str, bytes]]
    """Return ``(name, bytes)`` of each file that this kmod writes, in its order."""
    return [
        (name, encode(contents))
        for name, encode, since in TABLE
        if contents.kmod >= since
    ]


def text_files(contents):
    # type: (Contents) -> list[tuple[str, bytes]]
    """Return ``(name, bytes)`` of the text files alone, which a dry run shows."""
    return [
        (name, encode(contents))
        for name, encode, since in TABLE
        if contents.kmod >= since and not name.endswith(".bin")
    ]


def parse_dep(text):
    # type: (str) -> dict[str, list[str]]
    """Return path -> paths of its dependencies, from the text of modules.dep."""
    found = {}
    for line in text.splitlines():
        path, colon, rest = line.partition(":")
        if colon:
            found[path] = rest.split()
    return found


def _index(contents, pairs):
    # type: (Contents, list[Pair]) -> bytes
    return trie.encode(trie.build(pairs), "pre" if contents.kmod >= 34 else "post")


def _dep_lines(contents):
    # type: (Contents) -> list[str]
    lines = []
    for module, needed in zip(contents.modules, contents.dependencies):
        lines.append(" ".join([module.path + ":"] + [owner.path for owner in needed]))
    return lines


def _dep(contents):
    # type: (Contents) -> bytes
    return _text(_dep_lines(contents))


def _dep_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, dep_pairs(contents))


def dep_pairs(contents):
    # type: (Contents) -> list[Pair]
    """Return key, value and priority of what is in modules.dep.bin."""
    lines = _dep_lines(contents)
    return [
        (module.name, lines[index], index)
        for index, module in enumerate(contents.modules)
    ]


def _alias(contents):
    # type: (Contents) -> bytes
    lines = ["# Aliases extracted from modules themselves."]
    for module in contents.modules:
        if module.link_of is None:
            for alias in module.aliases:
                lines.append("alias " + alias + " " + module.name)
    return _text(lines)


def _alias_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, alias_pairs(contents))


def alias_pairs(contents):
    # type: (Contents) -> list[Pair]
    """Return key, value and priority of what is in modules.alias.bin."""
    pairs = []
    for index, module in enumerate(contents.modules):
        if module.link_of is None:
            for alias in module.aliases:
                key = names.normalise_alias(alias)
                if key is None:
                    contents.warnings.append((module.path, _UNMATCHED % alias))
                else:
                    pairs.append((key, module.name, index))
    return pairs


_UNMATCHED = "unmatched bracket in the alias %s, which is left out of modules.alias.bin"


def _softdep(contents):
    # type: (Contents) -> bytes
    lines = ["# Soft dependencies extracted from modules themselves."]
    for module in contents.modules:
        for value in module.softdeps:
            lines.append("softdep " + module.name + " " + value)
    return _text(lines)


def _weakdep(contents):
    # type: (Contents) -> bytes
    lines = ["# Weak dependencies extracted from modules themselves."]
    for module in contents.modules:
        for value in module.weakdeps:
            lines.append("weakdep " + module.name + " " + value)
    return _text(lines)


def _symbols(contents):
    # type: (Contents) -> bytes
    lines = ["# Aliases for symbols, used by symbol_request()."]
    for key, name, _index in symbol_pairs(contents):
        lines.append("alias " + key + " " + name)
    return _text(lines)


def _symbols_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, symbol_pairs(contents))


def symbol_pairs(contents):
    # type: (Contents) -> list[Pair]
    """Return key, value and priority of what is in modules.symbols.bin."""
    owners = contents.owners
    pairs = []
    for symbol in names.hash_order(owners, names.SYMBOL_BUCKETS):
        index = owners[symbol]
        pairs.append(("symbol:" + symbol, contents.modules[index].name, index))
    return pairs


def _builtin_bin(contents):
    # type: (Contents) -> bytes
    if contents.builtin is None:
        contents.warnings.append(("modules.builtin", "missing: its index is empty"))
        return b""
    pairs = []
    for line in contents.builtin.splitlines():
        if not line[:1].isalpha():
            contents.warnings.append(("modules.builtin", "invalid line: " + line))
        else:
            pairs.append((names.module_name(line), "", 0))
    return _index(contents, pairs)


def _builtin_alias_bin(contents):
    # type: (Contents) -> bytes
    path = "modules.builtin.modinfo"
    if contents.builtin_modinfo is None:
        contents.warnings.append((path, "missing: its index is empty"))
        return b""
    pairs = []
    for name, alias in modinfo.builtin_aliases(contents.builtin_modinfo):
        key = names.normalise_alias(alias)
        if key is None:
            contents.warnings.append((path, _UNMATCHED % alias))
        else:
            pairs.append((key, name, 0))
    return _index(contents, pairs)


def _devname(contents):
    # type: (Contents) -> bytes
    lines = []
    for module in contents.modules:
        if module.link_of is None:
            line, complaint = devname.line_of(module)
            if line:
                lines.append(line)
            if complaint:
                contents.warnings.append((module.path, complaint))
    if not lines:
        return b""
    return _text(["# Device nodes to trigger on-demand module loading."] + lines)


def _text(lines):
    # type: (list[str]) -> bytes
    return raw("".join([line + "\n" for line in lines]))


# Name, what makes its bytes, first kmod that writes it; in the order of writing.
TABLE = (
    ("modules.dep", _dep, 0),
    ("modules.dep.bin", _dep_bin, 0),
    ("modules.alias", _alias, 0),
    ("modules.alias.bin", _alias_bin, 0),
    ("modules.softdep", _softdep, 0),
    ("modules.weakdep", _weakdep, 33),
    ("modules.symbols", _symbols, 0),
    ("modules.symbols.bin", _symbols_bin, 0),
    ("modules.builtin.bin", _builtin_bin, 0),
    ("modules.builtin.alias.bin", _builtin_alias_bin, 27),
    ("modules.devname", _devname, 0),
)
