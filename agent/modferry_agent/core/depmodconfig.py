"""depmod.d: which directories are searched, and which file of a name wins.

    search WORD...               the first word has the highest rank
    override NAME KERNEL DIR     the file DIR/NAME wins, for kernels of that pattern
    external KERNEL DIR          a directory outside of the tree is searched, too
    exclude WORD...              no file or directory of that name is looked at
    include, make_map_files      known, without effect

Source: depmod.d(5); kmod, tools/depmod.c, cfg_file_parse, and shared/util.c,
freadline_wrapped.
"""

from modferry_agent.core import posixregex
from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin

BUILT_IN = "built-in"
EXTERNAL = "external"
_WITHOUT_EFFECT = ("include", "make_map_files")


class Config(object):
    """What the files say for one release.

    searches: words, as configured; ``built-in`` and ``external`` have their meaning
    overrides: ``DIR/NAME``, as configured
    externals: absolute directories, as configured
    excludes: file and directory names
    warnings: ``(file, reason)`` of each line that is not understood
    """

    __slots__ = ("searches", "overrides", "externals", "excludes", "warnings")

    def __init__(self):
        # type: () -> None
        """Make the configuration of no file at all."""
        self.searches = []  # type: list[str]
        self.overrides = []  # type: list[str]
        self.externals = []  # type: list[str]
        self.excludes = []  # type: list[str]
        self.warnings = []  # type: list[tuple[str, str]]


def parse_config(files, release):
    # type: (Iterable[tuple[str, str]], str) -> Config
    """Return what the files say; each is ``(path, text)``, in the order of reading."""
    config = Config()
    for path, text in files:
        for number, line in logical_lines(text):
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if words and not _apply(config, words, release):
                text = "line %d: ignoring bad line starting with '%s'"
                because = reason(
                    text % (number, words[0]),
                    "config-line",
                    number=number,
                    word=words[0],
                )
                config.warnings.append((path, because))
    if not config.searches:
        config.searches.append("updates")
    return config


def _apply(config, words, release):
    # type: (Config, list[str], str) -> bool
    # Take one line in; False if it is not understood.
    command = words[0]
    if command == "search":
        config.searches.extend(words[1:])
    elif command == "exclude":
        config.excludes.extend(words[1:])
    elif command == "override" and len(words) >= 4:
        if _is_for(words[2], release):
            config.overrides.append(words[3] + "/" + words[1])
    elif command == "external" and len(words) >= 3:
        if _is_for(words[1], release):
            config.externals.append(words[2])
    else:
        return command in _WITHOUT_EFFECT
    return True


def _is_for(pattern, release):
    # type: (str, str) -> bool
    return pattern == "*" or posixregex.is_found(pattern, release)


def logical_lines(text):
    # type: (str) -> list[tuple[int, str]]
    """Return ``(number, line)`` of each line that is no comment and not empty.

    A backslash joins lines with nothing between; before any other character it
    vanishes, and the character is kept.
    """
    lines = []
    kept = []  # type: list[str]
    number = 1
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\":
            # At the very end of the file the backslash just vanishes.
            if at < len(text) and text[at] == "\n":
                number += 1
            else:
                kept.append(text[at : at + 1])
            at += 1
        elif letter == "\n":
            lines.append((number, "".join(kept)))
            kept = []
            number += 1
        else:
            kept.append(letter)
    lines.append((number, "".join(kept)))
    return [(place, line) for place, line in lines if line and line[0] != "#"]
