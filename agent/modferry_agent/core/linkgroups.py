"""Which names of the module tree are one file, and which name is the file's own.

To kmod each link is a module of its own.  To the kernel it is the file: it registers
the inner name, whatever the path was.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

    # The module, what tells its file from others, whether the name is a symbolic link,
    # the last component of the path without links.
    Member = tuple[Module, tuple[int, int], bool, str]


def tie_links(members):
    # type: (Sequence[Member]) -> None
    """Set ``link_of`` of each module that is another name of another one's file.

    members: in kmod's order; of a file that is met under links only (its own path lies
        outside of the tree, or lost against another file) the best link stands for it
    """
    groups = {}  # type: dict[tuple[int, int], list[Member]]
    for member in members:
        groups.setdefault(member[1], []).append(member)
    for group in groups.values():
        if len(group) > 1:
            own = min(enumerate(group), key=_rank)[1][0]
            for module, _identity, _is_link, _base in group:
                module.link_of = None if module is own else own


def _rank(placed):
    # type: (tuple[int, Member]) -> tuple[bool, bool, bool, int]
    # The file before links to it, then the name that the module itself bears, then
    # that of the file, then the first in order.
    place, (module, _identity, is_link, base) = placed
    inner = (module.inner_name or "").replace("-", "_")
    same_base = module.path[module.path.rfind("/") + 1 :] == base
    return is_link, module.name != inner, not same_base, place
