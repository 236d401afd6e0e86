"""What the indexes need of a module file, as plain values that can be kept and sent.

They are a tuple: the exports as `joined` has them, the imports with NULs between them,
the values of ``alias``, ``softdep`` and ``weakdep`` in ``.modinfo``, `joined`, the
inner name or None, the machine, and what is wrong in the file.  CRCs are left out:
reading them takes as long again.
"""

from modferry_agent.compat import native
from modferry_agent.core import elf, modinfo, modversions
from modferry_agent.core.module import Module, joined, parted, this_module_name
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modferry_agent.core.elfsections import Octets  # noqa: F401

    Facts = tuple[str, str, str, str, str, str | None, int, tuple[str, ...]]


def facts_of(data):
    # type: (Octets) -> Facts
    """Return the facts of a module's (decompressed) bytes.

    Raises FormatError as `core.module.parse_module` does.
    """
    if len(data) < 6:
        raise FormatError("the file has %d bytes" % len(data), code="not-elf")
    file = elf.Elf(data)
    problems = file.problems
    exports = []  # type: list[str]
    needed = []  # type: list[bytes]
    try:
        exports = modversions.exported_names(file)
    except FormatError as error:
        problems.append(error.message)
    try:
        needed = _needed(file)
    except FormatError as error:
        problems.append(error.message)
    section = native(file.named(".modinfo") or b"")
    strings = modinfo.strings_of(section)
    problems.extend(modinfo.doubts(section, strings))
    inner = modinfo.values(strings, "name") if "name=" in section else []
    return (
        joined(exports),
        native(b"\0".join(needed)),
        joined(modinfo.values(strings, "alias")),
        joined(modinfo.values(strings, "softdep")) if "softdep=" in section else "",
        joined(modinfo.values(strings, "weakdep")) if "weakdep=" in section else "",
        inner[0] if inner else this_module_name(file),
        file.machine,
        tuple(problems),
    )


def _needed(file):
    # type: (elf.Elf) -> list[bytes]
    needed = file.undefined_names()
    # What only __versions names: module_layout, and leftovers of removed references.
    return needed + modversions.names_beside(file, needed)


def module_of(path, facts):
    # type: (str, Facts) -> Module
    """Return the module under that path, as far as the facts describe it."""
    module = Module(path, [(symbol, 0) for symbol in parted(facts[0])])
    module.set_needed(facts[1])
    module.told_aliases = facts[2]
    module.softdeps = parted(facts[3])
    module.weakdeps = parted(facts[4])
    module.inner_name = facts[5]
    module.machine = facts[6]
    module.problems = list(facts[7])
    return module
