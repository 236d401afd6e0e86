"""The lines of modinfo: which fields, in which order and form.

Source: kmod, tools/modinfo.c, modinfo_do; libkmod/libkmod-module.c,
kmod_module_get_info.
"""

from modferry_agent.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable, Sequence  # noqa: F401  # novermin

    Fields = Sequence[tuple[str, str]]

_ERROR = 3


class Printer(object):
    """The lines of one module, in modinfo's order and form."""

    def __init__(self, field, end, tell):
        # type: (str, str, Callable[[int, str], None]) -> None
        """Remember what is wanted.

        field: the only one that is shown, "" for all; end: of each line
        tell: called with a level and what is wrong in the module
        """
        self.field = field
        self.end = end
        self.tell = tell
        self.lines = []  # type: list[str]

    def begin(self, pairs):
        # type: (Fields) -> None
        """Begin a module with what does not come from its file."""
        self.lines = []
        for key, value in pairs:
            if not self.field:
                self.lines.append("%-16s%s" % (key + ":", value))
            elif self.field == key:
                self.lines.append(value)

    def add(self, fields, signature=()):
        # type: (Fields, Fields) -> None
        """Add the fields of .modinfo and of the signature."""
        parameters = []  # type: list[str]
        texts, types = {}, {}  # type: dict[str, str], dict[str, str]
        for key, value in list(fields) + list(signature):
            if key in ("parm", "parmtype"):
                if self.field not in ("", "parm", key):
                    continue
                name, colon, rest = value.partition(":")
                if self.field == "parmtype":
                    self.lines.append(value)
                elif not colon:
                    text = 'Found invalid "%s=%s": missing \':\'' % (key, value)
                    self.tell(_ERROR, text)
                else:
                    if name not in parameters:
                        parameters.append(name)
                    (texts if key == "parm" else types)[name] = rest
            elif self.field == key:
                self.lines.append(value)
            elif not self.field and self.end == "\0":
                self.lines.append("%s=%s" % (key, value))
            elif not self.field:
                self.lines.append("%-16s%s" % (key + ":", value))
        if self.field in ("", "parm"):
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
        """Return the text of the module."""
        return "".join([line + self.end for line in self.lines])
