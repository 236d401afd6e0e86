"""rmmod: remove modules, named or by the path of their file."""

import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import errnos
from modferry_agent.core.names import module_name
from modferry_agent.system import syscalls
from modferry_agent.system.kernel import Kernel
from modferry_agent.system.loader import DELETE_FLAGS
from modferry_agent.tools import telling

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

_TABLE = (
    ("force", "f", False),
    ("syslog", "s", False),
    ("verbose", "v", False),
    ("version", "V", False),
    ("help", "h", False),
)
_USAGE = """Usage:
\t%(name)s [options] modulename ...
Options:
\t-f, --force       forces a module unload and may crash your
\t                  machine. This requires Forced Module Removal
\t                  option in your kernel. DANGEROUS
\t-s, --syslog      print to syslog, not stderr
\t-v, --verbose     enables more messages
\t-V, --version     show version
\t-h, --help        show this help
"""


def main(argv):
    # type: (Sequence[str]) -> int
    """Remove each; return 1 if one of them stays."""
    return telling.run_tool(argv, _TABLE, _USAGE, telling.ERROR, _remove_all)


def _remove_all(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    if not operands:
        teller.tell(telling.ERROR, "missing module name.")
        return 1
    force = ("force", "") in given
    kernel = Kernel()
    loader = syscalls.find_loader()
    status = 0
    for operand in operands:
        name = module_name(operand)
        if not force and not _may_go(teller, kernel, name):
            status = 1
            continue
        flags = DELETE_FLAGS | (os.O_TRUNC if force else 0)
        code = loader.delete(name, flags)[1]
        if code:
            why = os.strerror(code)
            teller.tell(telling.ERROR, "could not remove '%s': %s" % (name, why))
            teller.tell(
                telling.ERROR, "could not remove module %s: %s" % (operand, why)
            )
            row = errnos.explain_delete(errnos.name_of(code) or "")
            teller.tell(telling.NOTICE, "%s: %s" % (name, row["meaning"]))
            status = 1
    return status


def _may_go(teller, kernel, name):
    # type: (telling.Teller, Kernel, str) -> bool
    for entry in kernel.modules():
        if entry["name"] != name:
            continue
        if entry["holders"]:
            teller.tell(
                telling.ERROR,
                "Module %s is in use by: %s" % (name, " ".join(entry["holders"])),
            )
            return False
        if entry["refcount"] > 0:
            teller.tell(telling.ERROR, "Module %s is in use" % name)
            return False
        return True
    if os.path.isdir(raw(kernel.path("/sys/module/" + name))):
        teller.tell(telling.ERROR, "Module %s is builtin." % name)
    else:
        teller.tell(telling.ERROR, "Module %s is not currently loaded" % name)
    return False
