"""modinfo: what a module file says about itself, or the kernel about a builtin."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core import elf, modinfo, names
from modferry_agent.errors import AgentError, FormatError
from modferry_agent.jobs import probing
from modferry_agent.system import moduletree
from modferry_agent.system.kernel import Kernel
from modferry_agent.tools import telling

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources  # noqa: F401

    Fields = list[tuple[str, str]]

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
    kernel = Kernel(release=values.get("set-version", ""))
    tree = probing.tree_of(values.get("basedir", ""), kernel.release)
    field = values.get("field", "")
    for name, _ in given:
        field = _FIELDS.get(name, field)
    printer = _Printer(field, "\0" if "null" in values else "\n")
    sources = None  # type: Sources | None
    status = 0
    for operand in operands:
        if names.is_module_file(operand) and os.path.isfile(raw(operand)):
            location = native(os.path.abspath(raw(operand)))
            status = _show_file(teller, printer, operand, location) or status
            continue
        if sources is None:
            try:
                sources = probing.read_sources(kernel, tree, [])
            except AgentError:
                teller.tell(telling.ERROR, "Module %s not found." % operand)
                status = 1
                continue
        found = _resolve(sources, operand, "modname" in values)
        if not found:
            text = (
                "Module name %s not found."
                if "modname" in values
                else ("Module %s not found.")
            )
            teller.tell(telling.ERROR, text % operand)
            status = 1
        for name in found:
            path = sources.line_of(name)[0]
            if path:
                if not path.startswith("/"):
                    path = tree + "/" + path
                status = _show_file(teller, printer, name, path) or status
            else:
                _show_builtin(printer, tree, name)
    return status


def _resolve(sources, operand, exact):
    # type: (Sources, str, bool) -> list[str]
    if exact:
        name = operand.replace("-", "_")
        known = sources.line_of(name)[0] or sources.is_builtin(name)
        return [name] if known else []
    return sources.resolve(operand)


def _show_file(teller, printer, name, path):
    # type: (telling.Teller, _Printer, str, str) -> int
    printer.begin([("filename", path)])
    try:
        file = elf.Elf(moduletree.read_module(path))
        section = file.named(".modinfo")
        if section is None:
            raise FormatError("it has no .modinfo")
    except AgentError as error:
        telling.out(printer.take())
        teller.tell(
            telling.ERROR, "could not get modinfo from '%s': %s" % (name, error.message)
        )
        return 1
    printer.add(modinfo.fields(section))
    telling.out(printer.take())
    return 0


def _show_builtin(printer, tree, name):
    # type: (_Printer, str, str) -> None
    printer.begin([("name", name), ("filename", "(builtin)")])
    content = moduletree.read_if_there(tree + "/modules.builtin.modinfo") or b""
    fields = []
    for entry in modinfo.strings(content):
        key, _, value = entry.partition("=")
        module, _, key = key.partition(".")
        if module == name:
            fields.append((key, value))
    printer.add(fields)
    telling.out(printer.take())


class _Printer(object):
    """The lines of one module, in modinfo's order and form."""

    def __init__(self, field, end):
        # type: (str, str) -> None
        self.field = field
        self.end = end
        self.lines = []  # type: list[str]

    def begin(self, pairs):
        # type: (Fields) -> None
        self.lines = []
        for key, value in pairs:
            if not self.field:
                self.lines.append("%-16s%s" % (key + ":", value))
            elif self.field == key:
                self.lines.append(value)

    def add(self, fields):
        # type: (Fields) -> None
        parameters = []  # type: list[str]
        texts, types = {}, {}  # type: dict[str, str], dict[str, str]
        for key, value in fields:
            if key in ("parm", "parmtype"):
                name, _, rest = value.partition(":")
                if name not in parameters:
                    parameters.append(name)
                (texts if key == "parm" else types)[name] = rest
                if self.field != "parmtype" or key != "parmtype":
                    continue
            if self.field == key:
                self.lines.append(value)
            elif not self.field and self.end == "\0":
                self.lines.append("%s=%s" % (key, value))
            elif not self.field:
                self.lines.append("%-16s%s" % (key + ":", value))
        if self.field not in ("", "parm"):
            return
        for name in reversed(parameters):  # kmod's list has the newest first
            self.lines.append(self._parameter(name, texts, types))

    def _parameter(self, name, texts, types):
        # type: (str, dict[str, str], dict[str, str]) -> str
        text, kind = texts.get(name), types.get(name)
        head = "" if self.field else "%-16s" % "parm:"
        if text is None:
            return "%s%s:%s%s" % (head, name, " (" if self.field else "", kind) + (
                ")" if self.field else ""
            )
        if kind is None:
            return "%s%s:%s" % (head, name, text)
        return "%s%s:%s (%s)" % (head, name, text, kind)

    def take(self):
        # type: () -> str
        return "".join([line + self.end for line in self.lines])
