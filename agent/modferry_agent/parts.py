"""The agent's archive in parts, so that a serial line carries only what is needed.

The first part serves and takes files; the others come when the first request wants
them, and stay beside the archive as ``modferry-<sha256>.zip``.  A part is used only if
its content has that sha256.  The complete archive of an installed agent needs none.
"""

import os
import sys

from modferry_agent.bytecode import code_of, digest_in
from modferry_agent.compat import native, raw
from modferry_agent.errors import FileError
from modferry_agent.jobs.push import hash_file

PACKAGES = ("", ".core", ".jobs", ".system", ".tools")


def held_parts(home):
    # type: (str) -> list[str]
    """Return the sha256 of each whole part in the agent's directory."""
    found = []
    for octets in sorted(os.listdir(raw(home))):
        name = native(octets)
        if name.endswith(".zip"):
            digest = digest_in(name)
            if digest and hash_file("%s/%s" % (home, name)) == digest:
                found.append(digest)
    return found


def use_part(home, sha256):
    # type: (str, str) -> None
    """Let the Python modules of a part be imported; FileError if it is not whole."""
    path = "%s/modferry-%s.zip" % (home, sha256)
    if path + "/modferry_agent" in sys.modules["modferry_agent"].__path__:
        return
    if hash_file(path) != sha256:
        raise FileError(
            "a part of the agent is missing or damaged",
            where=path,
            hint="open the session anew; the part is sent again",
            code="part-missing",
        )
    code = code_of(path)
    for package in PACKAGES:
        full = "modferry_agent" + package
        __import__(full)
        folder = full.replace(".", "/")
        found = sys.modules[full].__path__
        found.extend(["%s/%s" % (above, folder) for above in (code, path) if above])
