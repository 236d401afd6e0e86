"""What depmod says on stderr: kmod's words, where it has some, by the reason's code.

Source: kmod, tools/depmod.c; compared with the real one by tests/against_kmod.
"""

from modferry_agent.core.reasons import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401

    Tell = Callable[[str, str], None]

# Code -> level, text with the reason's values, `path`, `tree` and `reason`.
_WORDS = {
    "order-missing": (
        "WARNING",
        "could not open modules.order at %(tree)s: No such file or directory",
    ),
    "order-cut": (
        "ERROR",
        "%(tree)s/modules.order:%(line)d corrupted line misses '\\n'",
    ),
    "builtin-missing": (
        "WARNING",
        "could not open %(file)s at %(tree)s: No such file or directory",
    ),
    "builtin-line": ("ERROR", "Invalid modules.builtin line: %(line)s"),
    "config-line": (
        "ERROR",
        "%(path)s:%(number)d: ignoring bad line starting with '%(word)s'",
    ),
    "config-directory": (
        "ERROR",
        "Directories inside directories are not supported: %(path)s",
    ),
    "config-missing": ("ERROR", "Cannot stat directory entry: %(path)s"),
    "unmatched-bracket": ("WARNING", "Unmatched bracket in %(alias)s"),
    "devname": (
        "ERROR",
        "Module '%(name)s' has devname (%(node)s) but lacks major and minor"
        " information. Ignoring.",
    ),
    "duplicate": ("WARNING", "duplicate module %(what)s:\n%(shown)s"),
    "no-directory": ("ERROR", "could not open directory %(path)s: %(why)s"),
    # kmod names the directory by the number of its descriptor.
    "no-stat": ("ERROR", "fstatat(%(path)s): %(why)s"),
    "file-type": ("ERROR", "unsupported file type %(path)s: %(mode)o"),
    "symvers-line": ("ERROR", "%(path)s:%(number)d Invalid symbol version %(version)s"),
    "system-map-line": ("ERROR", "%(path)s:%(number)d: invalid line: %(line)s"),
    # kmod ends this with the text of an error number that fits all of them.
    "bad-module": ("ERROR", "failed to load symbols from %(path)s: %(reason)s"),
}
_OWN = ("WARNING", "%(path)s: %(reason)s")


def tell_warnings(tree, warnings, tell):
    # type: (Tree | None, Iterable[tuple[str, str]], Tell) -> None
    """Tell each ``(path, reason)``; of a tree, if it is read already."""
    modules = {}
    if tree is not None:
        modules = dict([(each.path, tree.path_of(each)) for each in tree.modules])
    directory = tree.directory if tree is not None else ""
    for path, reason in warnings:
        code = reason.code if isinstance(reason, Reason) else ""
        if path in modules:
            path = modules[path]
            code = code or "bad-module"
        level, words = _WORDS.get(code, _OWN)
        values = {"path": path, "tree": directory, "reason": reason}
        if isinstance(reason, Reason):
            values.update(reason.values)
        tell(level, words % values)


def tell_conflicts(conflicts, tell):
    # type: (Iterable[dict[str, Any]], Tell) -> None
    """Tell which symbols several files export, and who wins."""
    for conflict in conflicts:
        text = "%s is exported by %s, and by %s, which takes it"
        others = ", ".join(conflict["others"])
        tell("WARNING", text % (conflict["symbol"], others, conflict["owner"]))
