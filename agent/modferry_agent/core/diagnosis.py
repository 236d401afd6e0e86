"""From what a box holds, and what its kernel said, to findings: why a load fails.

Nothing here reads: `jobs.diagnose` gathers, this decides.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    from modferry_agent.core.module import Module  # noqa: F401

    Finding = dict[str, Any]

ERROR, WARNING, NOTE = "error", "warning", "note"
DEPMOD = "modferry depmod --on BOX; then modferry load %s --on BOX"

# What modules name and no module exports; the last two carry the kernel's layout.
NO_IMPORTS = (
    "__this_module",
    "_GLOBAL_OFFSET_TABLE_",
    "module_layout",
    "struct_module",
)


def finding(code, severity, module, why, step, symbol=None, owner=None, evidence=()):
    # type: (str, str, str, str, str, str | None, str | None, Sequence[str]) -> Finding
    """Return one finding: what is wrong, why, how it is known, and the next step.

    code: stable, kebab-case; severity: error (the load fails), warning, note
    owner: path of the file that exports the symbol, below the module tree
    """
    return {
        "code": code,
        "severity": severity,
        "module": module,
        "symbol": symbol,
        "owner": owner,
        "evidence": list(evidence),
        "why": why,
        "next": step,
        "details": {},
    }


class Owner(object):
    """A file that exports a symbol, as far as the box knows it.

    path: below the module tree; names: all paths that are this file, itself first
    exporters: paths of every file and link that exports the symbol
    crc: of the export, 0 if it has none; inner_name: by which the kernel knows it
    newer: the file is newer than modules.dep
    """

    __slots__ = ("path", "names", "exporters", "crc", "inner_name", "newer")

    def __init__(self, path, names, exporters, crc, inner_name, newer=False):
        # type: (str, list[str], list[str], int, str, bool) -> None
        """Keep the values."""
        self.path = path
        self.names = names
        self.exporters = exporters
        self.crc = crc
        self.inner_name = inner_name
        self.newer = newer


class Subject(object):
    """The module under question: its file, and its line of modules.dep.

    line: paths of its dependencies, or None if the index has no such module
    wanted: the line it should have
    """

    __slots__ = ("module", "line", "wanted")

    def __init__(self, module, line, wanted=()):
        # type: (Module, list[str] | None, Sequence[str]) -> None
        """Keep the values."""
        self.module = module
        self.line = line
        self.wanted = list(wanted)

    @property
    def name(self):
        # type: () -> str
        """Return the module's name after its file."""
        return self.module.name


def judge_import(subject, symbol, crc, owner, loaded):
    # type: (Subject, str, int, Owner, Sequence[str]) -> Finding | None
    """Return what is wrong with an import that a module of the tree owns, or None."""
    name = subject.name
    if crc and owner.crc and crc != owner.crc:
        found = finding(
            "crc-mismatch",
            ERROR,
            name,
            "%s exports it with another CRC than %s was built with"
            % (owner.path, name),
            "rebuild %s with the Module.symvers that %s was built with, or push the"
            " %s that belongs to it" % (name, owner.path, owner.path),
            symbol,
            owner.path,
            ["%s: __versions says 0x%08x" % (subject.module.path, crc)]
            + ["%s: exports 0x%08x" % (owner.path, owner.crc)],
        )
        found["details"] = {"imported": crc, "exported": owner.crc}
        return found
    line = subject.line
    if line is None or [path for path in owner.names if path in line]:
        return None
    return _left_out(subject, symbol, owner, owner.inner_name in loaded)


def _left_out(subject, symbol, owner, is_loaded):
    # type: (Subject, str, Owner, bool) -> Finding
    name, line = subject.name, subject.line or []
    copies = len(owner.exporters)
    lost_by = ""
    why = "%s exports %s; modules.dep's line of %s leaves that module out" % (
        owner.path,
        symbol,
        name,
    )
    if copies % 2 == 0:
        lost_by = "kmod 9 to 17"
        why += (
            ": its symbols are exported under %s names (%s), an even number, and kmod"
            " before 18 loses those" % (_number(copies), _file_and_links(owner))
        )
    elif owner.newer:
        why += ": it is older than that file"
    else:
        why += ": it was written without that file, or before it was there"
    found = finding(
        "left-out-of-modules-dep",
        WARNING if is_loaded else ERROR,
        name,
        why,
        DEPMOD % name,
        symbol,
        owner.path,
        ["modules.dep: %s: %s" % (subject.module.path, " ".join(line))]
        + ["%s exports %s" % (path, symbol) for path in owner.exporters],
    )
    found["details"] = {
        "names": owner.exporters,
        "copies": copies,
        "lost_by": lost_by or None,
        "had": line,
        "should": subject.wanted,
    }
    return found


def _number(count):
    # type: (int) -> str
    words = "no one two three four five six seven eight nine ten".split()
    return words[count] if count < len(words) else str(count)


def _file_and_links(owner):
    # type: (Owner) -> str
    links = len(owner.names) - 1
    files = len(owner.exporters) - links
    text = "the file" if files == 1 else "%s files" % _number(files)
    if links:
        text += " and %s link%s" % (_number(links), "" if links == 1 else "s")
    return text


def nowhere(subject, symbol):
    # type: (Subject, str) -> Finding
    """Return the finding for an import that nothing on the box exports."""
    step = "push the module that exports it: modferry push FILE --on BOX"
    if symbol.startswith(("ipipe_", "__ipipe_", "hal_")):
        step = "boot a kernel with the I-pipe patch (CONFIG_IPIPE=y)"
    elif symbol.startswith(("rt_", "rtai_", "rtheap_")):
        step = "push the RTAI module that exports it: modferry push FILE --on BOX"
    return finding(
        "unknown-symbol",
        ERROR,
        subject.name,
        "neither the running kernel nor any module below the module tree exports it",
        step,
        symbol,
        None,
        ["%s: undefined symbol %s" % (subject.module.path, symbol)],
    )


def kernel_crc(subject, symbol, crc, known, source):
    # type: (Subject, str, int, int, str) -> Finding | None
    """Return what is wrong with the CRC of an import that the kernel owns, or None.

    known: the kernel's CRC; source: where it was read
    """
    if not crc or not known or crc == known:
        return None
    layout = symbol in NO_IMPORTS
    return finding(
        "module-layout-mismatch" if layout else "crc-mismatch",
        ERROR,
        subject.name,
        "the running kernel has another CRC for it than the module was built with",
        "rebuild %s against the headers of the running kernel" % subject.name,
        symbol,
        None,
        ["%s: __versions says 0x%08x" % (subject.module.path, crc)]
        + ["%s says 0x%08x" % (source, known)],
    )


def is_loadable(findings):
    # type: (Sequence[Finding]) -> bool
    """Say whether nothing found keeps the module from being loaded."""
    return not [entry for entry in findings if entry["severity"] == ERROR]


def cycle_through(needed, start):
    # type: (dict[str, list[str]], str) -> list[str]
    """Return the way from a module over what it needs back to itself; [] for none.

    needed: path -> paths of the files that it imports from
    """
    ways = [[start]]
    seen = set()  # type: set[str]
    while ways:
        way = ways.pop(0)
        for path in needed.get(way[-1], ()):
            if path == start:
                return way + [path]
            if path not in seen:
                seen.add(path)
                ways.append(way + [path])
    return []
