"""rmmod: remove modules, named or by the path of their file."""

import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import errnos
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.jobs import probing
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
    status = 0
    for operand in operands:
        name = _name_of(operand)
        if not force and not _may_go(teller, kernel, name):
            status = 1
            continue
        flags = DELETE_FLAGS | (os.O_TRUNC if force else 0)
        code = syscalls.find_loader().delete(name, flags)[1]
        if code:
            why = os.strerror(code)
            text = "could not remove '%s': %s" % (name, why)
            teller.tell(telling.ERROR, text)
            text = "could not remove module %s: %s" % (operand, why)
            row = errnos.explain_delete(errnos.name_of(code) or "")
            teller.tell(telling.ERROR, text, row["meaning"], row["next"])
            status = 1
    return status


def _name_of(operand):
    # type: (str) -> str
    if os.path.exists(raw(operand)):
        return module_name(operand)
    return operand.split(".", 1)[0].replace("-", "_")


def _may_go(teller, kernel, name):
    # type: (telling.Teller, Kernel, str) -> bool
    if _is_builtin(kernel, name):
        teller.tell(telling.ERROR, "Module %s is builtin." % name)
        return False
    if kernel.initstate(name) is None:
        teller.tell(telling.ERROR, "Module %s is not currently loaded" % name)
        return False
    holders = kernel.holders(name)
    if holders is None:
        text = "could not open '/sys/module/%s/holders': No such file or directory"
        teller.tell(telling.ERROR, text % name)
    if holders:
        text = "Module %s is in use by: %s" % (name, " ".join(holders))
        teller.tell(telling.ERROR, text)
        return False
    count = kernel.refcount(name)
    if count is None:
        teller.tell(telling.ERROR, "Module unloading is not supported")
        return False
    if count > 0:
        teller.tell(telling.ERROR, "Module %s is in use" % name)
    return count <= 0


def _is_builtin(kernel, name):
    # type: (Kernel, str) -> bool
    tree = probing.tree_of("", kernel.release)
    try:
        index = probing.read_index(tree, "modules.builtin.bin")
        return index is not None and index.lookup(name) != []
    except AgentError:
        return False  # what cannot be read does not keep the module loaded
