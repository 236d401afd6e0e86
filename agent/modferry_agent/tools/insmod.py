"""insmod: one module file, checked, into the kernel."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.errors import AgentError
from modferry_agent.jobs import inserting
from modferry_agent.tools import modprobetable, reasons, telling

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
    errno.ENOEXEC: "Invalid module format",
    errno.ENOENT: "Unknown symbol in module",
    errno.ESRCH: "Module has wrong symbol version",
    errno.EINVAL: "Invalid parameters",
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
        text = "could not load module %s: %s" % (path, error.strerror)
        teller.tell(telling.ERROR, text)
        return 1
    flags = modprobetable.flags_of([name for name, _ in given])
    try:
        run, step = inserting.run_of_file(path, modprobetable.joined(operands[1:]))
        failure, reply = inserting.insert_step(run, step, flags)
    except AgentError as error:
        why = [(error.message, error.hint)]
        return _refused(teller, path, inserting.errno_of(error), why)
    if failure is None:
        return 0
    return _refused(
        teller, path, reply["errno"], reasons.of_failure(run, step, reply, failure)
    )


def _refused(teller, path, code, why):
    # type: (telling.Teller, str, int, list[tuple[str, str]]) -> int
    text = _TEXTS.get(code) or os.strerror(code)
    teller.tell(telling.ERROR, "could not insert module %s: %s" % (path, text))
    for pair in why:
        teller.add(*pair)
    return 1
