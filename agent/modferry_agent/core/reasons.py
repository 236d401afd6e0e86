"""Reasons: what is wrong, as a sentence, and by a code for who has other words for it.

A reason is plain text to the host; the depmod tool says by its code what kmod says.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin


class Reason(str):
    """A sentence; ``code`` says of what kind it is, ``values`` its particulars."""

    code = ""
    values = {}  # type: dict[str, Any]


def reason(text, code, **values):
    # type: (str, str, **Any) -> Reason
    """Return a sentence with its code."""
    made = Reason(text)
    made.code = code
    made.values = values
    return made
