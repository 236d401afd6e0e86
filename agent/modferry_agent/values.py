"""Plain values as bytes: bencode, with null, truth and text added.

::

    n                  None
    t  f               True, False
    i-42e              a whole number
    5:bytes            bytes; text is sent as its bytes too
    l ... e            a list
    d key value ... e  a dictionary: keys are byte strings, in sorted order

Why not json: Squeeze's and Wheezy's python-minimal lack it, and it carries no bytes.

Source: BitTorrent BEP 3 for the numbers, strings, lists and dictionaries.
"""

from modferry_agent.compat import TYPE_CHECKING, is_integer, is_text, native, raw
from modferry_agent.errors import FormatError

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

DEPTH_LIMIT = 32


def encode_value(value):
    # type: (Any) -> bytes
    """Return the bytes of a plain value.

    Text is sent as the bytes of its native form. TypeError for anything else.
    """
    pieces = []  # type: list[bytes]
    _encode(value, pieces)
    return b"".join(pieces)


def _encode(value, pieces):
    # type: (Any, list[bytes]) -> None
    if is_text(value):
        value = raw(value)
    if value is None:
        pieces.append(b"n")
    elif value is True:
        pieces.append(b"t")
    elif value is False:
        pieces.append(b"f")
    elif isinstance(value, bytes):
        pieces.append(raw("%d:" % len(value)))
        pieces.append(value)
    elif is_integer(value):
        pieces.append(raw("i%de" % value))
    elif isinstance(value, (list, tuple)):
        pieces.append(b"l")
        for item in value:
            _encode(item, pieces)
        pieces.append(b"e")
    elif isinstance(value, dict):
        pieces.append(b"d")
        for key in sorted(value):
            _encode(key if isinstance(key, bytes) else raw(key), pieces)
            _encode(value[key], pieces)
        pieces.append(b"e")
    else:
        raise TypeError("no plain value: %r" % (value,))


def decode_value(octets):
    # type: (bytes) -> Any
    """Return the value that the bytes hold; dictionary keys are native text.

    FormatError if they are not exactly one well-formed value.
    """
    try:
        value, end = _decode(octets, 0, 0)
    except (IndexError, ValueError):
        raise FormatError("malformed value on the wire", code="bad-value")
    if end != len(octets):
        raise FormatError("bytes left behind a value on the wire", code="bad-value")
    return value


def _decode(octets, at, depth):
    # type: (bytes, int, int) -> tuple[Any, int]
    if depth > DEPTH_LIMIT:
        raise ValueError("nested too deeply")
    kind = octets[at : at + 1]
    if kind == b"n":
        return None, at + 1
    if kind == b"t":
        return True, at + 1
    if kind == b"f":
        return False, at + 1
    if kind == b"i":
        end = octets.index(b"e", at)
        return int(octets[at + 1 : end]), end + 1
    if kind == b"l":
        items = []
        at += 1
        while octets[at : at + 1] != b"e":
            item, at = _decode(octets, at, depth + 1)
            items.append(item)
        return items, at + 1
    if kind == b"d":
        table = {}
        at += 1
        while octets[at : at + 1] != b"e":
            key, at = _decode(octets, at, depth + 1)
            if not isinstance(key, bytes):
                raise ValueError("a key that is no string")
            table[native(key)], at = _decode(octets, at, depth + 1)
        return table, at + 1
    colon = octets.index(b":", at)
    if not octets[at:colon].isdigit():
        raise ValueError("no length")
    end = colon + 1 + int(octets[at:colon])
    if end > len(octets):
        raise ValueError("cut string")
    return octets[colon + 1 : end], end
