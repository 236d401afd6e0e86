"""Bytes above 7F in the keys of an index: which kmod can read, and which do harm.

kmod's reader takes the bytes that a node branches at for signed, or for 127 at most: a
branch at a higher one hides all keys of that node.  Within a prefix it does no harm.

Source: tried with the modprobe of kmod 30 and 34, tests/against_kmod/test_high_bytes.
"""

from modferry_agent.compat import raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable  # noqa: F401  # novermin

_ASCII = bytes(bytearray(range(128)))


def are_in(octets):
    # type: (bytes) -> bool
    """Say whether there is a byte above 7F."""
    return bool(octets.translate(None, _ASCII))


def harmful_keys(keys):
    # type: (Iterable[str]) -> set[str]
    """Return the keys to leave out, so that no node branches at a byte above 7F."""
    keys = list(keys)
    if not are_in(raw("".join(keys))):
        return set()
    left = set(keys)
    for key in sorted(left):
        if are_in(raw(key)) and _branches_high(key, left):
            left.remove(key)
    return set(keys) - left


def _branches_high(key, keys):
    # type: (str, Iterable[str]) -> bool
    # The root has no prefix, so that it branches at the first byte of each key.
    places = [place for place, letter in enumerate(key) if letter > "\x7f"]
    if places[0] == 0:
        return True
    for place in places:
        start = key[:place]
        for other in keys:
            if other.startswith(start) and other[place : place + 1] != key[place]:
                return True
    return False
