"""Why a module's line of modules.dep is as it is, as a request and for the tool."""

from modferry_agent.core import explain, names
from modferry_agent.core.module import parse_module
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import FileError, FormatError, RequestError
from modferry_agent.jobs import indexes
from modferry_agent.jobs.tree import running_release
from modferry_agent.system import treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401


def explain_module(
    module,
    release=None,
    basedir="",
    links="file",
    context=None,
    config_paths=None,
    machine=None,
):
    # type: (str, str | None, str, str, Any, list[str] | None, Any) -> dict[str, Any]
    """Return why depmod gives a module its dependencies; nothing is written.

    module: its name, or a path relative to the module tree

    The reply is that of `core.explain.explanation`, and ``release``.
    """
    release = release or running_release()
    tree = indexes.read_tree(
        release,
        basedir.rstrip("/"),
        links=links,
        config_paths=config_paths,
        context=context,
        machine=machine,
    )
    return explanation(tree, module)


def explanation(tree, wanted, table=None):
    # type: (Tree, str, SymbolTable | None) -> dict[str, Any]
    """Return the explanation of a module of a tree that is read.

    table: with the symbols of the kernel in it, if they matter
    """
    if table is None:
        table = SymbolTable()
    table.add_modules(tree.modules)
    subject = explain.Subject(tree.modules, tree.identities, table, _shadowed(tree))
    answer = explain.explanation(subject, _place_of(tree, wanted))
    answer["release"] = tree.release
    return answer


def _place_of(tree, wanted):
    # type: (Tree, str) -> int
    name = names.module_name(wanted)
    for index, module in enumerate(tree.modules):
        if wanted in (module.path, tree.path_of(module)):
            return index
        if "/" not in wanted and module.name == name:
            return index
    raise RequestError(
        "no module %s" % wanted,
        where=tree.directory,
        hint="give its name, or its path below this directory",
        code="module-missing",
    )


def _shadowed(tree):
    # type: (Tree) -> list[tuple[Any, str]]
    # The files that lost their module name to another one, as far as they are readable.
    found = []
    for path, location, winner in tree.shadowed:
        try:
            module = parse_module(path, treefiles.read_module(location))
        except (FileError, FormatError):
            continue
        found.append((module, winner))
    return found
