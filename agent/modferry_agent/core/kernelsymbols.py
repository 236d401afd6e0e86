"""What the kernel itself exports: Module.symvers (depmod -E), System.map (depmod -F).

Source: kmod, tools/depmod.c, depmod_load_symvers and depmod_load_system_map.
"""

import re

from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable  # noqa: F401  # novermin

    # Called with the number of a bad line and why it is bad.
    Report = Callable[[int, str], None]

# What strtoull takes for a number of base 16.
_NUMBER = re.compile("[ \t\n\v\f\r]*([+-]?)(?:0[xX])?([0-9a-fA-F]+)$")
_EXPORTED = "__ksymtab_"


def parse_symvers(text, report=None):
    # type: (str, Report | None) -> list[tuple[str, int]]
    """Return ``(symbol, crc)`` of the kernel's own symbols in a Module.symvers.

    A line is CRC, symbol, ``vmlinux`` or a module, and more, parted by blanks and tabs.
    """
    found = []
    for place, line in enumerate(_lines(text)):
        # The newline stays in the last word, so that this one is not "vmlinux".
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if len(words) < 3 or words[2] != "vmlinux":
            continue
        number = _NUMBER.match(words[0])
        if number is None:
            if report is not None:
                report(
                    place + 1,
                    reason(
                        "'%s' is no CRC" % words[0], "symvers-line", version=words[0]
                    ),
                )
            continue
        crc = int(number.group(2), 16) * (-1 if number.group(1) == "-" else 1)
        found.append((words[1], crc & 0xFFFFFFFFFFFFFFFF))
    return found


def parse_system_map(text, report=None, prefix=""):
    # type: (str, Report | None, str) -> list[tuple[str, int]]
    """Return ``(symbol, 0)`` of what a System.map shows as exported.

    A line is address, type, name, each behind one blank; exported are those that
    ``__ksymtab_`` stands before, and before that the prefix, if there is one.
    """
    found = []
    for place, line in enumerate(_lines(text)):
        words = line.split(" ", 2)
        if len(words) < 3:
            if report is not None:
                report(place + 1, reason("a bad line", "system-map-line", line=line))
            continue
        name = words[2]
        if prefix and name.startswith(prefix):
            name = name[len(prefix) :]
        if name.startswith(_EXPORTED):
            found.append((name[len(_EXPORTED) :].replace("\n", ""), 0))
    return found


def _lines(text):
    # type: (str) -> list[str]
    # The lines, each with its newline.
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return lines + [last] if last else lines
