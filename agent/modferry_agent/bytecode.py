"""The byte code of an archive, beside it: Python compiles what is in one each time.

``ARCHIVE.MAGIC`` holds the SHA-256 of the rest, 32 bytes, and a ZIP file with a .pyc
for each .py.  MAGIC is what this Python's byte code begins with, in hexadecimal.
`jobs.keepcode` writes it.
"""

import binascii
import hashlib
import os
import sys

from modferry_agent.compat import native, raw

DIGEST_BYTES = 32
_DIGITS = 64


def own_archive():
    # type: () -> str
    """Return the archive that the agent was started from."""
    # .../modferry-SHA256.pyz/modferry_agent/__init__.py
    path = os.path.abspath(str(sys.modules["modferry_agent"].__file__))
    return os.path.dirname(os.path.dirname(path))


def digest_in(name):
    # type: (str) -> str
    """Return the sha256 in the name of an archive, a part or their byte code, or ""."""
    digits = name[len("modferry-") :][:_DIGITS]
    end = name[len("modferry-") + _DIGITS :][:4]
    if name.startswith("modferry-") and end in (".pyz", ".zip"):
        return "" if digits.strip("0123456789abcdef") else digits
    return ""


def magic():
    # type: () -> bytes
    """Return what byte code of this Python begins with."""
    try:
        from _frozen_importlib_external import MAGIC_NUMBER  # novermin
    except ImportError:
        import imp

        return imp.get_magic()
    octets = MAGIC_NUMBER  # type: bytes
    return octets


def path_of(archive):
    # type: (str) -> str
    """Return where this Python's byte code of an archive is, if there is any."""
    return "%s.%s" % (archive, native(binascii.hexlify(magic())))


def code_of(archive):
    # type: (str) -> str | None
    """Return that path if the byte code is there, and whole."""
    path = path_of(archive)
    try:
        stream = open(raw(path), "rb")
        try:
            octets = stream.read()
        finally:
            stream.close()
    except EnvironmentError:
        return None
    digest = hashlib.sha256(octets[DIGEST_BYTES:]).digest()
    return path if octets[:DIGEST_BYTES] == digest else None


def use():
    # type: () -> None
    """Import the rest of the own archive from its byte code, if there is any."""
    code = code_of(own_archive())
    if code is not None:
        sys.modules["modferry_agent"].__path__.insert(0, code + "/modferry_agent")
