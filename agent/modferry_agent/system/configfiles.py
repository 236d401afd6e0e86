"""The configuration directories of depmod and modprobe.

Source: depmod.d(5), modprobe.d(5); kmod, libkmod/libkmod-config.c, conf_files_list.
"""

import os
import stat

from modferry_agent.compat import native, raw
from modferry_agent.core.reasons import reason
from modferry_agent.system import treefiles
from modferry_agent.errors import FileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin
    from modferry_agent.system import moduletree  # noqa: F401

# The first directory that has a file of a name wins.
DIRECTORIES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")


def read_files(kind, paths=None, report=None, root=""):
    # type: (str, Iterable[str] | None, moduletree.Report | None, str) -> list[tuple[str, str]]
    """Return ``(path, text)`` of the files, sorted by file name.

    kind: ``depmod.d`` or ``modprobe.d``
    paths: files and directories to read in place of the usual ones
    report: called with path and reason for what is left out
    root: prefix of the usual directories
    """
    if paths is None:
        paths = ["%s%s/%s" % (root, directory, kind) for directory in DIRECTORIES]
    found = {}  # type: dict[str, str]
    for path in paths:
        for name, place in _files_of(path):
            found.setdefault(name, place)
    files = []
    for name in sorted(found):
        try:
            text = native(treefiles.read_stored(found[name]))
        except FileError as error:
            if treefiles.is_fault(error):
                raise
            if report is not None:
                _report(report, found[name], error)
            continue
        files.append((found[name], text))
    return files


def _report(report, path, error):
    # type: (moduletree.Report, str, FileError) -> None
    if os.path.isdir(raw(path)):
        text = "a directory in a configuration directory is not looked into"
        report(path, reason(text, "config-directory"))
    elif "errno" in error.details:
        report(path, reason(error.message, "config-missing"))
    # Else it is a link to /dev/null, which masks the files of that name.


def _files_of(path):
    # type: (str) -> list[tuple[str, str]]
    try:
        if not stat.S_ISDIR(os.stat(raw(path)).st_mode):
            return [(path[path.rfind("/") + 1 :], path)]
        listed = [native(name) for name in os.listdir(raw(path))]
    except EnvironmentError as error:
        treefiles.raise_fault(error, path)
        return []
    return [
        (name, path + "/" + name)
        for name in listed
        if not name.startswith(".") and len(name) > 5 and name.endswith(".conf")
    ]
