"""What another depmod would make of the box's modules, before it comes."""

from modferry_agent.compat import native
from modferry_agent.core import explain, foresight, highbytes
from modferry_agent.core.modprobeconfig import parse_config
from modferry_agent.core.names import split_paths
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import AgentError, FormatError
from modferry_agent.jobs import facts, indexes, probing, userland
from modferry_agent.jobs.tree import directory_of, running_release
from modferry_agent.system import configfiles, factcache, moduletree, treefiles
from modferry_agent.system.kernel import Kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401
    from modferry_agent.core.module import Module  # noqa: F401

    Found = dict[str, Any]


def foresee(tool=None, version=0, release=None, basedir="", context=None):
    # type: (str | None, int, str | None, str, Any) -> dict[str, Any]
    """Return what the depmod of that tool and release would break, and the box's own.

    tool, version: ``kmod`` and its release, or ``module-init-tools`` and its minor one;
        without a tool: nothing but what the box is

    Keys: release, directory, distribution, now (see `userland.module_tool`), index,
    modules, links ({path, file}), to, refusal (null, or code, modules), broken (see
    `foresight.judged`), renamed, graph (of the broken and what they need: path ->
    paths of the line as it has to be), left_out, softdeps, unread (configuration files
    that only module-init-tools reads), high_bytes (modules whose keys kmod's reader
    cannot pass), at_boot (where a boot names one of the broken).
    """
    release = release or running_release()
    now = userland.module_tool()
    answer = {
        "release": release,
        "distribution": facts.distribution(Kernel()),
        "now": now,
        "to": {"tool": tool, "version": version},
    }  # type: dict[str, Any]
    if tool is None:
        return answer
    basedir = basedir.rstrip("/")
    tree = read_tree(release, basedir, tool, version, context)
    modules = tree.modules
    if tool == foresight.MODULE_INIT_TOOLS:
        modules = _as_met(tree)
    coming = foresight.outcome(modules, tool, version)
    broken, other, graph = _judged(tree, coming)
    high = foresight.high_bytes_in(tree.modules)
    answer["directory"] = tree.directory
    answer["index"] = facts.index_state(tree.directory)
    answer["modules"] = len(tree.modules)
    answer["links"] = links_of(tree)
    answer["refusal"] = _refusal(tree, coming, high)
    answer["broken"] = broken
    answer["renamed"] = other
    answer["graph"] = graph
    answer["left_out"] = coming.left_out
    answer["high_bytes"] = [] if coming.refusal == "high-byte" else _harmful(tree, high)
    answer["softdeps"] = _softdeps(tree)
    both = (now["tool"], tool)
    leaves = both == (foresight.MODULE_INIT_TOOLS, foresight.KMOD)
    answer["unread"] = userland.unread_files() if leaves else []
    names = set([each["module"] for each in broken])
    answer["at_boot"] = userland.named_at_boot(names) if not basedir else []
    return answer


def read_tree(release, basedir, tool, version, context, fingerprints=False):
    # type: (str, str, str | None, int, Any, bool) -> Tree
    """Return the tree as that depmod orders it, its links tied to their files."""
    return indexes.read_tree(
        release,
        basedir,
        str(version) if tool == foresight.KMOD else None,
        fingerprints=fingerprints,
        context=context,
        details=False,
        cache=factcache.Cache(factcache.path_of(directory_of(release, basedir))),
        recall=False,
    )


def lines_now(directory):
    # type: (str) -> foresight.Lines | None
    """Return the lines of the index that modprobe reads; None if it is not sound."""
    try:
        index = probing.read_index(directory, "modules.dep.bin")
        if index is None:
            return None
        lines = {}
        for _key, _priority, text in index.items():
            path, _colon, rest = text.partition(":")
            lines[path] = split_paths(rest)
        return lines
    except AgentError:
        return None


def links_of(tree):
    # type: (Tree) -> list[dict[str, str]]
    """Return the names that are another name of a file of the tree: {path, file}."""
    return [
        {"path": module.path, "file": module.link_of.path}
        for module in tree.modules
        if module.link_of is not None
    ]


def subject_of(tree):
    # type: (Tree) -> explain.Subject
    """Return the tree with the right dependencies; FormatError: there is a cycle."""
    table = SymbolTable()
    table.add_modules(tree.modules)
    return explain.Subject(tree.modules, tree.identities, table)


def _judged(tree, coming):
    # type: (Tree, foresight.Outcome) -> tuple[list[Found], list[Found], foresight.Lines]
    if coming.refusal:
        return [], [], {}
    now = lines_now(tree.directory)
    try:
        subject = subject_of(tree)
    except FormatError:
        return [_without_line(tree, path, now) for path in coming.left_out], [], {}
    broken = foresight.judged(subject, coming, now)
    paths = set([each["path"] for each in broken])
    for each in broken:
        paths.update(each["needs"])
    graph = dict(
        [
            (path, [each.path for each in subject.lines[subject.places[path]]])
            for path in paths
        ]
    )
    return broken, foresight.renamed(subject, coming), graph


def _without_line(tree, path, now):
    # type: (Tree, str, foresight.Lines | None) -> dict[str, Any]
    had = None if now is None else now.get(path)
    name = [module.name for module in tree.modules if module.path == path][0]
    return {
        "module": name,
        "path": path,
        "needs": had or [],
        "had": had,
        "will": None,
        "state": "breaks" if had is not None else "broken",
        "missing": [],
    }


def _refusal(tree, coming, high):
    # type: (Tree, foresight.Outcome, Sequence[str]) -> dict[str, Any] | None
    if not coming.refusal:
        return None
    if coming.refusal == "high-byte":
        return {"code": coming.refusal, "modules": list(high)}
    circles = [path for path in coming.lines if path in coming.lines[path]]
    return {"code": coming.refusal, "modules": sorted(circles)}


def _harmful(tree, high):
    # type: (Tree, Sequence[str]) -> list[str]
    # The modules with keys that no reader of kmod's finds the way past.
    if not high:
        return []
    keys = [alias for module in tree.modules for alias in module.aliases]
    harmful = highbytes.harmful_keys(keys)
    found = []
    for module in tree.modules:
        if module.path in high and harmful.intersection(module.aliases):
            found.append(module.path)
    return found


def _as_met(tree):
    # type: (Tree) -> list[Module]
    # As module-init-tools orders them: those of modules.order, then the others, the one
    # that it met last first.
    by_path = dict([(module.path, module) for module in tree.modules])
    order = native(treefiles.read_if_there(tree.directory + "/modules.order") or b"")
    paths = order.split("\n")
    paths.extend([entry.path for entry in reversed(moduletree.walk(tree.directory))])
    found = []
    for path in paths:
        if path in by_path:
            found.append(by_path.pop(path))
    return found + list(by_path.values())


def _softdeps(tree):
    # type: (Tree) -> list[dict[str, Any]]
    # Modules with a softdep of their own and one in modprobe.d: the file whose name
    # sorts first wins, and a module's own stands in modules.softdep.
    files = configfiles.read_files("modprobe.d")
    found = []
    for module in tree.modules:
        if module.link_of is not None or not module.softdeps:
            continue
        own = parse_config(
            [("", "softdep %s %s\n" % (module.name, module.softdeps[0]))]
        )
        for path, text in files:
            config = parse_config([(path, text)])
            given = [rule for rule in config.softdeps if rule[0] == module.name]
            if given and given[0] != own.softdeps[0]:
                base = path[path.rfind("/") + 1 :]
                found.append(
                    {
                        "module": module.name,
                        "own": module.softdeps[0],
                        "file": path,
                        "file_wins": base < "modules.softdep",
                    }
                )
                break
    return found
