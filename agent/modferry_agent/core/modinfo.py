"""The ``.modinfo`` section: what a module says about itself.

    key=value NUL key=value NUL NUL ... key=value NUL

Source: kernel, include/linux/moduleparam.h, __MODULE_INFO; kmod,
libkmod/libkmod-elf.c, kmod_elf_get_modinfo_strings.
"""

from modferry_agent.compat import native


def strings(section):
    # type: (bytes) -> list[str]
    """Return the non-empty strings of a section of NUL-ended strings, in file order."""
    return strings_of(native(section))


def strings_of(section):
    # type: (str) -> list[str]
    """Return the non-empty strings of such a section's native text."""
    return [entry for entry in section.split("\0") if entry]


def fields(section):
    # type: (bytes) -> list[tuple[str, str]]
    """Return the ``(key, value)`` pairs of a ``.modinfo`` section, in file order.

    A string without ``=`` yields an empty value.

    Source: kmod, libkmod/libkmod-module.c, kmod_module_get_info.
    """
    return pairs(strings(section))


def pairs(entries):
    # type: (list[str]) -> list[tuple[str, str]]
    """Return the strings, each cut at its first ``=``."""
    found = []
    for entry in entries:
        key, _equals, value = entry.partition("=")
        found.append((key, value))
    return found


def doubts(section, strings):
    # type: (str, list[str]) -> list[str]
    """Return what is wrong with a section, of which `strings_of` made the strings."""
    if not strings:
        return ["there is no .modinfo, or nothing in it"]
    if section[-1:] != "\0":
        return [".modinfo does not end in NUL"]
    # Counting is quicker than looking at each.
    if section.count("=") < len(strings) or strings[0].find("=") < 1:
        return ["a text in .modinfo is not KEY=VALUE"]
    return []


def values(entries, key):
    # type: (list[str], str) -> list[str]
    """Return the values of one key among the strings of a section, in file order."""
    start = key + "="
    width = len(start)
    return [entry[width:] for entry in entries if entry.startswith(start)]


def builtin_aliases(section):
    # type: (bytes) -> list[tuple[str, str]]
    """Return ``(module, alias)`` of each alias in modules.builtin.modinfo.

    The file holds ``module.key=value`` strings.

    Source: kmod, tools/depmod.c, output_builtin_alias_bin.
    """
    found = []
    for entry in strings(section):
        name, _equals, value = entry.partition("=")
        module, _dot, key = name.partition(".")
        if key == "alias":
            found.append((module, value))
    return found
