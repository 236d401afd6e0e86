"""kmod's command names for the agent, in a directory of their own on the box.

The host pushes the agent's complete archive into it; each name is a small script beside
it that starts the agent by that name, so that ``PATH`` decides who answers to
``depmod``; the box's own kmod stays as it is.
"""

import os
import sys

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.errors import FileError
from modferry_agent.jobs import unpack
from modferry_agent.jobs.push import file_error, hash_file
from modferry_agent.system import durable

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

NAMES = ("depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod")
ARCHIVE = "modferry-agent.pyz"
DIRECTORY = "/opt/modferry/sbin"
_MARK = "# modferry: starts the agent by this name"


def install_names(directory, dry_run=False):
    # type: (str, bool) -> dict[str, Any]
    """Write the command names beside the archive; say what was written.

    Returns {directory, changed: [paths], unchanged: [paths], dry_run}.
    """
    archive = "%s/%s" % (directory, ARCHIVE)
    if not dry_run and hash_file(archive) is None:
        raise FileError(
            "the agent's archive is not there",
            where=archive,
            hint="push it first, as modferry deploy does",
            code="no-archive",
        )
    wanted = {}  # type: dict[str, bytes]
    for name in NAMES:
        path = "%s/%s" % (directory, name)
        if os.path.lexists(raw(path)) and not _is_ours(path):
            raise FileError(
                "a file that is not modferry's has the name",
                where=path,
                hint="name another directory, or move that file away",
                code="name-taken",
            )
    try:
        folder = unpack.folder_of(archive) if dry_run else unpack.unpack(archive)
    except EnvironmentError as error:
        raise file_error(error, directory)
    for name in NAMES:
        path = "%s/%s" % (directory, name)
        wanted[path] = raw(_script(name, folder, archive))
    changed, unchanged = [], []
    try:
        for path in sorted(wanted):
            if _content(path) == wanted[path]:
                unchanged.append(path)
                continue
            changed.append(path)
            if not dry_run:
                durable.replace_file(path, wanted[path], 493)  # 0755: a command
        if not dry_run:
            unpack.remove_folders(directory, folder)
    except EnvironmentError as error:
        raise file_error(error, directory)
    return _answer(directory, changed, unchanged, dry_run)


def remove_names(directory, dry_run=False):
    # type: (str, bool) -> dict[str, Any]
    """Remove what `install_names` wrote, and the directory if that leaves it empty."""
    changed = []
    try:
        for name in NAMES + (ARCHIVE,):
            path = "%s/%s" % (directory, name)
            if (
                name == ARCHIVE
                and hash_file(path)
                or name != ARCHIVE
                and _is_ours(path)
            ):
                changed.append(path)
                if not dry_run:
                    os.unlink(raw(path))
        if not dry_run and os.path.isdir(raw(directory)):
            unpack.remove_folders(directory)
        if changed and not dry_run and not os.listdir(raw(directory)):
            os.rmdir(raw(directory))
    except EnvironmentError as error:
        raise file_error(error, directory)
    return _answer(directory, changed, [], dry_run)


# What the kernel reads of a script's first line; longer ones are cut.
_MOST_FIRST_LINE = 120


def _script(name, folder, archive):
    # type: (str, str, str) -> str
    # Nothing of the environment or of other packages: quick to start, and the same
    # whoever calls.
    flags = "-IS" if hasattr(sys.flags, "isolated") else "-ESs"
    body = 'import sys\nsys.path[:0] = ["%s", "%s"]\n' % (folder, archive)
    body += 'from modferry_agent.start import run\nrun("%s")\n' % name
    first = "#!%s %s" % (sys.executable, flags)
    if len(first) <= _MOST_FIRST_LINE and " " not in sys.executable:
        return "%s\n%s\n%s" % (first, _MARK, body)
    # Lines of shell that are a text to Python.
    shell = 'exec "%s" %s "$0" "$@"' % (sys.executable, flags)
    return "#!/bin/sh\n%s\n''':'\n%s\n'''\n%s" % (_MARK, shell, body)


def _answer(directory, changed, unchanged, dry_run):
    # type: (str, list[str], list[str], bool) -> dict[str, Any]
    return {
        "directory": directory,
        "changed": changed,
        "unchanged": unchanged,
        "dry_run": dry_run,
    }


def _content(path):
    # type: (str) -> bytes | None
    if not os.path.isfile(raw(path)):
        return None
    stream = open(raw(path), "rb")
    try:
        return stream.read()
    finally:
        stream.close()


def _is_ours(path):
    # type: (str) -> bool
    content = _content(path)
    return content is not None and _MARK in native(content[:200])
