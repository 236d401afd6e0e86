"""insmod: one module file, checked, into the kernel."""

import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.errors import AgentError
from modferry_agent.jobs import inserting
from modferry_agent.tools import telling

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

_TABLE = (
    ("force", "f", False),
    ("force-modversion", "", False),
    ("force-vermagic", "", False),
    ("syslog", "s", False),
    ("verbose", "v", False),
    ("version", "V", False),
    ("help", "h", False),
)
_USAGE = """Usage:
\t%(name)s [options] filename [module options]
Options:
\t-f, --force            DANGEROUS: forces a module load, may cause
\t                       data corruption and crash your machine.
\t                       implies --force-modversion and
\t                       --force-vermagic
\t    --force-modversion Ignore module's version
\t    --force-vermagic   Ignore module's version magic
\t-s, --syslog      print to syslog, not stderr
\t-v, --verbose     enables more messages
\t-V, --version     show version
\t-h, --help        show this help
"""

_TEXTS = {
    "ENOEXEC": "Invalid module format",
    "ENOENT": "Unknown symbol in module",
    "ESRCH": "Module has wrong symbol version",
    "EINVAL": "Invalid parameters",
}


def main(argv):
    # type: (Sequence[str]) -> int
    """Insert the file; return the exit status."""
    return telling.run_tool(argv, _TABLE, _USAGE, telling.ERROR, _insert)


def _insert(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    if not operands:
        teller.tell(telling.ERROR, "missing filename.")
        return 1
    path = operands[0]
    if path == "-":
        teller.tell(telling.ERROR, "this tool does not support loading from stdin!")
        return 1
    try:
        os.stat(raw(path))
    except OSError as error:
        teller.tell(
            telling.ERROR, "could not load module %s: %s" % (path, error.strerror)
        )
        return 1
    words = [name for name, _ in given]
    parameters = inserting.joined_parameters(operands[1:])
    try:
        failure, reply = inserting.insert_file(path, parameters, flags_of(words))
    except AgentError as error:
        teller.tell(
            telling.ERROR, "could not insert module %s: %s" % (path, error.message)
        )
        if error.hint:
            telling.err("  next   %s\n" % error.hint)
        return 1
    if failure is None:
        return 0
    text = _TEXTS.get(reply["error"]) or os.strerror(reply["errno"])
    teller.tell(telling.ERROR, "could not insert module %s: %s" % (path, text))
    telling.err("  why    %s\n" % failure["message"])
    return 1


def flags_of(words):
    # type: (Sequence[str]) -> int
    """Return finit_module's flags for the force options given."""
    flags = 0
    if "force" in words or "force-modversion" in words:
        flags |= 1
    if "force" in words or "force-vermagic" in words:
        flags |= 2
    return flags
