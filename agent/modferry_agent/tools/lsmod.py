"""lsmod: the loaded modules."""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.system.kernel import Kernel
from modferry_agent.tools import telling

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

_TABLE = (
    ("syslog", "s", False),
    ("verbose", "v", False),
    ("version", "V", False),
    ("help", "h", False),
)
_USAGE = """Usage:
\t%(name)s [options]
Options:
\t-s, --syslog      print to syslog, not stderr
\t-v, --verbose     enables more messages
\t-V, --version     show version
\t-h, --help        show this help
"""


def main(argv):
    # type: (Sequence[str]) -> int
    """Print the table; return the exit status."""
    return telling.run_tool(argv, _TABLE, _USAGE, telling.ERROR, _show)


def _show(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    if operands:
        teller.tell(telling.ERROR, "too many arguments provided.")
        return 1
    lines = ["Module                  Size  Used by"]
    kernel = Kernel()
    for entry in kernel.modules():
        line = "%-19s %8d  %d" % (entry["name"], entry["size"], entry["refcount"])
        holders = kernel.holders(entry["name"])
        if holders is None:
            holders = entry["holders"]
        if holders:
            line += " " + ",".join(holders)
        lines.append(line)
    telling.out("\n".join(lines) + "\n")
    return 0
