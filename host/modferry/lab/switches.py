"""What a practice box can be made to lack, or to do, so that errors can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from modferry.errors import UsageError

SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "nopython": "no Python interpreter on the box",
        "full": "file systems with nothing left: DIR[,DIR...]",
        "noexec": "file systems that nothing can be started from: DIR[,DIR...]",
        "delay": "seconds before anybody can log in",
        "chatter": "the kernel prints a line every so many milliseconds",
        "autologin": "root is logged in on the console already",
    }
)
"""Switch -> its sentence. rootfs/boot reads them from the kernel's command line."""

TAKES_NOTHING = frozenset({"nopython", "autologin"})


def switch_words(switches: Mapping[str, str]) -> list[str]:
    """Return the words of the kernel's command line that set switches.

    switches: with their values; an empty one where it takes none.
    Raises UsageError for an unknown switch, or a value that is wrong for it.
    """
    for name, value in switches.items():
        if name not in SWITCHES:
            raise UsageError(
                f'the practice box has no switch "{name}"',
                why="known: " + ", ".join(SWITCHES),
            )
        if bool(value) == (name in TAKES_NOTHING) or len(value.split()) > 1:
            raise UsageError(
                f'"{name}" does not take "{value}"', why=f"{name}: {SWITCHES[name]}"
            )
    return [
        f"modferry.{name}={value}" if value else f"modferry.{name}"
        for name, value in switches.items()
    ]
