"""What checks the indexes at boot and after dpkg: installed, removed, and run."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.errors import AgentError, FileError
from modferry_agent.jobs import diversion, indexes, shellfiles, userland
from modferry_agent.jobs.push import file_error
from modferry_agent.system import durable, processes, treefiles

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

_SERVICE = "modferry-indexes"


def install_hook(dry_run=False, context=None):
    # type: (bool, Any) -> dict[str, Any]
    """Install the check at boot (init script and systemd unit) and after dpkg.

    Returns changed, unchanged (paths), dry_run.  FileError: no-archive, name-taken.
    """
    if not dry_run and not os.path.exists(raw(shellfiles.ARCHIVE)):
        raise FileError(
            "the agent's archive is not there",
            where=shellfiles.ARCHIVE,
            hint="modferry repair hook --on BOX brings it along",
            code="no-archive",
        )
    changed, unchanged = [], []  # type: list[str], list[str]
    try:
        for path, text, mode in shellfiles.hook_files():
            there = treefiles.read_if_there(path)
            if there == raw(text):
                unchanged.append(path)
                continue
            if there is not None and not shellfiles.is_ours(there):
                raise FileError(
                    "a file that is not modferry's has the name",
                    where=path,
                    hint="move that file away",
                    code="name-taken",
                )
            changed.append(path)
            if not dry_run:
                _make_directory_of(path)
                durable.replace_file(path, raw(text), mode)
        if not os.path.lexists(raw(shellfiles.UNIT_LINK)):
            changed.append(shellfiles.UNIT_LINK)
            if not dry_run:
                _make_directory_of(shellfiles.UNIT_LINK)
                os.symlink(raw(shellfiles.UNIT), raw(shellfiles.UNIT_LINK))
                durable.sync_directory(os.path.dirname(shellfiles.UNIT_LINK))
        if not dry_run:
            if not _links_of_init():
                _run("update-rc.d", [_SERVICE, "defaults"])
            if changed:
                indexes_checked(None)
    except EnvironmentError as error:
        raise file_error(error, shellfiles.DIRECTORY)
    return {"changed": changed, "unchanged": unchanged, "dry_run": dry_run}


def remove_hook(dry_run=False, context=None):
    # type: (bool, Any) -> dict[str, Any]
    """Remove what `install_hook` installed; the answer is of the same form."""
    changed = []
    try:
        if os.path.lexists(raw(shellfiles.UNIT_LINK)):
            changed.append(shellfiles.UNIT_LINK)
        files = [path for path, _text, _mode in shellfiles.hook_files()]
        # Last what the others run.
        for path in reversed(files):
            if shellfiles.is_ours(treefiles.read_if_there(path) or b""):
                changed.append(path)
        if not dry_run:
            if _links_of_init():
                # -f: before the script, which no link then outlives.
                _run("update-rc.d", ["-f", _SERVICE, "remove"])
            for path in changed:
                os.unlink(raw(path))
            _tidy(files)
        changed.extend(diversion.remove_archive(dry_run))
    except EnvironmentError as error:
        raise file_error(error, shellfiles.DIRECTORY)
    return {"changed": changed, "unchanged": [], "dry_run": dry_run}


def indexes_checked(releases, basedir=""):
    # type: (list[str] | None, str) -> list[str]
    """Write the indexes of module trees anew where they are not what they should be.

    releases: of all trees of the box if None
    basedir: the root of the trees

    Returns a line for each tree of which something is to be told.  A tree that did not
    change since the last run costs a look at each file's times and the indexes' sha256.
    """
    told = []
    for release in _releases(basedir) if releases is None else releases:
        try:
            done = indexes.write_indexes(release, basedir)
        except AgentError as error:
            told.append("%s: the module indexes: %s" % (release, error.message))
            continue
        if done["changed"]:
            names = " ".join(done["changed"])
            told.append(
                "%s: the module indexes were written anew: %s" % (release, names)
            )
    return told


def _releases(basedir):
    # type: (str) -> list[str]
    top = basedir + "/lib/modules"
    try:
        listed = sorted([native(name) for name in os.listdir(raw(top))])
    except EnvironmentError:
        return []
    # What a removed kernel leaves behind has no kernel directory.
    return [name for name in listed if os.path.isdir(raw("%s/%s/kernel" % (top, name)))]


def _links_of_init():
    # type: () -> list[str]
    # What has init run the script: without them it is not installed.
    found = []
    for level in "0123456S":
        directory = "/etc/rc%s.d" % level
        try:
            names = [native(name) for name in os.listdir(raw(directory))]
        except EnvironmentError:
            continue
        found.extend([directory + "/" + name for name in names if name[3:] == _SERVICE])
    return found


def _tidy(files):
    # type: (list[str]) -> None
    for path in files:
        durable.remove_leftovers(path)
        if os.path.isdir(raw(os.path.dirname(path))):
            durable.sync_directory(os.path.dirname(path))
    durable.remove_if_empty(os.path.dirname(shellfiles.UNIT_LINK))


def _make_directory_of(path):
    # type: (str) -> None
    directory = os.path.dirname(path)
    if not os.path.isdir(raw(directory)):
        os.makedirs(raw(directory), 493)  # rwxr-xr-x


def _run(name, words):
    # type: (str, list[str]) -> None
    program = userland.program(name)
    if program is not None:
        processes.run([program] + words)
