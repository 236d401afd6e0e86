r"""Shell patterns as the C library's fnmatch(3) with no flags: ``*`` matches ``/`` too.

Python's own fnmatch knows neither ``\`` nor ``[^a]`` nor ``[[:digit:]]``.

Source: fnmatch(3), POSIX 2.13; modprobe matches alias patterns so (kmod,
libkmod/libkmod-index.c).  Case counts; bytes are compared as in the C locale.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable  # noqa: F401  # novermin

_CLASSES = {  # type: dict[str, Callable[[str], bool]]
    "alpha": lambda c: "a" <= c <= "z" or "A" <= c <= "Z",
    "digit": lambda c: "0" <= c <= "9",
    "alnum": lambda c: "a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9",
    "upper": lambda c: "A" <= c <= "Z",
    "lower": lambda c: "a" <= c <= "z",
    "space": lambda c: c in " \t\n\v\f\r",
    "blank": lambda c: c in " \t",
    "punct": lambda c: "!" <= c <= "~" and not c.isalnum(),
    "print": lambda c: " " <= c <= "~",
    "graph": lambda c: "!" <= c <= "~",
    "cntrl": lambda c: c < " " or c == "\x7f",
    "xdigit": lambda c: "0" <= c <= "9" or "a" <= c <= "f" or "A" <= c <= "F",
}


def matches(pattern, text):
    # type: (str, str) -> bool
    """Say whether the whole text matches the pattern."""
    at = 0
    place = 0
    # Where to go on when what follows the last star does not match: one text
    # character further.  Earlier stars need not be tried again.
    star = None  # type: int | None
    resume = 0
    while True:
        if place < len(pattern) and pattern[place] == "*":
            place += 1
            star = place
            resume = at
            continue
        if at == len(text) and place == len(pattern):
            return True
        behind = None
        if at < len(text) and place < len(pattern):
            behind = _matched_one(pattern, place, text[at])
        if behind is not None:
            place = behind
            at += 1
            continue
        if star is None or resume >= len(text):
            return False
        resume += 1
        at = resume
        place = star


def _matched_one(pattern, place, letter):
    # type: (str, int, str) -> int | None
    # Where the pattern goes on behind what matched the letter; None if nothing did.
    wanted = pattern[place]
    if wanted == "?":
        return place + 1
    if wanted == "[":
        found = _matched_set(pattern, place + 1, letter)
        if found is not None:
            is_in, behind = found
            return behind if is_in else None
    elif wanted == "\\":
        # A backslash at the very end matches nothing.
        place += 1
        if place == len(pattern):
            return None
        wanted = pattern[place]
    return place + 1 if wanted == letter else None


def _matched_set(pattern, place, letter):
    # type: (str, int, str) -> tuple[bool, int] | None
    # Whether the set lets the letter pass, and where it ends.  None if it never does:
    # the bracket is then an ordinary character, but the C library lets nothing pass
    # where a range is cut before anything matched.
    negated = pattern[place : place + 1] in ("!", "^")
    if negated:
        place += 1
    is_in = False
    is_first = True
    while place < len(pattern):
        if pattern[place] == "]" and not is_first:
            return is_in != negated, place + 1
        is_first = False
        if pattern.startswith("[:", place):
            end = pattern.find(":]", place + 2)
            test = _CLASSES.get(pattern[place + 2 : end]) if end >= 0 else None
            if test is not None:
                is_in = is_in or test(letter)
                place = end + 2
                continue
        low, place = _set_member(pattern, place)
        high = low
        if pattern[place : place + 1] == "-" and pattern[place + 1 : place + 2] != "]":
            if place + 1 == len(pattern):
                return None if is_in or low == letter else (False, place)
            high, place = _set_member(pattern, place + 1)
        if low <= letter <= high:
            is_in = True
    return None


def _set_member(pattern, place):
    # type: (str, int) -> tuple[str, int]
    # One character of a set, and where the next one stands.
    for mark in ("[.", "[="):
        if pattern.startswith(mark, place) and pattern[place + 3 : place + 5] == (
            mark[1] + "]"
        ):
            return pattern[place + 2], place + 5
    if pattern[place] == "\\" and place + 1 < len(pattern):
        place += 1
    return pattern[place], place + 1
