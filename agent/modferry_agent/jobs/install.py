"""kmod's command names for the agent, in a directory of their own on the box.

The host pushes the agent's complete archive into it; each name is a small shell script
beside it that starts the archive by that name, so that ``PATH`` decides who answers to
``depmod``; the box's own kmod stays as it is.
"""

import os
import sys

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.errors import FileError
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
        words = (_MARK, sys.executable, archive, name)
        wanted[path] = raw('#!/bin/sh\n%s\nexec %s -E %s %s "$@"\n' % words)
        if os.path.lexists(raw(path)) and not _is_ours(path):
            raise FileError(
                "a file that is not modferry's has the name",
                where=path,
                hint="name another directory, or move that file away",
                code="name-taken",
            )
    changed, unchanged = [], []
    try:
        for path in sorted(wanted):
            if _content(path) == wanted[path]:
                unchanged.append(path)
                continue
            changed.append(path)
            if not dry_run:
                durable.replace_file(path, wanted[path], 493)  # 0755: a command
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
        if changed and not dry_run and not os.listdir(raw(directory)):
            os.rmdir(raw(directory))
    except EnvironmentError as error:
        raise file_error(error, directory)
    return _answer(directory, changed, [], dry_run)


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
