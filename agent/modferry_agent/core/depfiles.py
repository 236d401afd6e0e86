"""THE table of the files that depmod writes, and the bytes of each.

Source: depmod(8), modules.dep(5); kmod, tools/depmod.c, output_* and depmod_output;
checked to the byte by tests/against_kmod.
"""

from modferry_agent.compat import native, raw
from modferry_agent.core import devname, highbytes, indexpairs, trie
from modferry_agent.core.names import split_paths
from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin
    from modferry_agent.core.contents import Contents  # noqa: F401
    from modferry_agent.core.indexpairs import Pairs  # noqa: F401


def encode_files(contents, only=None):
    # type: (Contents, Sequence[str] | None) -> list[tuple[str, bytes]]
    """Return ``(name, bytes)`` of each file that this kmod writes, in its order.

    only: the names of those to return
    """
    files = []
    for name, encode, since in TABLE:
        if contents.kmod >= since and (only is None or name in only):
            octets = encode(contents)
            files.append((name, octets))
            if name in _ASCII_FROM_34 and contents.kmod >= 34:
                _warn_of_high_bytes(contents, name, octets)
    return files


# What kmod 34 ends at if there is a byte above 7F: no index is written anew any more.
_ASCII_FROM_34 = ("modules.dep", "modules.alias", "modules.symbols")


def _warn_of_high_bytes(contents, name, octets):
    # type: (Contents, str, bytes) -> None
    if highbytes.are_in(octets):
        for line in octets.split(b"\n"):
            if highbytes.are_in(line):
                text = "a byte above 7F, which kmod's depmod from 34 on dies of: %s"
                shown = native(line)
                contents.warnings.append((name, reason(text % shown, "high-byte")))


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
    for line in text.split("\n"):
        path, colon, rest = line.partition(":")
        if colon:
            found[path] = split_paths(rest)
    return found


# Name of an index and what kmod calls it.
_WATCHED = {"dep": "deps", "alias": "alias", "symbols": "syms"}


def _index(contents, pairs, what):
    # type: (Contents, Pairs, str) -> bytes
    # what: name of the index; kmod tells of what three of them have twice
    if contents.with_duplicates and what in _WATCHED:
        pairs = indexpairs.watched(contents, pairs, _WATCHED[what])
    built = trie.build(pairs)
    harmful = highbytes.harmful_keys(built.keys)
    if harmful:
        built = built.without(harmful)
        text = "a byte above 7F, at which kmod's reader loses other keys, in %s"
        for key in sorted(harmful):
            because = reason(text % key + "; it is not in the index", "high-branch")
            contents.warnings.append(("modules.%s.bin" % what, because))
    return trie.encode(built, "pre" if contents.kmod >= 34 else "post")


def _dep(contents):
    # type: (Contents) -> bytes
    return _text(indexpairs.dep_lines(contents))


def _dep_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, indexpairs.dep_pairs(contents), "dep")


def _alias(contents):
    # type: (Contents) -> bytes
    lines = ["# Aliases extracted from modules themselves."]
    for module in contents.modules:
        if module.link_of is None:
            if module.aliases:
                end = " " + module.name
                lines.append("alias " + (end + "\nalias ").join(module.aliases) + end)
    return _text(lines)


def _alias_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, indexpairs.alias_pairs(contents), "alias")


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
    for symbol in contents.symbols():
        name = contents.modules[contents.owners[symbol]].name
        lines.append("alias symbol:" + symbol + " " + name)
    return _text(lines)


def _symbols_bin(contents):
    # type: (Contents) -> bytes
    return _index(contents, indexpairs.symbol_pairs(contents), "symbols")


def _builtin_bin(contents):
    # type: (Contents) -> bytes
    path = "modules.builtin"
    if contents.builtin is None:
        contents.warnings.append((path, _missing(path)))
        return b""
    pairs = indexpairs.builtin_pairs(contents, path, contents.builtin)
    return _index(contents, pairs, "builtin")


def _builtin_alias_bin(contents):
    # type: (Contents) -> bytes
    path = "modules.builtin.modinfo"
    if contents.builtin_modinfo is None:
        contents.warnings.append((path, _missing(path)))
        return b""
    pairs = indexpairs.builtin_alias_pairs(contents, path, contents.builtin_modinfo)
    return _index(contents, pairs, "builtin.alias")


def _missing(path):
    # type: (str) -> str
    return reason("missing: its index is empty", "builtin-missing", file=path)


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
