"""What the agent says of itself and its box before the first request."""

import os
import sys

from modferry_agent import PROTOCOL, __version__
from modferry_agent.bytecode import own_archive
from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.jobs.push import hash_file
from modferry_agent.link import TTY_WINDOW
from modferry_agent.parts import held_parts

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin


def greeting_values():
    # type: () -> dict[str, Any]
    """Return what the host wants to know before its first request."""
    archive = own_archive()
    in_archive = os.path.isfile(archive)
    names = os.uname()
    return {
        "protocol": PROTOCOL,
        "version": __version__,
        "archive": archive,
        "sha256": hash_file(archive) if in_archive else None,
        "home": home(),
        "parts": held_parts(home()) if in_archive else [],
        "python": "%d.%d.%d" % tuple(sys.version_info[:3]),
        "uid": os.geteuid(),
        "pid": os.getpid(),
        "hostname": names[1],
        "release": names[2],
        "machine": names[4],
        "window": TTY_WINDOW,
        "zlib": _has_zlib(),
    }


def home():
    # type: () -> str
    """Return the directory that the agent and its parts are kept in."""
    return os.path.dirname(own_archive())


def _has_zlib():
    # type: () -> bool
    try:
        import zlib  # noqa: F401
    except ImportError:
        return False
    return True
