"""Modules that need each other in a circle: finding and naming the circles.

Source: kmod, tools/depmod.c, depmod_report_cycles.
"""

from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

# kmod follows every path, and on two circles with a module between them without an end.
_MOST_STEPS = 20000
_MOST_CHAINS = 100


def cycle_error(edges, paths):
    # type: (Sequence[Sequence[int]], Sequence[str]) -> FormatError
    """Return the error that names the circles: details ``chains`` and ``modules``."""
    found = chains(edges)
    looped = set()  # type: set[int]
    for chain in found:
        looped.update(chain)
    texts = [[paths[index] for index in chain] for chain in found]
    return FormatError(
        "%d modules need each other in a cycle" % len(looped),
        where=" -> ".join(texts[0]) if texts else "",
        hint="one of them must not import from the next; the old indexes are kept",
        code="dependency-cycle",
        chains=texts,
        modules=len(looped),
    )


def chains(edges):
    # type: (Sequence[Sequence[int]]) -> list[list[int]]
    """Return the circles, each from a module back to itself, in kmod's order."""
    used_by = [[] for _found in edges]  # type: list[list[int]]
    for index, found in enumerate(edges):
        for owner in found:
            used_by[owner].append(index)
    all_chains = []  # type: list[list[int]]
    # The next root is the one behind the last that was taken out, as in a ring.
    roots = [index for index, users in enumerate(used_by) if users]
    while roots:
        root = roots[0]
        circle = _reached(edges, root) & _reached(used_by, root)
        if root in circle:
            for chain in _chains_through(root, edges, circle):
                all_chains.append(chain)
                for index in chain[:-1]:
                    roots = _without(roots, index)
        roots = _without(roots, root)
    return all_chains


def _without(ring, index):
    # type: (list[int], int) -> list[int]
    if index not in ring:
        return ring
    place = ring.index(index)
    return ring[place + 1 :] + ring[:place]


def _reached(edges, root):
    # type: (Sequence[Sequence[int]], int) -> set[int]
    seen = set()  # type: set[int]
    waiting = [root]
    while waiting:
        for index in edges[waiting.pop()]:
            if index not in seen:
                seen.add(index)
                waiting.append(index)
    return seen


def _chains_through(root, edges, circle):
    # type: (int, Sequence[Sequence[int]], set[int]) -> list[list[int]]
    found = []  # type: list[list[int]]
    steps = 0
    waiting = [[root]]
    while waiting and steps < _MOST_STEPS and len(found) < _MOST_CHAINS:
        steps += 1
        path = waiting.pop()
        if len(path) > 1 and path[-1] == root:
            found.append(path)
            continue
        for index in edges[path[-1]]:
            if index == root or (index in circle and index not in path):
                waiting.append(path + [index])
    return found
