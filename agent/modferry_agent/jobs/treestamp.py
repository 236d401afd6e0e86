"""By what the modules of a tree are known to be the same again, or still to be."""

import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.system import fingerprints

if TYPE_CHECKING:
    from typing import Any, Iterable  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401


def stamp_of(tree, links=()):
    # type: (Tree, Iterable[dict[str, str]]) -> str
    """Return the digest of the tree's modules, and of whose file each link is.

    links: ``path`` and ``target`` of links that are to be made: as if they were there

    Not by times of links, which no undo can restore everywhere.
    """
    lines = []
    files = {}  # type: dict[tuple[int, int], str]
    for module in tree.modules:
        status = os.stat(raw(tree.path_of(module)))
        link = module.link_of.path if module.link_of is not None else ""
        lines.append(_line(module.path, link, status))
        if not link:
            files[(status.st_dev, status.st_ino)] = module.path
    top = tree.directory + "/"
    for each in links:
        path = each["path"]
        if not path.startswith(top) or os.path.lexists(raw(path)):
            continue
        target = os.path.join(os.path.dirname(path), each["target"])
        try:
            status = os.stat(raw(target))
        except EnvironmentError:
            continue  # It will lead nowhere, and be no module.
        own = files.get((status.st_dev, status.st_ino), "")
        lines.append(_line(path[len(top) :], own, status))
    return fingerprints.fingerprint(raw("\n".join(sorted(lines))))[0]


def _line(path, link, status):
    # type: (str, str, Any) -> str
    facts = (path, link, status.st_size, int(status.st_mtime))
    return "%s\0%s\0%d\0%d" % facts
