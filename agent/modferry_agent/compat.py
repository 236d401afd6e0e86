"""What differs between the Pythons from 2.6 to today's; no other file tells them apart.

Strings of kernel files, paths and logs are *native* ``str`` in the agent: on Python 2
the bytes themselves, on Python 3 their latin-1 decoding.  Either way one character is
one byte, ``%`` formatting works (bytes have none in 3.0 to 3.4), and sorting is by
byte.  Paths are handed to ``os`` as bytes, by `raw`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, TypeVar  # noqa: F401  # novermin

    _V = TypeVar("_V")

# The module around this one makes enumerations, at half the price of a start.
try:
    signal = __import__("_signal")  # type: Any
except ImportError:
    signal = __import__("signal")

if sys.version_info >= (3,):

    def native(octets):
        # type: (bytes) -> str
        """Return the bytes as native text, one character a byte."""
        return octets.decode("latin-1")

    def raw(text):
        # type: (str) -> bytes
        """Return the bytes of native text; `native` undone."""
        return text.encode("latin-1")

    def octet(value):
        # type: (int) -> bytes
        """Return the one byte of that value, 0 to 255."""
        return bytes((value,))

    def octets_of(data):
        # type: (bytes) -> bytes
        """Return what yields the bytes as integers when it is iterated or indexed."""
        return data

    def is_text(value):
        # type: (object) -> bool
        """Say whether the value is text that is not bytes."""
        return isinstance(value, str)

    def is_integer(value):
        # type: (object) -> bool
        """Say whether the value is a whole number and no boolean."""
        return isinstance(value, int) and not isinstance(value, bool)

    def binary_stream(stream):
        # type: (object) -> object
        """Return the byte stream below a text stream."""
        return stream.buffer  # type: ignore[attr-defined]

    def argument(text):
        # type: (str) -> str
        """Return a command-line argument as native text."""
        import os

        return native(os.fsencode(text))  # novermin

else:

    def native(octets):
        return str(octets)

    def raw(text):
        if isinstance(text, unicode):  # noqa: F821
            return text.encode("latin-1")
        return text

    def octet(value):
        return chr(value)

    def octets_of(data):
        return bytearray(data)

    def is_text(value):
        return isinstance(value, unicode)  # noqa: F821

    def is_integer(value):
        whole = isinstance(value, (int, long))  # noqa: F821
        return whole and not isinstance(value, bool)

    def binary_stream(stream):
        return stream

    def argument(text):
        return text
