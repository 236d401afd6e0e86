"""What the depmod of a release of kmod, or of module-init-tools, makes of a tree.

To all of them a link is a module of its own.  What differs is who owns a symbol that
is exported under several names, and what becomes of a cycle:

    module-init-tools  the last one owns; who is in a cycle, or needs one, has no line
    kmod 9 to 17       an even number of exports is lost; who is in a cycle, or below
                       one, has no line
    kmod 18 to 33      the last one owns; with a cycle nothing is written
    kmod 34            the same; with a byte above 7F nothing is written either

Source: module-init-tools 3.16, depmod.c, parse_modules and add_symbol; kmod,
tools/depmod.c and shared/hash.c of these releases; `depgraph.lost_by_old_kmod`.
"""

from modferry_agent.compat import raw
from modferry_agent.core import depgraph, explain, highbytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.explain import Subject  # noqa: F401
    from modferry_agent.core.module import Module  # noqa: F401

    Lines = dict[str, list[str]]

KMOD = "kmod"
MODULE_INIT_TOOLS = "module-init-tools"

# The first release that finds again what was exported an even number of times, and that
# refuses cycles; the first that refuses bytes above 7F.
FINDS_AGAIN = 18
REFUSES_HIGH_BYTES = 34


class Outcome(object):
    """What a depmod would leave.

    lines: path -> paths of its line; a module without a line is not in it
    refusal: why it would write nothing, or ""; lines are then as if it had
    left_out: the paths of modules that get no line, because of a cycle
    """

    def __init__(self, lines, refusal="", left_out=()):
        # type: (Lines, str, Sequence[str]) -> None
        """Keep them."""
        self.lines = lines
        self.refusal = refusal
        self.left_out = list(left_out)


def outcome(modules, tool, version):
    # type: (Sequence[Module], str, int) -> Outcome
    """Return what the depmod of that tool and release makes of the modules.

    modules: in the order in which that depmod has them, links among them
    """
    loses = tool == KMOD and version < FINDS_AGAIN
    if loses:
        table = depgraph.owners_as_kmod9(modules)
    else:
        table = depgraph.owners_as_kmod(modules)
    found, rank = depgraph.lines_of_own(modules, table)
    lines = dict(
        [
            (module.path, [each.path for each in line])
            for module, line in zip(modules, found)
        ]
    )
    cyclic = [modules[at].path for at, place in enumerate(rank) if place is None]
    refusal = ""
    left_out = []  # type: list[str]
    if cyclic and tool == KMOD and not loses:
        refusal = "dependency-cycle"
    elif cyclic:
        if tool == MODULE_INIT_TOOLS:
            circles = set([path for path in lines if path in lines[path]])
            cyclic = [path for path in lines if circles.intersection(lines[path])]
        left_out = [module.path for module in modules if module.path in set(cyclic)]
        for path in left_out:
            del lines[path]
    if tool == KMOD and version >= REFUSES_HIGH_BYTES and high_bytes_in(modules):
        refusal = refusal or "high-byte"
    return Outcome(lines, refusal, left_out)


def high_bytes_in(modules):
    # type: (Sequence[Module]) -> list[str]
    """Return the paths of modules with a byte above 7F in path, alias or export."""
    found = []
    for module in modules:
        texts = [module.path] + module.aliases + [name for name, _crc in module.exports]
        if highbytes.are_in(raw("".join(texts))):
            found.append(module.path)
    return found


def judged(subject, coming, now):
    # type: (Subject, Outcome, Lines | None) -> list[dict[str, Any]]
    """Return the modules whose line will lack a file that they need, in order.

    subject: the tree, with the dependencies as they have to be
    now: the lines as the box has them, or None if it has no sound index

    Each: module, path, needs, had (None: no line), will (None: no line), state
    (``breaks``, or ``broken`` if it lacks one of the same files now), missing: a list
    of {path, user, symbol, exporters, links}: the import on the way there that will not
    be found, and under which names its symbol is exported; links: those of them that
    are another name of the same file.
    """
    lost = set()  # type: set[str]
    for symbol, exporters in subject.exporters.items():
        if len(exporters) % 2 == 0:
            lost.add(symbol)
    found = []
    for index, module in enumerate(subject.modules):
        right = subject.lines[index]
        will = coming.lines.get(module.path)
        gone = _lacking(subject, right, will)
        if not gone and will is not None:
            continue
        had = None if now is None else now.get(module.path)
        lacked = [] if now is None else _lacking(subject, right, had)
        broken = bool(set(gone) & set(lacked)) or (now is not None and had is None)
        found.append(
            {
                "module": module.name,
                "path": module.path,
                "needs": [each.path for each in right],
                "had": had,
                "will": will,
                "state": "broken" if broken else "breaks",
                "missing": [_cause(subject, module, one, lost) for one in gone],
            }
        )
    return found


def renamed(subject, coming):
    # type: (Subject, Outcome) -> list[dict[str, Any]]
    """Return the files that lines will name by a link: {link, path, users}."""
    users = {}  # type: dict[str, list[str]]
    for path in coming.lines:
        for each in coming.lines[path]:
            users.setdefault(each, []).append(path)
    found = []
    for module in subject.modules:
        if module.link_of is not None and module.path in users:
            own, link = module.link_of.path, module.path
            using = sorted(users[link])
            found.append({"link": link, "path": own, "users": using})
    return found


def _lacking(subject, right, paths):
    # type: (Subject, Sequence[Module], Sequence[str] | None) -> list[Module]
    # What of the right line is under none of its names among the paths.
    files = set()  # type: set[object]
    for path in paths or ():
        place = subject.places.get(path)
        if place is not None:
            files.add(subject.files[place])
    return [module for module in right if subject.file_of(module) not in files]


def _cause(subject, module, missing, lost):
    # type: (Subject, Module, Module, set[str]) -> dict[str, Any]
    user, symbol, exporters = module.path, "", []  # type: str, str, list[Module]
    for way in explain.ways(subject, module.link_of or module):
        if way["path"] == missing.path:
            for step in way["steps"]:
                if step["symbol"] in lost:
                    user, symbol = step["user"], step["symbol"]
                    exporters = subject.exporters[symbol]
                    break
    return {
        "path": missing.path,
        "user": user,
        "symbol": symbol,
        "exporters": [each.path for each in exporters],
        "links": [each.path for each in exporters if each.link_of is not None],
    }
