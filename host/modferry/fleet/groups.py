"""Groups of boxes: who is in which, and in which order; pure.

A group has boxes and groups of its own.  ``all`` holds every box, ``ungrouped`` those
in no other group.  The order is Ansible's: a group's own boxes, then those of its
groups, level by level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modferry.errors import UsageError

ALL, UNGROUPED = "all", "ungrouped"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value, and the ``file:line`` that says it."""

    value: object
    where: str


Variables = Mapping[str, Variable]


@dataclass(slots=True)
class Group:
    """One group; boxes and children by name, in the order of the files.

    variables: what the inventory says.  beside: what ``group_vars`` says, which wins
        over what the inventory says of any group.
    priority: of two groups as far from ``all``, the higher one's variables win.
    """

    name: str
    boxes: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    beside: dict[str, Variable] = field(default_factory=dict)
    priority: int = 1


class Groups:
    """All groups of an inventory, and the variables of its boxes.

    apart: boxes that only their own name means: not ``all``, no group, no glob.
    """

    def __init__(self) -> None:
        """Begin with ``all`` and ``ungrouped``, both empty."""
        self.by_name: dict[str, Group] = {}
        self.boxes: dict[str, dict[str, Variable]] = {}
        self.where: dict[str, str] = {}
        self.apart: set[str] = set()
        self._depths: dict[str, int] = {}
        for name in (ALL, UNGROUPED):
            self.add(name)
        self.nest(ALL, UNGROUPED, "")

    def add(self, name: str) -> Group:
        """Return the group of that name, made if there is none yet."""
        return self.by_name.setdefault(name, Group(name))

    def nest(self, parent: str, child: str, where: str) -> None:
        """Make a group part of another; raise UsageError for a circle."""
        self.add(child)
        if parent == child or parent in self._descendants(child):
            raise UsageError(
                f'the group "{child}" would be part of itself',
                where=where,
                why=f'"{parent}" is already in it',
            )
        self.by_name[parent].children[child] = None
        self.by_name[child].parents[parent] = None

    def put(self, group: str, box: str, where: str) -> dict[str, Variable]:
        """Put a box into a group; return its variables, to be added to."""
        self.by_name[group].boxes[box] = None
        self.where.setdefault(box, where)
        return self.boxes.setdefault(box, {})

    def finish(self) -> None:
        """Put what is in no group where Ansible puts it."""
        for group in self.by_name.values():
            if group.name != ALL and not group.parents:
                self.nest(ALL, group.name, "")
        grouped = {
            box
            for group in self.by_name.values()
            if group.name not in (ALL, UNGROUPED)
            for box in group.boxes
        }
        ungrouped = self.by_name[UNGROUPED]
        for box in self.boxes:
            if box in grouped or box in self.apart:
                ungrouped.boxes.pop(box, None)
            else:
                ungrouped.boxes[box] = None

    def put_apart(self, box: str, where: str) -> None:
        """Take note of a box that only its own name means."""
        if box not in self.boxes:
            self.boxes[box] = {}
            self.where[box] = where
            self.apart.add(box)

    def members(self, name: str) -> list[str]:
        """Return the boxes of a group and of its groups, each once."""
        found: dict[str, None] = {}
        for each in (name, *self._descendants(name)):
            found.update(self.by_name[each].boxes)
        return list(found)

    def groups_of(self, box: str) -> list[Group]:
        """Return the groups a box is in, the widest first: later variables win."""
        names: dict[str, None] = {ALL: None}
        names.update(dict.fromkeys(self._ancestors(box)))
        return sorted(
            (self.by_name[name] for name in names),
            key=lambda group: (self._depth(group.name), group.priority, group.name),
        )

    def variables_of(self, box: str) -> dict[str, Variable]:
        """Return all variables of a box, its own over those of its groups."""
        groups = self.groups_of(box)
        found: dict[str, Variable] = {}
        for group in groups:
            found.update(group.variables)
        for group in groups:
            found.update(group.beside)
        found.update(self.boxes[box])
        return found

    def _ancestors(self, box: str) -> Iterable[str]:
        level = [group.name for group in self.by_name.values() if box in group.boxes]
        seen: dict[str, None] = {}
        while level:
            seen.update(dict.fromkeys(level))
            level = [
                parent
                for name in level
                for parent in self.by_name[name].parents
                if parent not in seen
            ]
        return seen

    def _descendants(self, name: str) -> list[str]:
        seen: dict[str, None] = {}
        level = list(self.by_name[name].children)
        while level:
            seen.update(dict.fromkeys(level))
            level = [
                child
                for each in level
                for child in self.by_name[each].children
                if child not in seen
            ]
        return list(seen)

    def _depth(self, name: str) -> int:
        if name not in self._depths:
            parents = self.by_name[name].parents
            self._depths[name] = 1 + max(map(self._depth, parents), default=-1)
        return self._depths[name]
