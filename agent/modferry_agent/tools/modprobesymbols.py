"""modprobe --show-exports and --show-modversions: the CRCs in a module file."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import elf, modversions
from modferry_agent.errors import AgentError
from modferry_agent.system import treefiles
from modferry_agent.tools import telling
from modferry_agent.tools.telling import FATAL

if TYPE_CHECKING:
    from modferry_agent.tools.telling import Teller  # noqa: F401  # novermin


def show(teller, exports, path):
    # type: (Teller, bool, str) -> int
    """Print a line a symbol, of what the file exports or of what it imports."""
    if not os.path.exists(raw(path)):
        teller.tell(FATAL, "Module %s not found." % path)
        return 1
    what = "symbols" if exports else "modversions"
    try:
        file = elf.Elf(treefiles.read_module(path))
        if exports:
            pairs = modversions.exported_crcs(file)
        else:
            pairs = modversions.imported_crcs(file) or modversions.extended_crcs(file)
    except AgentError as error:
        code = int(error.details.get("errno", errno.ENOEXEC))
        text = "could not get %s of %s: %s" % (what, path, os.strerror(code))
        teller.tell(FATAL, text, error.message)
        return 1
    if not pairs:
        why = os.strerror(errno.ENODATA)
        teller.tell(FATAL, "could not get %s of %s: %s" % (what, path, why))
        return 1
    for symbol, crc in pairs:
        if not exports and symbol.startswith("."):
            symbol = symbol[1:]
        telling.out("0x%08x\t%s\n" % (crc, symbol))
    return 0
