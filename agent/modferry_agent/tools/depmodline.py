"""depmod's command line: the options that kmod's has, and two of our own."""

import os
import re

from modferry_agent.compat import argument
from modferry_agent.jobs import indexes
from modferry_agent.tools import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

# Long name, letter, whether an argument follows, what it does.
OPTIONS = (
    ("all", "a", False, "index all modules below the directory; the default"),
    ("quick", "A", False, "do nothing unless a module is newer than modules.dep"),
    ("basedir", "b", True, "what stands before the input and the output tree"),
    ("moduledir", "m", True, "in place of lib/modules"),
    ("outdir", "o", True, "what stands before the output tree alone"),
    ("config", "C", True, "a configuration file or directory, in place of the usual"),
    ("symvers", "E", True, "a Module.symvers: what the kernel exports, with CRCs"),
    ("filesyms", "F", True, "a System.map: what the kernel exports"),
    ("errsyms", "e", False, "warn of symbols that nobody exports; with -E or -F"),
    ("show", "n", False, "write the text files to stdout, nothing to the tree"),
    ("dry-run", "n", False, "the same"),
    ("symbol-prefix", "P", True, "a character to take off symbol names"),
    ("verbose", "v", False, "tell which module needs which symbol of which"),
    ("warn", "w", False, "warn of keys that an index has twice"),
    ("version", "V", False, "show the version"),
    ("help", "h", False, "show this text"),
    ("like", "", True, "the release of kmod whose bytes to write: 34, 30, ..."),
    (
        "links",
        "",
        True,
        "a link is another name of its file (file), or a module (kmod)",
    ),
)


class FatalError(Exception):
    """Ends the command with status 1; the message is for stderr."""

    level = "FATAL"


class BadReleaseError(FatalError):
    """The first operand is no release, which kmod calls an error."""

    level = "ERROR"


class Settings(object):
    """What the command line says."""

    def __init__(self, words):
        # type: (Sequence[str]) -> None
        """Read the options; raise OptionError or FatalError."""
        table = [row[:3] for row in OPTIONS]
        given, self.operands = options.parse(words, table)
        self.flags = set([name for name, _argument in given])
        self.given = dict(given)
        self.configs = [value for name, value in given if name == "config"] or None
        self.prefix = self.given.get("symbol-prefix", "")
        self.dry_run = bool(self.flags & set(["show", "dry-run"]))
        if "symbol-prefix" in self.flags and len(self.prefix) != 1:
            raise FatalError("-P only takes a single char")
        self.basedir = _absolute(self.given.get("basedir", ""))
        self.outdir = _absolute(self.given.get("outdir", "")) or self.basedir
        self.moduledir = self.given.get("moduledir", "lib/modules")
        self.release = indexes.running_release()
        if self.operands:
            self.release = self.operands[0]
            if not re.match(r"\s*[+-]?\d+\.\s*[+-]?\d", self.release):
                raise BadReleaseError("Bad version passed %s" % self.release)
        self.files = self.operands[1:]
        for path in self.files:
            if not path.startswith("/"):
                raise FatalError("%s: not absolute path." % path)
        if self.flags & set(["all", "quick"]):
            self.files = []


def _absolute(path):
    # type: (str) -> str
    if not path:
        return ""
    if not path.startswith("/"):
        path = argument(os.getcwd()) + "/" + path
    return path.rstrip("/")


def help_text(name):
    # type: (str) -> str
    """Return what ``--help`` prints."""
    lines = ["usage: %s [OPTION...] [RELEASE [FILE...]]" % name, ""]
    for long_name, letter, has_argument, meaning in OPTIONS:
        text = ("-%s, " % letter if letter else "    ") + "--" + long_name
        if has_argument:
            text += " X"
        lines.append("  %-24s %s" % (text, meaning))
    return "\n".join(lines) + "\n"
