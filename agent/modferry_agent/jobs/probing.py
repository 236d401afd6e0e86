"""Read what a name is looked up in: configuration, indexes, command line."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.modprobeconfig import parse_config
from modferry_agent.core.probeplan import Sources
from modferry_agent.core.triereader import Index
from modferry_agent.errors import FormatError, LoadError
from modferry_agent.system import configfiles, treefiles

if TYPE_CHECKING:
    from modferry_agent.system.kernel import Kernel  # noqa: F401

_DEPMOD = "modferry depmod --on BOX writes it anew"
_TREE = "push modules, which makes one; then modferry depmod --on BOX"
_INDEXES = (
    ("dep", "modules.dep.bin"),
    ("alias", "modules.alias.bin"),
    ("symbols", "modules.symbols.bin"),
    ("builtin", "modules.builtin.bin"),
    ("builtin_alias", "modules.builtin.alias.bin"),
)


def tree_of(basedir, release):
    # type: (str, str) -> str
    """Return the directory of a release's modules."""
    return basedir + "/lib/modules/" + release


def read_index(directory, name):
    # type: (str, str) -> Index | None
    """Return one index; None if it is not there or, as kmod leaves it, empty.

    LoadError index-damaged: it cannot be read.
    """
    content = treefiles.read_if_there(directory + "/" + name)
    if not content:
        return None
    try:
        return Index(content)
    except FormatError as error:
        raise damaged(error, directory + "/" + name)


def damaged(error, where):
    # type: (FormatError, str) -> LoadError
    """Return what to say of an index that cannot be read."""
    return LoadError(
        "an index is damaged: %s" % error.message,
        where=where,
        hint=_DEPMOD,
        code="index-damaged",
    )


def read_sources(kernel, directory, config_paths=None, required=True):
    # type: (Kernel, str, list[str] | None, bool) -> Sources
    """Return everything that a name is looked up in, all of it of one publication.

    required: modules.dep.bin has to be there
    LoadError no-module-tree, index-missing, index-damaged: about modules.dep.bin or
        another one.
    """
    for last in (False, False, True):
        stamps = _stamps(directory)
        try:
            sources = _read_sources(kernel, directory, config_paths, required)
        except LoadError:
            if last or stamps == _stamps(directory):
                raise
            continue
        if last or stamps == _stamps(directory):
            break
    return sources


def read_indexes(directory):
    # type: (str) -> Sources
    """Return the indexes alone, without configuration; what is not there is None."""
    sources = Sources()
    for attribute, name in _INDEXES:
        setattr(sources, attribute, read_index(directory, name))
    return sources


def _stamps(directory):
    # type: (str) -> list[tuple[int, int, float] | None]
    # What tells the files that are there now from those of another publication.
    stamps = []  # type: list[tuple[int, int, float] | None]
    for _attribute, name in _INDEXES:
        try:
            status = os.stat(raw(directory + "/" + name))
            stamps.append((status.st_ino, status.st_size, status.st_mtime))
        except EnvironmentError:
            stamps.append(None)
    return stamps


def _read_sources(kernel, directory, config_paths, required):
    # type: (Kernel, str, list[str] | None, bool) -> Sources
    complaints = []  # type: list[tuple[str, str]]

    def report(path, reason):
        # type: (str, str) -> None
        if os.path.isdir(raw(path)):
            text = "Directories inside directories are not supported: " + path
            complaints.append(("conf_files_filter_out", text))

    files = configfiles.read_files("modprobe.d", config_paths, report, kernel.root)
    for name in ("modules.softdep", "modules.weakdep"):
        content = treefiles.read_if_there(directory + "/" + name)
        if content:
            files.append((directory + "/" + name, native(content)))
    files.sort(key=lambda file: file[0][file[0].rfind("/") + 1 :])
    sources = read_indexes(directory)
    sources.config = parse_config(files, kernel.read("/proc/cmdline") or "")
    sources.config.warnings[:0] = complaints
    if sources.dep is None and required:
        if not os.path.isdir(raw(directory)):
            raise LoadError(
                "there is no module tree", directory, _TREE, "no-module-tree"
            )
        raise LoadError(
            "modules.dep.bin is missing", directory, _DEPMOD, "index-missing"
        )
    return sources
