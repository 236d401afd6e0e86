"""depmod's command line: the options that kmod's has, and some of our own."""

import errno
import os

from modferry_agent.compat import argument, raw
from modferry_agent.core import contents, names
from modferry_agent.jobs import tree
from modferry_agent.tools import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence  # noqa: F401  # novermin

    # Called with level and text.
    Tell = Callable[[str, str], None]

# Long name, letter, whether an argument follows, what it does; in kmod's order.
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
    ("unresolved-error", "u", False, ""),
    ("quiet", "q", False, ""),
    ("show", "n", False, "write the text files to stdout, nothing to the tree"),
    ("dry-run", "n", False, "the same"),
    ("symbol-prefix", "P", True, "a character to take off symbol names"),
    ("warn", "w", False, "warn of keys that an index has twice"),
    ("map", "m", False, ""),
    ("root", "r", False, ""),
    ("verbose", "v", False, "tell which module needs which symbol of which"),
    ("version", "V", False, "show the version"),
    ("help", "h", False, "show this text"),
    ("strict", "", False, "write nothing and fail where there is a warning"),
    ("like", "", True, "the release of kmod whose bytes to write: 34, 30, ..."),
    (
        "links",
        "",
        True,
        "a link is another name of its file (file), or a module (kmod)",
    ),
    (
        "explain",
        "",
        True,
        "say where a module's dependencies come from; writes nothing",
    ),
)

# Spelled out, so that kmod's names can be cut as before.
_OURS = ("strict", "like", "links", "explain")
# Taken, told of and without effect, as long as kmod did so.
_DEPRECATED = {"unresolved-error": "u", "quiet": "q", "map": "m", "root": "r"}
_LAST_WITH_DEPRECATED = 33
_FIRST_WITH = {"moduledir": 34, "outdir": 31}


class FatalError(Exception):
    """Ends the command with status 1; the message is for stderr."""

    level = "FATAL"


class BadReleaseError(FatalError):
    """The first operand is no release, which kmod calls an error."""

    level = "ERROR"


class Settings(object):
    """What the command line says."""

    def __init__(self, words, tell):
        # type: (Sequence[str], Tell) -> None
        """Read the options; raise OptionError or FatalError.

        What stands behind --help or --version is not looked at.
        """
        self.flags = set()  # type: set[str]
        self.given = {}  # type: dict[str, str]
        self.operands = []  # type: list[str]
        self.configs = None  # type: list[str] | None
        self.prefix = ""
        self.basedir = self.outdir = ""
        self.moduledir = "lib/modules"
        self.release = ""
        self.kmod = _kmod_to_be_like(words)
        for name, value in options.walk(words, _table(self.kmod), _OURS):
            if name in _DEPRECATED:
                typed = _as_typed(name, words)
                tell("WARNING", "Ignored deprecated option " + typed)
            else:
                self._take(name, value)
            if name in ("help", "version"):
                return
        self.dry_run = bool(self.flags & set(["show", "dry-run"]))
        self.outdir = self.outdir or self.basedir
        if self.operands:
            self.release = self.operands[0]
            if not _scans_as_release(self.release):
                raise BadReleaseError("Bad version passed %s" % self.release)
        else:
            self.release = tree.running_release()
        self.files = self.operands[1:]
        if self.flags & set(["all", "quick"]):
            self.files = []

    def _take(self, name, value):
        # type: (str, str) -> None
        if not name:
            self.operands.append(value)
            return
        self.flags.add(name)
        self.given[name] = value
        if name == "config":
            self.configs = (self.configs or []) + [value]
        elif name == "symbol-prefix":
            if len(value) != 1:
                raise FatalError("-P only takes a single char")
            self.prefix = value
        elif name == "basedir":
            self.basedir = _absolute(value)
        elif name == "outdir":
            self.outdir = _absolute(value)
        elif name == "moduledir":
            self.moduledir = value

    def check_files(self):
        # type: () -> list[tuple[str, str]]
        """Return ``(level, text)`` of what is wrong with the files of the command line.

        Behind a FATAL nothing more is looked at.
        """
        found = []  # type: list[tuple[str, str]]
        seen = set()  # type: set[str]
        for path in self.files:
            if not path.startswith("/"):
                return found + [("FATAL", "%s: not absolute path." % path)]
            try:
                os.stat(raw(path))
            except EnvironmentError as error:
                text = "could not create module %s: %s"
                return found + [("FATAL", text % (path, error.strerror))]
            name = names.module_name(path)
            if name in seen:
                why = os.strerror(errno.EEXIST)
                return found + [
                    ("ERROR", "hash_add_unique %s: %s" % (name, why)),
                    ("FATAL", "could not add module %s: %s" % (path, why)),
                ]
            seen.add(name)
            if os.path.isdir(raw(path)):
                why = os.strerror(errno.EISDIR)
                found.append(
                    ("ERROR", "failed to load symbols from %s: %s" % (path, why))
                )
        return found


def _table(kmod):
    # type: (int) -> list[tuple[str, str, bool]]
    rows = []
    for name, letter, has_argument, _meaning in OPTIONS:
        if kmod < _FIRST_WITH.get(name, 0):
            continue
        if name in _DEPRECATED and kmod > _LAST_WITH_DEPRECATED:
            continue
        rows.append((name, letter, has_argument))
    return rows


def _as_typed(name, words):
    # type: (str, Sequence[str]) -> str
    for word in words:
        if len(word) > 2 and ("--" + name).startswith(word):
            return "--" + name
    return "-" + _DEPRECATED[name]


def _kmod_to_be_like(words):
    # type: (Sequence[str]) -> int
    # The options depend on it, so it is looked for before they are read.
    given = None
    for place, word in enumerate(words):
        if word == "--":
            break
        if word == "--like":
            given = words[place + 1] if place + 1 < len(words) else None
        elif word.startswith("--like="):
            given = word[len("--like=") :]
    if given is None:
        return contents.NEWEST_KMOD
    return contents.kmod_release(given)


def _scans_as_release(text):
    # type: (str) -> bool
    # As "%u.%u" would; the module re would take half of the time to start.
    major, dot, minor = text.partition(".")
    return _unsigned(major).isdigit() and dot != "" and _unsigned(minor)[:1].isdigit()


def _unsigned(text):
    # type: (str) -> str
    text = text.lstrip()
    return text[1:] if text[:1] in ("+", "-") else text


def _absolute(path):
    # type: (str) -> str
    if path.startswith("/"):
        return path
    return argument(os.getcwd()) + "/" + path


def help_text(name):
    # type: (str) -> str
    """Return what ``--help`` prints."""
    lines = ["usage: %s [OPTION...] [RELEASE [FILE...]]" % name, ""]
    for long_name, letter, has_argument, meaning in OPTIONS:
        if meaning:
            text = ("-%s, " % letter if letter else "    ") + "--%s" % long_name
            if has_argument:
                text += " X"
            lines.append("  %-24s %s" % (text, meaning))
    return "\n".join(lines) + "\n"
