"""What the index files hold: key, value and priority, in the order of insertion.

Source: kmod, tools/depmod.c, output_*_bin.
"""

from modferry_agent.core import modinfo, names
from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin
    from modferry_agent.core.contents import Contents  # noqa: F401

    Pairs = Iterator[tuple[str, str, int]]


def watched(contents, pairs, what):
    # type: (Contents, Pairs, str) -> Pairs
    """Yield the pairs, and warn of each that was there before."""
    seen = set()
    for key, value, priority in pairs:
        if (key, value) in seen:
            shown = value if what == "deps" else key + " " + value
            contents.warnings.append(
                (
                    contents.modules[priority].path,
                    reason(
                        "twice in the index of %s: %s" % (what, shown),
                        "duplicate",
                        what=what,
                        shown=shown,
                    ),
                )
            )
        seen.add((key, value))
        yield key, value, priority


def dep_lines(contents):
    # type: (Contents) -> list[str]
    """Return the lines of modules.dep."""
    lines = []
    for module, needed in zip(contents.modules, contents.dependencies):
        lines.append(" ".join([module.path + ":"] + [owner.path for owner in needed]))
    return lines


def dep_pairs(contents):
    # type: (Contents) -> Pairs
    """Yield what is in modules.dep.bin."""
    lines = dep_lines(contents)
    for index, module in enumerate(contents.modules):
        yield module.name, lines[index], index


def alias_pairs(contents):
    # type: (Contents) -> Pairs
    """Yield what is in modules.alias.bin."""
    for index, module in enumerate(contents.modules):
        if module.link_of is None:
            name = module.name
            for alias, key in names.normalised_aliases(module.aliases):
                if key is None:
                    contents.warnings.append((module.path, _unmatched(alias)))
                else:
                    yield key, name, index


def _unmatched(alias):
    # type: (str) -> str
    text = "unmatched bracket in the alias %s, which is left out of modules.alias.bin"
    return reason(text % alias, "unmatched-bracket", alias=alias)


def symbol_pairs(contents):
    # type: (Contents) -> Pairs
    """Yield what is in modules.symbols.bin, where no key is twice: in any order."""
    modules = contents.modules
    for symbol, place in contents.owners.items():
        yield "symbol:" + symbol, modules[place].name, place


def builtin_pairs(contents, path, text):
    # type: (Contents, str, str) -> Pairs
    """Yield what is in modules.builtin.bin.

    path, text: of modules.builtin
    """
    lines = text.split("\n")
    for place, line in enumerate(lines):
        is_last = place == len(lines) - 1
        if not line and is_last:
            continue
        if _starts_with_a_letter(line):
            yield names.module_name(line), "", 0
        else:
            whole = line if is_last else line + "\n"
            because = reason("invalid line: " + line, "builtin-line", line=whole)
            contents.warnings.append((path, because))


def _starts_with_a_letter(text):
    # type: (str) -> bool
    return "a" <= text[:1].lower() <= "z"


def builtin_alias_pairs(contents, path, section):
    # type: (Contents, str, bytes) -> Pairs
    """Yield what is in modules.builtin.alias.bin.

    path, section: of modules.builtin.modinfo
    """
    for name, alias in modinfo.builtin_aliases(section):
        key = names.normalise_alias(alias)
        if key is None:
            contents.warnings.append((path, _unmatched(alias)))
        else:
            yield key, name, 0
