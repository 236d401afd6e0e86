"""lsmod: the loaded modules."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.errors import AgentError
from modferry_agent.system.kernel import Kernel
from modferry_agent.tools import telling

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

_TABLE = (
    ("syslog", "s", False),
    ("verbose", "v", False),
    ("version", "V", False),
    ("help", "h", False),
    ("from-proc", "", False),
)
_USAGE = """Usage:
\t%(name)s [options]
Options:
\t-s, --syslog      print to syslog, not stderr
\t-v, --verbose     enables more messages
\t-V, --version     show version
\t-h, --help        show this help
\t    --from-proc   show /proc/modules alone, read at once: a module that is
\t                  being removed is shown as it was (kmod has no such option)
"""


def main(argv):
    # type: (Sequence[str]) -> int
    """Print the table; return the exit status."""
    return telling.run_tool(argv, _TABLE, _USAGE, telling.ERROR, _show, ("from-proc",))


def _show(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    if operands:
        teller.tell(telling.ERROR, "too many arguments provided.")
        return 1
    kernel = Kernel()
    try:
        entries = kernel.modules()
    except AgentError as error:
        why = os.strerror(errno.ENOENT)
        teller.tell(telling.ERROR, "could not open /proc/modules: " + why)
        text = "could not get list of modules: " + why
        teller.tell(telling.ERROR, text, error.message, error.hint)
        return 1
    from_proc = ("from-proc", "") in given
    telling.out("Module                  Size  Used by\n")
    for entry in entries:
        name, size, count = entry["name"], entry["size"], entry["refcount"]
        holders = entry["holders"]  # type: list[str] | None
        if not from_proc:
            size, count = _numbers(kernel, name, size)
            holders = kernel.holders(name)
            if holders is None:
                text = "could not open '/sys/module/%s/holders': %s"
                teller.tell(telling.ERROR, text % (name, os.strerror(errno.ENOENT)))
        line = "%-19s %8d  %d" % (name, size, count)
        telling.out(line + (" " + ",".join(holders) if holders else "") + "\n")
    return 0


def _numbers(kernel, name, size):
    # type: (Kernel, str, int) -> tuple[int, int]
    # From sysfs, where a module that has just gone has nothing any more.
    there = kernel.initstate(name) is not None
    core = kernel.read_number("/sys/module/%s/coresize" % name)
    count = kernel.refcount(name)
    if core is None:
        core = size if there else -errno.ENOENT
    return core, -errno.ENOENT if count is None else count
