"""Which of the files with one module name depmod takes.

Source: kmod, tools/depmod.c, depmod_module_is_higher_priority; depmod.d(5).
"""

from modferry_agent.core import names
from modferry_agent.core.depmodconfig import BUILT_IN, EXTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin
    from modferry_agent.core.depmodconfig import Config  # noqa: F401


def chosen_paths(paths, config):
    # type: (Iterable[str], Config) -> tuple[list[str], list[tuple[str, str]]]
    """Return one path a module name, and ``(loser, winner)`` of the others.

    paths: relative to the tree, absolute where they are outside; in the order in which
        they were met, which decides where no word of ``search`` does
    """
    by_name = {}  # type: dict[str, str]
    lost = []
    for path in paths:
        name = names.module_name(path)
        old = by_name.get(name)
        if old is None:
            by_name[name] = path
        elif replaces(path, old, name, config):
            by_name[name] = path
            lost.append((old, name))
        else:
            lost.append((path, name))
    return list(by_name.values()), [(path, by_name[name]) for path, name in lost]


def replaces(new, old, name, config):
    # type: (str, str, str, Config) -> bool
    """Say whether the file met later takes the place of the one met before."""
    new_start = _overridden_path(new, name)
    old_start = _overridden_path(old, name)
    for override in reversed(config.overrides):
        if override == new_start:
            return True
        if override == old_start:
            return False
    rank = 0
    built_in = new_rank = old_rank = -1
    for word in reversed(config.searches):
        if word == BUILT_IN:
            built_in = rank
        elif word == EXTERNAL:
            for directory in reversed(config.externals):
                if _is_below(new, directory):
                    new_rank = rank
                elif _is_below(old, directory):
                    old_rank = rank
                rank += 1
        # A quirk of kmod that users' trees rest on: of two files below one word only
        # the new one is ranked, so that it wins.
        elif _is_below(new, word):
            new_rank = rank
        elif _is_below(old, word):
            old_rank = rank
        rank += 1
    if new_rank < 0:
        new_rank = built_in
    if old_rank < 0:
        old_rank = built_in
    return new_rank > old_rank


def _is_below(path, directory):
    # type: (str, str) -> bool
    return path.startswith(directory.rstrip("/") + "/")


def _overridden_path(path, name):
    # type: (str, str) -> str
    return path[: path.rfind("/") + 1 + len(name)]
