"""Where the running kernel's module tree has files of these names."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin


def find_files(names, tree=None):
    # type: (list[str], str | None) -> dict[str, Any]
    """Return {tree, found}: found has name -> paths below the tree, regular files only.

    tree: /lib/modules/RELEASE unless given.  Linked directories are followed, each
    directory is looked into once.
    """
    if tree is None:
        tree = "/lib/modules/" + native(raw(os.uname()[2]))
    wanted = set(names)
    found = {}  # type: dict[str, list[str]]
    seen = set()  # type: set[tuple[int, int]]
    for folder, folders, files in os.walk(raw(tree), followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            del folders[:]
            continue
        seen.add((status.st_dev, status.st_ino))
        for octets in files:
            path = os.path.join(folder, octets)
            if native(octets) in wanted and not os.path.islink(path):
                place = native(path)[len(tree) + 1 :]
                found.setdefault(native(octets), []).append(place)
    return {"tree": tree, "found": found}
