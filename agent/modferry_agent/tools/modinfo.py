"""modinfo: what a module file says about itself, or the kernel about a builtin."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import elf, modinfo, names, signature
from modferry_agent.errors import AgentError, FormatError
from modferry_agent.jobs import probing
from modferry_agent.system import treefiles
from modferry_agent.system.kernel import Kernel
from modferry_agent.tools import modinfotext, telling
from modferry_agent.tools.modprobebox import absolute

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources  # noqa: F401

_TABLE = (
    ("author", "a", False),
    ("description", "d", False),
    ("license", "l", False),
    ("parameters", "p", False),
    ("filename", "n", False),
    ("null", "0", False),
    ("modname", "m", False),
    ("field", "F", True),
    ("set-version", "k", True),
    ("basedir", "b", True),
    ("version", "V", False),
    ("help", "h", False),
)
_FIELDS = {
    "author": "author",
    "description": "description",
    "license": "license",
    "parameters": "parm",
    "filename": "filename",
}
# What kmod's errno is for a file that cannot be read as a module.
_ERRNOS = {
    "not-elf": errno.ENOEXEC,
    "no-decompressor": errno.ENOSYS,
    "no-modinfo": errno.ENODATA,
}
# A shorter file has not even room for a magic number.
_LEAST_BYTES = 6
_USAGE = """Usage:
\t%(name)s [options] <modulename|filename> [args]
Options:
\t-a, --author                Print only 'author'
\t-d, --description           Print only 'description'
\t-l, --license               Print only 'license'
\t-p, --parameters            Print only 'parm'
\t-n, --filename              Print only 'filename'
\t-0, --null                  Use \\0 instead of \\n
\t-m, --modname               Handle argument as a module's name alone
\t-F, --field=FIELD           Print only provided FIELD
\t-k, --set-version=VERSION   Use VERSION instead of `uname -r`
\t-b, --basedir=DIR           Use DIR as filesystem root for /lib/modules
\t-V, --version               Show version
\t-h, --help                  Show this help
"""


def main(argv):
    # type: (Sequence[str]) -> int
    """Print what is asked of each operand; return 1 if one is not found."""
    return telling.run_tool(argv, _TABLE, _USAGE, telling.ERROR, _show_all)


def _show_all(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    if not operands:
        teller.tell(telling.ERROR, "missing module or filename.")
        return 1
    values = dict(given)
    field = values.get("field", "")
    for name, _ in given:
        field = _FIELDS.get(name, field)
    shown = _Shown(
        teller,
        modinfotext.Printer(field, "\0" if "null" in values else "\n", teller.tell),
        Kernel(release=values.get("set-version", "")),
        values.get("basedir", ""),
    )
    status = 0
    for operand in operands:
        is_file = names.is_module_file(operand[operand.rfind("/") + 1 :])
        if "modname" in values:
            status = shown.show_name(operand) or status
        elif is_file and os.path.isfile(raw(operand)):
            path = operand if operand.startswith("/") else absolute(operand)
            status = shown.show_file(names.module_name(operand), path) or status
        else:
            status = shown.show_all_of(operand) or status
    return status


class _Shown(object):
    """What is shown so far, and where names are looked up."""

    def __init__(self, teller, printer, kernel, root):
        # type: (telling.Teller, modinfotext.Printer, Kernel, str) -> None
        self.teller = teller
        self.printer = printer
        self.kernel = kernel
        root = absolute(root) if root and not root.startswith("/") else root
        self.tree = probing.tree_of(root, kernel.release)
        self._sources = None  # type: Sources | None

    def sources(self):
        # type: () -> Sources
        # No configuration: modinfo looks in the indexes alone.
        if self._sources is None:
            self._sources = probing.read_indexes(self.tree)
        return self._sources

    def show_name(self, operand):
        # type: (str) -> int
        name = operand.split(".", 1)[0].replace("-", "_")
        if self.sources().line_of(name)[0] or self.sources().is_builtin(name):
            return self._show(name)
        self.teller.tell(telling.ERROR, "Module name %s not found." % operand)
        return 1

    def show_all_of(self, operand):
        # type: (str) -> int
        found = self.sources().resolve(operand)
        if not found:
            self.teller.tell(telling.ERROR, "Module %s not found." % operand)
            return 1
        return max([self._show(name) for name in found])

    def _show(self, name):
        # type: (str) -> int
        path = self.sources().line_of(name)[0]
        if path:
            return self.show_file(
                name, path if path.startswith("/") else self.tree + "/" + path
            )
        self.printer.begin([("name", name), ("filename", "(builtin)")])
        self.printer.add(self._builtin_fields(name))
        telling.out(self.printer.take())
        return 0

    def _builtin_fields(self, wanted):
        # type: (str) -> list[tuple[str, str]]
        # The first run of consecutive entries of that module.
        content = treefiles.read_if_there(self.tree + "/modules.builtin.modinfo")
        fields = []
        for entry in modinfo.strings(content or b""):
            key, _, value = entry.partition("=")
            module, _, key = key.partition(".")
            if module.replace("-", "_") == wanted:
                fields.append((key, value))
            elif fields:
                break
        return fields

    def show_file(self, name, path):
        # type: (str, str) -> int
        self.printer.begin([("filename", path)])
        try:
            octets = treefiles.read_module(path)
            if len(octets) < _LEAST_BYTES:
                raise FormatError("it has %d bytes" % len(octets), code="too-short")
            section = elf.Elf(octets).named(".modinfo")
            if section is None:
                raise FormatError("it has no .modinfo", code="no-modinfo")
            self.printer.add(modinfo.fields(section), signature.fields(octets))
        except AgentError as error:
            telling.out(self.printer.take())
            code = error.details.get("errno") or _ERRNOS.get(error.code, errno.EINVAL)
            text = "could not get modinfo from '%s': %s" % (
                name,
                os.strerror(int(code)),
            )
            telling.flush()
            self.teller.tell(telling.ERROR, text, error.message, error.hint)
            return 1
        telling.out(self.printer.take())
        return 0
