"""depmod's options -E and -F: the file that says what the kernel exports."""

import errno

from modferry_agent.compat import native, raw
from modferry_agent.core import kernelsymbols
from modferry_agent.tools import depmodline, depmodwords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin
    from modferry_agent.core.symbols import SymbolTable  # noqa: F401


def add_symbols(table, settings, tell):
    # type: (SymbolTable, depmodline.Settings, Any) -> None
    """Add what -E, or else -F, says that the kernel exports.

    Raises FatalError if the file cannot be read.
    """
    found = []  # type: list[tuple[str, str]]
    if "symvers" in settings.given:
        path = settings.given["symvers"]
        text = _text_of(path)
        table.add_kernel(kernelsymbols.parse_symvers(text, _into(found, path)))
    elif "filesyms" in settings.given:
        path = settings.given["filesyms"]
        text = _text_of(path)
        symbols = kernelsymbols.parse_system_map(
            text, _into(found, path), settings.prefix
        )
        table.add_kernel(symbols, are_bare=True)
    depmodwords.tell_warnings(None, found, tell)


def _into(found, path):
    # type: (list[tuple[str, str]], str) -> Any
    def report(number, reason):
        # type: (int, Any) -> None
        reason.values["number"] = number
        found.append((path, reason))

    return report


def _text_of(path):
    # type: (str) -> str
    # A pipe or a device will do; of a directory kmod reads nothing.
    try:
        stream = open(raw(path), "rb")
    except EnvironmentError as error:
        if error.errno == errno.EISDIR:
            return ""
        text = "could not load %s: %s" % (path, error.strerror)
        raise depmodline.FatalError(text)
    try:
        return native(stream.read())
    finally:
        stream.close()
