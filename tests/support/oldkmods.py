"""Models of depmods that are not to be had any more, by what is said of them.

They share nothing with the code under test: a hash table of cells that are freed and
reused, a search by recursion, sets in place of ordered lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Edges = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True)
class Built:
    """A module under one of its names.

    exports: with repetitions, if the file has any; imports: of other modules' symbols.
    """

    name: str
    exports: tuple[str, ...]
    imports: tuple[str, ...]


class FreedKeys:
    """The symbol table of kmod 9 to 17.

    An entry points at its symbol for the value, and at the name within it for the key.
    When a symbol comes again, the old one is freed and only the value is replaced: the
    key then reads what the next symbol of that size, which is allocated in its place,
    is called.  So the entry is found by its name only while the key lies in the symbol
    itself.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, object]] = []
        self.memory: dict[int, tuple[str, str]] = {}
        self.freed: list[int] = []
        self.top = 0

    def allocate(self, symbol: str, owner: str) -> int:
        """Return where a symbol lies: in the room that was freed last, if any."""
        if self.freed:
            place = self.freed.pop()
        else:
            place, self.top = self.top, self.top + 1
        self.memory[place] = (symbol, owner)
        return place

    def add(self, symbol: str, owner: str) -> None:
        """Add a symbol as hash_add did."""
        place = self.allocate(symbol, owner)
        for entry in self.entries:
            if self.memory[entry["key"]][0] == symbol:
                self.freed.append(entry["value"])
                entry["value"] = place
                return
        self.entries.append({"key": place, "value": place})

    def find(self, symbol: str) -> str | None:
        """Return the owner of the symbol, None if no key reads so."""
        for entry in self.entries:
            if self.memory[entry["key"]][0] == symbol:
                return self.memory[entry["value"]][1]
        return None


def found_by_counting(modules: Sequence[Built], symbol: str) -> str | None:
    """Return the owner by the rule: the last of an odd number of exporters, or none."""
    owners = [one.name for one in modules for each in one.exports if each == symbol]
    return owners[-1] if len(owners) % 2 else None


def found_last(modules: Sequence[Built], symbol: str) -> str | None:
    """Return the owner by the rule of kmod 18 and newer: the last exporter."""
    owners = [one.name for one in modules if symbol in one.exports]
    return owners[-1] if owners else None


def closures(modules: Sequence[Built], find) -> dict[str, set[str]]:
    """Return all that each module reaches, where find(modules, symbol) is the owner."""
    direct = {
        one.name: {
            owner
            for symbol in one.imports
            if (owner := find(modules, symbol)) is not None
        }
        for one in modules
    }
    return {name: _below(name, direct, frozenset()) for name in direct}


def _below(name: str, direct: Edges, way: frozenset[str]) -> set[str]:
    found = set(direct[name])
    for owner in direct[name]:
        if owner not in way:
            found |= _below(owner, direct, way | {name})
    return found


def in_circles(reached: Edges) -> set[str]:
    """Return the modules that reach themselves."""
    return {name for name, below in reached.items() if name in below}


def below_circles(reached: Edges) -> set[str]:
    """Return the modules in a circle and all that one reaches."""
    circles = in_circles(reached)
    return circles | {below for name in circles for below in reached[name]}
