"""The agent's depmod in the place of the box's own, by dpkg-divert, and back again.

::

    /sbin/depmod                     a shell script: the agent's, else the box's own
    /sbin/depmod.modferry-distrib    the box's own; dpkg puts a newer one here
    /lib/modferry/modferry-agent.pyz
    /lib/modferry/own/depmod         a link to it: kmod goes by the name it is called by

The box's own is at one of the two names at every moment, and a depmod is at its own:
the second name first, then dpkg's word, then the script renamed over the first.
"""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.errors import FileError
from modferry_agent.jobs import shellfiles, userland
from modferry_agent.jobs.push import file_error, part_of
from modferry_agent.system import durable, processes, treefiles

if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

SUFFIX = ".modferry-distrib"
OWN = shellfiles.DIRECTORY + "/own"


def is_diverted():
    # type: () -> bool
    """Say whether the agent's depmod stands in the box's own one's place."""
    path = userland.program("depmod")
    return path is not None and _is_script(path)


def own_depmod():
    # type: () -> str | None
    """Return what runs the box's own depmod, wherever it is; None if it has none."""
    path = userland.program("depmod")
    if path is not None and _is_script(path):
        return OWN + "/depmod"
    return path


def divert(dry_run):
    # type: (bool) -> list[str]
    """Put the agent's depmod in place; return what changed, or would.

    FileError: no-dpkg, no-archive, name-taken, dpkg's own words.
    """
    path = _path()
    if _is_script(path):
        return []
    changed = [path, path + SUFFIX, OWN + "/depmod"]
    if dry_run:
        return changed
    archive = shellfiles.ARCHIVE
    if not os.path.exists(raw(archive)):
        raise FileError(
            "the agent's archive is not there",
            where=archive,
            hint="modferry repair divert --on BOX brings it along",
            code="no-archive",
        )
    try:
        if not os.path.isdir(raw(OWN)):
            os.makedirs(raw(OWN), 493)  # rwxr-xr-x
        _ignoring(
            errno.EEXIST, lambda: os.symlink(raw(path + SUFFIX), raw(OWN + "/depmod"))
        )
        for directory in (OWN, shellfiles.DIRECTORY):
            durable.sync_directory(directory)
        _give_second_name(path)
        for name in _names(path):
            if not _is_known(name):
                words = ["--divert", name + SUFFIX, "--add", name]
                _dpkg_divert(words)
        durable.replace_file(path, raw(shellfiles.depmod_script(OWN + "/depmod")), 493)
    except EnvironmentError as error:
        raise file_error(error, path)
    return changed


def restore(dry_run):
    # type: (bool) -> list[str]
    """Put the box's own depmod back; return what changed, or would."""
    path = _path()
    changed = []
    distrib = path + SUFFIX
    try:
        if not dry_run:
            durable.remove_leftovers(path)
        if os.path.lexists(raw(distrib)):
            changed.append(path)
            if not dry_run:
                _rename_back(distrib, path)
        for name in _names(path):
            if _is_known(name):
                changed.append("dpkg's diversion of " + name)
                if not dry_run:
                    _dpkg_divert(["--remove", name])
        if os.path.lexists(raw(OWN)):
            changed.append(OWN)
            if not dry_run:
                _ignoring(errno.ENOENT, lambda: os.unlink(raw(OWN + "/depmod")))
                os.rmdir(raw(OWN))
        changed.extend(remove_archive(dry_run))
    except EnvironmentError as error:
        raise file_error(error, path)
    return changed


def remove_archive(dry_run=False):
    # type: (bool) -> list[str]
    """Remove the agent's archive of hook and diversion if neither is there any more."""
    directory = shellfiles.DIRECTORY
    needed = [OWN, shellfiles.CHECK]
    if [path for path in needed if os.path.lexists(raw(path))]:
        return []
    changed = []
    try:
        for path in (shellfiles.ARCHIVE, part_of(shellfiles.ARCHIVE)):
            if os.path.lexists(raw(path)):
                changed.append(path)
                if not dry_run:
                    os.unlink(raw(path))
        if not dry_run:
            durable.remove_if_empty(directory)
    except EnvironmentError as error:
        raise file_error(error, directory)
    return changed


def _path():
    # type: () -> str
    # The name by which dpkg has the box's depmod.
    if userland.program("dpkg-divert") is None:
        raise FileError(
            "the box has no dpkg-divert",
            where="/usr/bin/dpkg-divert",
            hint="this way is Debian's; take: modferry repair aliases --on BOX",
            code="no-dpkg",
        )
    found = userland.program("depmod")
    if found is None:
        raise FileError(
            "the box has no depmod of its own",
            where="/sbin, /usr/sbin",
            hint="modferry deploy --on BOX installs one",
            code="no-depmod",
        )
    for path in ("/sbin/depmod", "/usr/sbin/depmod"):
        _, status, output, _ = processes.run(["dpkg-query", "-S", path])
        lines = native(output).split("\n")
        owned = [
            one for one in lines if one.endswith(": " + path) and " by " not in one
        ]
        if not status and owned:
            return path
    return found


def _names(path):
    # type: (str) -> list[str]
    # Since /sbin is a link, a package may have its file under either name.
    return [path, path[4:] if path.startswith("/usr/") else "/usr" + path]


def _is_script(path):
    # type: (str) -> bool
    if os.path.islink(raw(path)) or not os.path.isfile(raw(path)):
        return False
    return shellfiles.is_ours(treefiles.read_if_there(path) or b"")


def _give_second_name(path):
    # type: (str) -> None
    first, second = raw(path), raw(path + SUFFIX)
    if os.path.lexists(second):
        return
    os.link(first, second)
    if os.lstat(first).st_ino != os.lstat(second).st_ino:
        # A link was followed, which its second name must be as well.
        os.unlink(second)
        os.symlink(os.readlink(first), second)
    durable.sync_directory(os.path.dirname(path))


def _rename_back(distrib, path):
    # type: (str, str) -> None
    first, second = raw(path), raw(distrib)
    if os.path.lexists(first) and os.path.samestat(os.lstat(first), os.lstat(second)):
        os.unlink(second)  # To rename one name over the other would do nothing.
    else:
        os.rename(second, first)
    durable.sync_directory(os.path.dirname(path))


def _is_known(name):
    # type: (str) -> bool
    _, status, output, _ = processes.run(["dpkg-divert", "--truename", name])
    return not status and native(output).strip() == name + SUFFIX


def _dpkg_divert(words):
    # type: (list[str]) -> None
    _, _, usage, _ = processes.run(["dpkg-divert", "--help"])
    options = ["--local", "--quiet"]
    if b"--no-rename" in usage:
        options.append("--no-rename")
    _, status, output, errors = processes.run(["dpkg-divert"] + options + words)
    if status:
        raise FileError(
            "dpkg-divert: %s"
            % (native(errors or output).strip() or "status %d" % status),
            where=" ".join(words),
            hint="the same command ends it, or --undo",
            code="dpkg-refuses",
        )


def _ignoring(number, call):
    # type: (int, Callable[[], Any]) -> None
    try:
        call()
    except EnvironmentError as error:
        if error.errno != number:
            raise
