"""modprobe.d and the kernel's command line: text to rules.

    alias PATTERN MODULE      options MODULE WORDS...      blacklist MODULE
    install MODULE COMMAND    remove MODULE COMMAND
    softdep MODULE pre: NAMES post: NAMES                  weakdep MODULE NAMES

A backslash before a newline joins lines; any other is dropped and keeps the character
behind it.

Source: modprobe.d(5); kmod, libkmod/libkmod-config.c, kmod_config_parse.
"""

from modferry_agent.core import fnmatch
from modferry_agent.core.names import normalise_alias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence  # noqa: F401  # novermin

_NEEDS_REST = ("alias", "options", "install", "remove", "softdep", "weakdep")


class Config(object):
    """The rules, in the order in which they were read.

    aliases: (pattern, module); options, install, remove: (module, text)
    softdeps: (module, names before, names after); weakdeps: (module, names)
    blacklist: names of modules; warnings: (place, what is wrong there)
    """

    def __init__(self):
        # type: () -> None
        """Start without rules."""
        self.aliases = []  # type: list[tuple[str, str]]
        self.options = []  # type: list[tuple[str, str]]
        self.install = []  # type: list[tuple[str, str]]
        self.remove = []  # type: list[tuple[str, str]]
        self.softdeps = []  # type: list[tuple[str, list[str], list[str]]]
        self.weakdeps = []  # type: list[tuple[str, list[str]]]
        self.blacklist = []  # type: list[str]
        self.warnings = []  # type: list[tuple[str, str]]

    def options_of(self, name, alias=""):
        # type: (str, str) -> str
        """Return the options of a module, and of the alias it was reached by."""
        wanted = (name, alias or name)
        return " ".join([text for module, text in self.options if module in wanted])

    def command_of(self, kind, name):
        # type: (str, str) -> str | None
        """Return the first install or remove command whose pattern fits, or None."""
        rules = self.install if kind == "install" else self.remove
        for pattern, command in rules:
            if fnmatch.matches(pattern, name):
                return command
        return None

    def softdeps_of(self, name):
        # type: (str) -> tuple[list[str], list[str]]
        """Return the names before and after a module: of the first line that fits."""
        for pattern, before, after in self.softdeps:
            if fnmatch.matches(pattern, name):
                return before, after
        return [], []


def parse_config(files, command_line=""):
    # type: (Sequence[tuple[str, str]], str) -> Config
    """Return the rules of the (path, text) files, then of the kernel's command line.

    Lines that cannot be used are passed over and named in the warnings.
    """
    config = Config()
    for path, text in files:
        for number, line in _lines(text):
            complaint = _take(config, line)
            if complaint:
                config.warnings.append(("%s line %d" % (path, number), complaint))
    for module, parameter, value in parse_command_line(command_line):
        if module == "modprobe" and parameter == "blacklist":
            config.blacklist.extend((value or "").split(","))
        elif module != "modprobe":
            text = parameter + "=" + value if value is not None else parameter
            config.options.append((module, text))
    return config


def _lines(text):
    # type: (str) -> Iterator[tuple[int, str]]
    line, number, first, at = [], 1, 1, 0  # type: list[str], int, int, int
    while at <= len(text):
        letter = text[at : at + 1]
        if letter == "\\":
            at += 1
            if text[at : at + 1] == "\n":
                number += 1
            else:
                line.append(text[at : at + 1])
        elif letter in ("\n", ""):
            if line and line[0] != "#":
                yield first, "".join(line)
            number += 1
            line, first = [], number
        else:
            line.append(letter)
        at += 1


def _take(config, line):
    # type: (Config, str) -> str
    # Add the rule of a line; return what is wrong with it, "" if nothing.
    words = line.replace("\t", " ").split(" ")
    words = [word for word in words if word]
    if not words:
        return ""
    command = words[0]
    bad = "ignoring bad line starting with '%s'" % command
    if command == "blacklist":
        name = normalise_alias(words[1]) if len(words) > 1 else None
        if name is None:
            return bad
        config.blacklist.append(name)
        return ""
    if command not in _NEEDS_REST:
        return "ignoring bad line starting with '%s'" % command
    first = normalise_alias(words[1]) if len(words) > 1 else None
    rest = _rest(line, 2)
    if first is None or not rest:
        return bad
    if command == "alias":
        target = normalise_alias(words[2]) if len(words) > 2 else None
        if target is None:
            return bad
        config.aliases.append((first, target))
    elif command == "options":
        config.options.append((first, rest.replace("\t", " ")))
    elif command == "install":
        config.install.append((first, rest))
    elif command == "remove":
        config.remove.append((first, rest))
    elif command == "softdep":
        before, after = _softdep(words[2:])
        config.softdeps.append((first, before, after))
    else:
        config.weakdeps.append((first, words[2:]))
    return ""


def _rest(line, count):
    # type: (str, int) -> str
    # What stands behind that many words and one separator; further blanks are kept.
    at = 0
    for _ in range(count):
        while line[at : at + 1] in (" ", "\t"):
            at += 1
        while at < len(line) and line[at] not in " \t":
            at += 1
    return line[at + 1 :]


def _softdep(words):
    # type: (Sequence[str]) -> tuple[list[str], list[str]]
    lists = {"pre:": [], "post:": []}  # type: dict[str, list[str]]
    current = None  # type: list[str] | None
    for word in words:
        if word in lists:
            current = lists[word]
        elif current is not None:  # a word before pre: or post: counts for nothing
            current.append(word)
    return lists["pre:"], lists["post:"]


def parse_command_line(text):
    # type: (str) -> Iterator[tuple[str, str, str | None]]
    """Yield (module, parameter, value or None) of each ``module.parameter=value``.

    Source: kmod, libkmod/libkmod-config.c, kmod_config_parse_kcmdline.
    """
    word, quoted = "", False
    for letter in text.strip()[:4095] + " ":
        if letter == '"':
            quoted = not quoted
        if letter in " \t\n" and not quoted:
            module, dot, rest = word.partition(".")
            whole_quoted = module[:1] == '"'
            module = module.lstrip('"')
            parameter, equals, value = rest.partition("=")
            name = normalise_alias(module)
            if (
                dot
                and name
                and parameter
                and "=" not in module
                and "." not in parameter
            ):
                if whole_quoted and equals:
                    value = '"' + value
                yield name, parameter, value if equals else None
            word = ""
        else:
            word += letter
