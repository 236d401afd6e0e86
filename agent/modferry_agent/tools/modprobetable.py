"""modprobe's options, usage, messages and configuration dump."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.tools import telling
from modferry_agent.tools.options import OptionError

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources  # noqa: F401
    from modferry_agent.tools.modprobebox import Box  # noqa: F401

TABLE = (
    ("all", "a", False),
    ("remove", "r", False),
    ("remove-dependencies", "", False),
    ("remove-holders", "", False),
    ("wait", "w", True),
    ("resolve-alias", "R", False),
    ("show-alias", "R", False),
    ("first-time", "", False),
    ("ignore-install", "i", False),
    ("ignore-remove", "i", False),
    ("use-blacklist", "b", False),
    ("force", "f", False),
    ("force-modversion", "", False),
    ("force-vermagic", "", False),
    ("show-depends", "D", False),
    ("showconfig", "c", False),
    ("show-config", "c", False),
    ("show-modversions", "", False),
    ("dump-modversions", "", False),
    ("show-exports", "", False),
    ("dry-run", "n", False),
    ("show", "n", False),
    ("config", "C", True),
    ("dirname", "d", True),
    ("set-version", "S", True),
    ("syslog", "s", False),
    ("quiet", "q", False),
    ("verbose", "v", False),
    ("version", "V", False),
    ("help", "h", False),
    ("all-softdeps", "", False),
    ("blacklist-dependencies", "", False),
    ("install-beside-softdeps", "", False),
    ("allow", "", True),
)

USAGE = """Usage:
\t%(name)s [options] [-i] [-b] modulename
\t%(name)s [options] -a [-i] [-b] modulename [modulename...]
\t%(name)s [options] -r [-i] modulename
\t%(name)s [options] -r -a [-i] modulename [modulename...]
\t%(name)s [options] -c
Management Options:
\t-a, --all                   every operand is a module
\t-r, --remove                remove modules instead of inserting
\t    --remove-holders        remove what uses them first (use with -r)
\t-w, --wait=MSEC             wait as long for a module in use (use with -r)
\t-R, --show-alias            only look up and print the modules
\t    --first-time            fail if the module is there (or not) already
\t-i, --ignore-install        ignore install commands
\t-i, --ignore-remove         ignore remove commands
\t-b, --use-blacklist         apply the blacklist to module names, too
\t-f, --force                 both of the next two
\t    --force-modversion      ignore the module's CRCs
\t    --force-vermagic        ignore the module's vermagic
Query Options:
\t-D, --show-depends          only print what would be inserted, and how
\t-c, --show-config           print the configuration and the aliases
\t    --show-modversions      print the CRCs a module file was built with
\t    --show-exports          print what a module file exports
Options that kmod has not:
\t    --all-softdeps          every fitting softdep line counts, not just the first
\t    --blacklist-dependencies
\t                            fail where something blacklisted would be loaded
\t    --install-beside-softdeps
\t                            run install commands of modules with softdeps, too
\t    --allow=FILE            load nothing that FILE does not name, one a line
General Options:
\t-n, --dry-run               do everything but insert or remove
\t-C, --config=FILE           use FILE instead of the usual directories
\t-d, --dirname=DIR           use DIR/lib/modules
\t-S, --set-version=VERSION   use VERSION instead of the running release
\t-s, --syslog                print to syslog, not stderr
\t-q, --quiet                 print no errors
\t-v, --verbose               print what is done
\t-V, --version               show version
\t-h, --help                  show this help
"""

# Whole names that are ours or newer than kmod 34, so that its own can be cut as before.
OURS = (
    "show-alias",
    "all-softdeps",
    "blacklist-dependencies",
    "install-beside-softdeps",
    "allow",
)

# By $MODPROBE_OPTIONS, to modprobes that commands of modprobe.d run.
PASSED_ON = {"config": "-C", "syslog": "-s", "quiet": "-q", "verbose": "-v"}

ERRNO_TEXTS = {
    errno.EEXIST: "Module already in kernel",
    errno.ENOENT: "Unknown symbol in module, or unknown parameter (see dmesg)",
}


class Settings(object):
    """What the options say."""

    def __init__(self, given):
        # type: (Sequence[tuple[str, str]]) -> None
        """Read the pairs of option and argument; OptionError for a bad --allow."""
        words = [name for name, _ in given]
        values = dict(given)

        def has(*names):
            # type: (*str) -> bool
            return bool([name for name in names if name in words])

        self.all = has("all")
        self.holders = has("remove-holders", "remove-dependencies")
        self.remove = has("remove")
        self.resolve = has("resolve-alias", "show-alias")
        self.first_time = has("first-time")
        self.ignore_commands = has("ignore-install", "ignore-remove")
        self.use_blacklist = has("use-blacklist")
        self.force = [name for name in words if name.startswith("force")]
        self.show_depends = has("show-depends")
        self.show_config = has("showconfig", "show-config")
        self.show_modversions = has("show-modversions", "dump-modversions")
        self.show_exports = has("show-exports")
        self.dry_run = has("dry-run", "show") or self.show_depends
        self.quiet = has("quiet")
        self.release = values.get("set-version", "")
        self.root = values.get("dirname", "")
        configs = [value for name, value in given if name == "config"]
        self.config = configs or None
        self.wait_ms = 0
        self.bad_wait = ""
        if "wait" in values:
            number = number_of(values["wait"])
            if number is None:
                self.bad_wait = values["wait"]
            self.wait_ms = number or 0
        self.all_softdeps = has("all-softdeps")
        self.blacklist_dependencies = has("blacklist-dependencies")
        self.install_beside_softdeps = has("install-beside-softdeps")
        self.allowed = None  # type: list[str] | None
        if "allow" in values:
            self.allowed = _names_in(values["allow"])


def number_of(text):
    # type: (str) -> int | None
    """Return the number as strtoul(3) with base 0 reads all of a text; else None."""
    digits = text.strip().lstrip("+")
    if digits[:2] in ("0x", "0X"):
        base = 16
    else:
        base = 8 if digits[:1] == "0" else 10
    try:
        return int(digits, base)
    except ValueError:
        return None


def _names_in(path):
    # type: (str) -> list[str]
    try:
        stream = open(raw(path), "rb")
        try:
            lines = native(stream.read()).split("\n")
        finally:
            stream.close()
    except EnvironmentError as error:
        raise OptionError("--allow: %s: %s" % (path, error.strerror))
    names = [line.split("#", 1)[0].strip() for line in lines]
    return [name.replace("-", "_") for name in names if name]


def flags_of(words):
    # type: (Sequence[str]) -> int
    """Return finit_module's flags for the force options given."""
    flags = 0
    if "force" in words or "force-modversion" in words:
        flags |= 1
    if "force" in words or "force-vermagic" in words:
        flags |= 2
    return flags


def joined(words):
    # type: (Sequence[str]) -> str
    """Return parameters as one text; a value with a blank gets quotes, as kmod does."""
    parts = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and " " in value and not value.startswith(("\"", "'")):
            word = '%s="%s"' % (name, value)
        parts.append(word)
    return " ".join(parts)


def words_of(text):
    # type: (str) -> list[str]
    """Return $MODPROBE_OPTIONS as kmod splits it.

    At each blank, so that two of them have an empty word between; a quoted part is a
    word by itself, and what stands before it in its word is lost.
    """
    words, start, quote = [], 0, -1  # type: list[str], int, int
    for at, letter in enumerate(text):
        if quote >= 0:
            if letter == text[quote]:
                words.append(text[quote + 1 : at])
                start, quote = at + 1, -1
        elif letter == " ":
            words.append(text[start:at])
            start = at + 1
        elif letter in "\"'":
            quote = at
    if start < len(text):
        words.append(text[start:])
    return words


def tell_complaints(box):
    # type: (Box) -> None
    """Write what is wrong with the configuration, as kmod's library does."""
    for complaint in box.sources.config.warnings:
        telling.err("libkmod: ERROR: %s: %s\n" % complaint)
    kind = box.kernel.compression()
    if kind not in ("", "zstd", "xz", "gzip"):
        text = "get_kernel_compression: unknown kernel compression %s" % kind
        telling.err("libkmod: ERROR: %s\n" % text)


def run_command(teller, kind, command, name, options):
    # type: (telling.Teller, str, str, str, str) -> bool
    """Run an install or remove command of modprobe.d as system(3) does; False: failed.

    kind: install or remove
    """
    text = command.replace("$CMDLINE_OPTS", options)
    os.environ["MODPROBE_MODULE"] = name
    # S605: what modprobe.d says is the box's own.
    status = os.system(text)  # noqa: S605
    if not status:
        return True
    if kind == "install":
        words = "Error running install command '%s' for module %s: retcode %d"
        # What a shell says of a signal; kmod takes that for success.
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + status % 128
        teller.tell(telling.ERROR, words % (text, name, code))
    return False


def config_text(sources):
    # type: (Sources) -> str
    """Return what -c prints: the rules, then the aliases of the indexes."""
    config = sources.config
    lines = ["blacklist %s" % name for name in config.blacklist]
    for kind in ("install", "remove"):
        for name, text in getattr(config, kind):
            lines.append("%s %s %s" % (kind, name, text))
    lines.extend(["alias %s %s" % pair for pair in config.aliases])
    lines.extend(["options %s %s" % pair for pair in config.options])
    for name, before, after in config.softdeps:
        line = "softdep %s " % name
        if before:
            line += "pre: " + " ".join(before)
        if after:
            line += "post: " + " ".join(after)
        lines.append(line)
    for name, others in config.weakdeps:
        lines.append("weakdep %s %s" % (name, " ".join(others)))
    lines += ["", "# End of configuration files. Dumping indexes now:", ""]
    for index in (sources.alias, sources.symbols):
        if index is not None:
            lines.extend(
                ["alias %s %s" % (key, value) for key, _, value in index.items()]
            )
    return "\n".join(lines) + "\n"
