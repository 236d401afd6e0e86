"""modprobe's options, usage, messages and configuration dump."""

from modferry_agent.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources  # noqa: F401

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

ERRNO_TEXTS = {
    "EEXIST": "Module already in kernel",
    "ENOENT": "Unknown symbol in module, or unknown parameter (see dmesg)",
}


class Settings(object):
    """What the options say."""

    def __init__(self, given):
        # type: (Sequence[tuple[str, str]]) -> None
        """Read the pairs of option and argument."""
        words = [name for name, _ in given]
        values = dict(given)

        def has(*names):
            # type: (*str) -> bool
            return bool([name for name in names if name in words])

        self.all = has("all")
        self.holders = has("remove-holders", "remove-dependencies")
        self.remove = has("remove") or self.holders
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
        self.show = self.dry_run
        self.quiet = has("quiet")
        self.release = values.get("set-version", "")
        self.root = values.get("dirname", "")
        configs = [value for name, value in given if name == "config"]
        self.config = configs or None


def words_of(text):
    # type: (str) -> list[str]
    """Return $MODPROBE_OPTIONS as words; quotes of either kind group."""
    words, word, quote = [], "", ""
    for letter in text:
        if quote:
            if letter == quote:
                quote = ""
            else:
                word += letter
        elif letter in "\"'":
            quote = letter
        elif letter == " ":
            words.append(word)
            word = ""
        else:
            word += letter
    if word:
        words.append(word)
    return words


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
