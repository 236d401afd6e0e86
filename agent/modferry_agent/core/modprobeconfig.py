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

_PARSER = "kmod_config_parse"
_NOT_ANY_MORE = ("include", "config")
_NEEDS_REST = ("alias", "options", "install", "remove", "softdep", "weakdep")


class Config(object):
    """The rules, in the order in which they were read.

    aliases: (pattern, module); options, install, remove: (module, text)
    softdeps: (module, names before, names after); weakdeps: (module, names)
    blacklist: names of modules
    warnings: (the function of kmod that says so, what is wrong and where)
    all_softdeps: every softdep line that fits a module counts, where kmod's first does
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
        self.all_softdeps = False

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
        found = ([], [])  # type: tuple[list[str], list[str]]
        for pattern, before, after in self.softdeps:
            if fnmatch.matches(pattern, name):
                if not self.all_softdeps:
                    return before, after
                found = (found[0] + before, found[1] + after)
        return found


def parse_config(files, command_line=""):
    # type: (Sequence[tuple[str, str]], str) -> Config
    """Return the rules of the (path, text) files, then of the kernel's command line.

    Lines that cannot be used are passed over and named in the warnings.
    """
    config = Config()
    for path, text in files:
        for number, line in _lines(text):
            command = _take(config, line)
            if command in _NOT_ANY_MORE:
                text = "%s: command %s is deprecated and not parsed anymore"
                config.warnings.append((_PARSER, text % (path, command)))
            elif command:
                text = "%s line %d: ignoring bad line starting with '%s'"
                config.warnings.append((_PARSER, text % (path, number, command)))
    for module, parameter, value in parse_command_line(command_line):
        if module == "modprobe" and parameter == "blacklist" and value is not None:
            config.blacklist.extend([name for name in value.split(",") if name])
            continue
        name = normalise_alias(module)
        if name is None:
            text = "Ignoring bad option on kernel command line while parsing module"
            text += " name: '%s'" % module
            config.warnings.append(("kcmdline_parse_result", text))
            continue
        text = parameter + "=" + value if value is not None else parameter
        config.options.append((name, text))
    return config


def _lines(text):
    # type: (str) -> Iterator[tuple[int, str]]
    # The number is that of a logical line's last line, as kmod counts.
    if "\\" not in text:
        for place, line in enumerate(text.split("\n")):
            if line and line[0] != "#":
                yield place + 1, line
        return
    letters, number, at = [], 1, 0  # type: list[str], int, int
    while at <= len(text):
        letter = text[at : at + 1]
        if letter == "\\":
            at += 1
            if text[at : at + 1] == "\n":
                number += 1
            else:
                letters.append(text[at : at + 1])
        elif letter in ("\n", ""):
            if letters and letters[0] != "#":
                yield number, "".join(letters)
            number += 1
            letters = []
        else:
            letters.append(letter)
        at += 1


def _take(config, line):
    # type: (Config, str) -> str
    # Add the rule of a line; return its command if it cannot be used, else "".
    words = line.replace("\t", " ").split(" ")
    words = [word for word in words if word]
    if not words:
        return ""
    bad = command = words[0]
    if command == "blacklist":
        name = normalise_alias(words[1]) if len(words) > 1 else None
        if name is None:
            return bad
        config.blacklist.append(name)
        return ""
    if command not in _NEEDS_REST:
        return bad
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
        before, after = _softdep(_words_of(rest))
        config.softdeps.append((first, before, after))
    else:
        config.weakdeps.append((first, _words_of(rest)))
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


def _words_of(rest):
    # type: (str) -> list[str]
    # A quirk of kmod: of exactly two blanks behind the name the second stays with the
    # word that follows, so that no "pre:" is seen.
    words = rest.split()
    if words and rest[0].isspace() and not rest[1:2].isspace():
        words[0] = rest[0] + words[0]
    return words


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


_IGNORED, _MODULE, _PARAMETER, _VALUE = 0, 1, 2, 3


def parse_command_line(text):
    # type: (str) -> Iterator[tuple[str, str, str | None]]
    """Yield (module, parameter, value or None) of each ``module.parameter=value``.

    Quotes may stand around a whole word or in a value; the boot loader's
    ``"m.p=v w"`` has the value ``"v w"``, quotes included.

    Source: kmod, libkmod/libkmod-config.c, kmod_config_parse_kcmdline.
    """
    state, quoted, whole = _MODULE, False, False
    module, parameter, value = "", "", ""
    for letter in text[:4095] + " ":
        if letter == '"':
            quoted = not quoted
            if quoted and state == _MODULE and not module and not whole:
                whole = True
                continue
            if state != _VALUE:
                state = _IGNORED
        elif letter in " \n\t\v\f\r":
            if quoted:
                if state != _VALUE:
                    state = _IGNORED
            else:
                if state == _VALUE:
                    yield module, parameter, ('"' if whole else "") + value
                elif state == _PARAMETER:
                    yield module, parameter, None
                state, whole = _MODULE, False
                module, parameter, value = "", "", ""
                continue
        elif letter == "." and state in (_MODULE, _PARAMETER):
            state = _PARAMETER if state == _MODULE else _IGNORED
            continue
        elif letter == "=" and state in (_MODULE, _PARAMETER):
            state = _VALUE if state == _PARAMETER else _IGNORED
            continue
        if state == _MODULE:
            module += letter
        elif state == _PARAMETER:
            parameter += letter
        elif state == _VALUE:
            value += letter
