r"""Which boxes a pattern means; Ansible's patterns, pure.

::

    all  *  NAME  GROUP      one box, the boxes of a group
    A:B  A,B                 either       A:!B  but not B       A:&B  in both
    web*.example             a glob       ~(web|db)\d+          a regular expression
    GROUP[0]  [-1]  [0:2]    by place in the group, the last included

Source: Ansible's documentation, "Patterns: targeting hosts and groups".
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from modferry.core.address import is_address
from modferry.errors import UsageError
from modferry.fleet.groups import Groups

GLOB = re.compile(r"[.?*\[]")
PLACE = re.compile(r"^(.+)\[(?:(-?\d+)|(\d+)([:-])(\d*))\]$")
PIECE = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
NAME_AND_PORT = re.compile(r"[\w.\-*]+:\d+")


@dataclass(slots=True)
class Selection:
    """The boxes that were found, in order, each once, and the patterns of none."""

    names: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)


def split_pattern(text: str) -> list[str]:
    """Return the single patterns of one that holds several."""
    if "," in text:
        parts = [part.strip() for part in text.split(",")]
        # A comma parts anything, a colon only what has none and is no expression.
        return [one for part in parts if part for one in _by_colons(part, listed=True)]
    return _by_colons(text)


def _by_colons(text: str, *, listed: bool = False) -> list[str]:
    text = text.strip()
    name = text.lstrip("!&")
    if text.startswith("@") or is_address(name) or _is_ipv6(name):
        return [text]
    if listed and name.startswith("~"):
        return [text]
    if NAME_AND_PORT.fullmatch(text):
        return [text]
    if set("[]") & set(PIECE.sub("", text)):
        raise UsageError(
            "a bracket has no other half",
            where=f'pattern "{text}"',
            next_step="GROUP[0], GROUP[1:3] and box[abc] have both",
        )
    return PIECE.findall(text)


def _is_ipv6(name: str) -> bool:
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return False
    return True


def select(groups: Groups, patterns: Iterable[str]) -> Selection:
    """Return the boxes that the patterns together mean.

    What is wanted comes first, then ``&`` parts, then ``!`` parts, in whatever order
    they are written.
    """
    patterns = [pattern for pattern in patterns if pattern]
    wanted = [each for each in patterns if each[0] not in "&!"] or ["all"]
    both = [each for each in patterns if each[0] == "&"]
    without = [each for each in patterns if each[0] == "!"]
    selection = Selection()
    found: dict[str, None] = {}
    for pattern in wanted:
        found.update(dict.fromkeys(_matches(groups, pattern, selection)))
    for pattern in both:
        kept = set(_matches(groups, pattern[1:], selection))
        found = {name: None for name in found if name in kept}
    for pattern in without:
        for name in _matches(groups, pattern[1:], selection):
            found.pop(name, None)
    selection.names = list(found)
    return selection


def _matches(groups: Groups, pattern: str, selection: Selection) -> list[str]:
    if pattern in groups.boxes:
        return [pattern]
    whole, place = pattern, None
    if not pattern.startswith("~"):
        place = PLACE.match(pattern)
        if place:
            pattern = place[1]
    found = _named(groups, pattern)
    if found and place:
        found = _placed(found, place)
    if not found:
        selection.unmatched.append(whole)
    return found


def _named(groups: Groups, pattern: str) -> list[str]:
    matcher = _matcher(pattern)
    found: dict[str, None] = {}
    matched = [name for name in groups.by_name if matcher.match(name)]
    for name in matched:
        found.update(dict.fromkeys(groups.members(name)))
    if not matched or pattern.startswith("~") or GLOB.search(pattern):
        named = (box for box in groups.boxes if box not in groups.apart)
        found.update(dict.fromkeys(box for box in named if matcher.match(box)))
    return list(found)


def _matcher(pattern: str) -> re.Pattern[str]:
    if not pattern.startswith("~"):
        return re.compile(fnmatch.translate(pattern))
    try:
        return re.compile(pattern[1:])
    except re.error as error:
        raise UsageError(
            f'"{pattern[1:]}" is no regular expression',
            where=f'pattern "{pattern}"',
            why=str(error),
        ) from error


def _placed(found: list[str], place: re.Match[str]) -> list[str]:
    _, index, first, _separator, last = place.groups()
    if index is not None:
        return found[int(index) :][:1] if -len(found) <= int(index) else []
    return found[int(first) : int(last) + 1 if last else None]
