"""All that the index files are made of."""

from modferry_agent.core import names
from modferry_agent.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin
    from modferry_agent.core.module import Module  # noqa: F401

OLDEST_KMOD = 9
NEWEST_KMOD = 34


def kmod_release(like):
    # type: (str | int | None) -> int
    """Return the number of the kmod to be like; RequestError if it is none."""
    if like is None:
        return NEWEST_KMOD
    try:
        kmod = int(like)
    except ValueError:
        kmod = 0
    if kmod < OLDEST_KMOD:
        raise RequestError(
            "not a release of kmod from %d on: %s" % (OLDEST_KMOD, like),
            where="like",
        )
    return kmod


class Contents(object):
    """All that the index files are made of.

    modules: in kmod's order
    dependencies: the modules of each one's line, in the same order
    owners: symbol -> index of the module that owns it
    builtin: text of modules.builtin, or None without one
    builtin_modinfo: bytes of modules.builtin.modinfo, or None without one
    kmod: the release of kmod to be like
    warnings: ``(path, reason)``; what is found wrong while the files are made is added
    warned: names of the files that there was something to warn of
    with_duplicates: warn also of what an index has twice
    """

    def __init__(self, modules, dependencies, owners, kmod=NEWEST_KMOD):
        # type: (Sequence[Module], Sequence[Sequence[Module]], dict[str, int], int) -> None
        """Take the modules; what is built into the kernel is set afterwards."""
        self.modules = modules
        self.dependencies = dependencies
        self.owners = owners
        self.kmod = kmod
        self.builtin = None  # type: str | None
        self.builtin_modinfo = None  # type: bytes | None
        self.warnings = []  # type: list[tuple[str, str]]
        self.warned = set()  # type: set[str]
        self.with_duplicates = False

    def symbols(self):
        # type: () -> list[str]
        """Return the symbols that modules own in the order of kmod's hash table."""
        return names.hash_order(self.owners, names.SYMBOL_BUCKETS)
