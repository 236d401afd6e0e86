"""The configuration directories of depmod and modprobe.

Source: depmod.d(5), modprobe.d(5); kmod, libkmod/libkmod-config.c, conf_files_list.
"""

import os
import stat

from modferry_agent.compat import native, raw
from modferry_agent.system import moduletree
from modferry_agent.errors import FileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin

# The first directory that has a file of a name wins.
DIRECTORIES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")


def read_files(kind, paths=None):
    # type: (str, Iterable[str] | None) -> list[tuple[str, str]]
    """Return ``(path, text)`` of the files, sorted by file name.

    kind: ``depmod.d`` or ``modprobe.d``
    paths: files and directories to read in place of the usual ones
    """
    if paths is None:
        paths = [directory + "/" + kind for directory in DIRECTORIES]
    found = {}  # type: dict[str, str]
    for path in paths:
        for name, place in _files_of(path):
            found.setdefault(name, place)
    files = []
    for name in sorted(found):
        try:
            text = native(moduletree.read_stored(found[name]))
        except FileError:
            # A link to /dev/null masks the files of that name.
            continue
        files.append((found[name], text))
    return files


def _files_of(path):
    # type: (str) -> list[tuple[str, str]]
    try:
        if not stat.S_ISDIR(os.stat(raw(path)).st_mode):
            return [(path[path.rfind("/") + 1 :], path)]
        listed = [native(name) for name in os.listdir(raw(path))]
    except EnvironmentError:
        return []
    return [
        (name, path + "/" + name)
        for name in listed
        if not name.startswith(".") and len(name) > 5 and name.endswith(".conf")
    ]
