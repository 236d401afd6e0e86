"""Which lines of a text come and go: the indexes have each line once, in any order."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

MOST_LINES = 200


def difference(old, new, most=MOST_LINES):
    # type: (str, str, int) -> dict[str, Any]
    """Return removed and added: the lines that only one of the texts has, in its order.

    most: of each at most so many; more: how many were left out
    """
    before, after = old.splitlines(), new.splitlines()
    has, will_have = set(before), set(after)
    removed = [line for line in before if line not in will_have]
    added = [line for line in after if line not in has]
    more = max(len(removed) - most, 0) + max(len(added) - most, 0)
    return {"removed": removed[:most], "added": added[:most], "more": more}
