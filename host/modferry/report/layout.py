"""Places for a graph in columns: who needs on the left, what is needed on the right.

The steps are Sugiyama's: columns by the longest way, stand-ins where an edge passes a
column, a few sweeps that put each box near the middle of its neighbours.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12

Key = Hashable
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is, in columns and rows; a row may be a fraction.

    nodes: name -> (column, row).  edges: pair -> the points it passes, both ends too.
    columns, rows: how many there are.
    """

    nodes: Mapping[str, tuple[int, float]]
    edges: Mapping[Pair, Sequence[tuple[int, float]]]
    columns: int
    rows: float


def placed(names: Sequence[str], pairs: Iterable[Pair]) -> Places:
    """Return places for the names; pairs: (user, owner), cycles allowed."""
    known = set(names)
    wanted = [(a, b) for a, b in dict.fromkeys(pairs) if {a, b} <= known and a != b]
    column = _columns(names, wanted)
    chains = {pair: _chain(pair, column) for pair in wanted}
    grid = _grid(names, column, chains)
    _sort(grid, chains)
    rows = _rows(grid, chains)
    return Places(
        {name: (column[name], rows[name]) for name in names},
        {
            pair: [(_column_of(key, column), rows[key]) for key in chain]
            for pair, chain in chains.items()
        },
        len(grid),
        max(rows.values(), default=0.0) + 1,
    )


def _columns(names: Sequence[str], pairs: Sequence[Pair]) -> dict[str, int]:
    owners: dict[str, list[str]] = {name: [] for name in names}
    for user, owner in pairs:
        owners[user].append(owner)
    height: dict[str, int] = {}
    for start in names:
        # Depth first without recursion; an edge back into the way counts for nothing.
        way: list[tuple[str, list[str]]] = [(start, list(owners[start]))]
        while way:
            name, left = way[-1]
            if name in height:
                way.pop()
            elif left:
                below = left.pop()
                if below not in height and below not in [one for one, _ in way]:
                    way.append((below, list(owners[below])))
            else:
                known = [height[one] for one in owners[name] if one in height]
                height[name] = max(known, default=-1) + 1
                way.pop()
    most = max(height.values(), default=0)
    return {name: most - height[name] for name in names}


def _chain(pair: Pair, column: Mapping[str, int]) -> list[Key]:
    first, last = column[pair[0]], column[pair[1]]
    step = 1 if first < last else -1
    between = range(first + step, last, step) if first != last else ()
    return [pair[0], *((pair, at) for at in between), pair[1]]


def _column_of(key: Key, column: Mapping[str, int]) -> int:
    return key[1] if isinstance(key, tuple) else column[str(key)]


def _grid(
    names: Sequence[str], column: Mapping[str, int], chains: Mapping[Pair, list[Key]]
) -> list[list[Key]]:
    grid: list[list[Key]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in names:
        grid[column[name]].append(name)
    for chain in chains.values():
        for key in chain[1:-1]:
            grid[_column_of(key, column)].append(key)
    return grid


def _neighbours(chains: Mapping[Pair, list[Key]]) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = {}
    for chain in chains.values():
        for one, other in pairwise(chain):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return found


def _sort(grid: list[list[Key]], chains: Mapping[Pair, list[Key]]) -> None:
    near = _neighbours(chains)
    for sweep in range(SWEEPS):
        order = range(len(grid)) if sweep % 2 else range(len(grid) - 1, -1, -1)
        for at in order:
            beside = at - 1 if sweep % 2 else at + 1
            if not 0 <= beside < len(grid):
                continue
            place = {key: row for row, key in enumerate(grid[beside])}
            here = {key: row for row, key in enumerate(grid[at])}
            weight = {
                key: _mean([place[one] for one in near.get(key, ()) if one in place])
                for key in grid[at]
            }
            scale = len(grid[beside]) / max(1, len(grid[at]))
            grid[at].sort(
                key=lambda key: (
                    weight[key] if weight[key] is not None else here[key] * scale,
                    here[key],
                )
            )


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


# What an edge passes needs less room than a box.
def _room(key: Key) -> float:
    return 0.5 if isinstance(key, tuple) else 1.0


def _rows(
    grid: Sequence[Sequence[Key]], chains: Mapping[Pair, list[Key]]
) -> dict[Key, float]:
    near = _neighbours(chains)
    rows: dict[Key, float] = {}
    for keys in grid:
        top = 0.0
        for key in keys:
            rows[key] = top
            top += _room(key)
    for _ in range(SWEEPS):
        for keys in (*grid, *reversed(grid)):
            wanted = [_mean([rows[one] for one in near.get(key, ())]) for key in keys]
            _settle(keys, wanted, rows)
    least = min(rows.values(), default=0.0)
    return {key: row - least for key, row in rows.items()}


# Each box as near to its wish as the ones above and below it let it.
def _settle(
    keys: Sequence[Key], wanted: Sequence[float | None], rows: dict[Key, float]
) -> None:
    wishes = [
        rows[key] if wish is None else wish
        for key, wish in zip(keys, wanted, strict=True)
    ]
    down, up = list(wishes), list(wishes)
    for at in range(1, len(keys)):
        down[at] = max(wishes[at], down[at - 1] + _gap(keys, at))
    for at in range(len(keys) - 2, -1, -1):
        up[at] = min(wishes[at], up[at + 1] - _gap(keys, at + 1))
    for at, key in enumerate(keys):
        rows[key] = (down[at] + up[at]) / 2


def _gap(keys: Sequence[Key], at: int) -> float:
    return (_room(keys[at - 1]) + _room(keys[at])) / 2
