"""Files of host keys (known_hosts): what they say about a server's key.

A line: ``[marker] names type base64 [comment]``.  Names are patterns with ``*``, ``?``
and ``!``, comma-separated, or one hashed name ``|1|salt|HMAC-SHA1``; a port other than
22 is written ``[name]:port``.

Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

REVOKED, AUTHORITY = "@revoked", "@cert-authority"
DEFAULT_PORT = 22

Standing = Literal["known", "unknown", "changed", "revoked"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of host keys."""

    names: str
    algorithm: str
    key: bytes
    marker: str
    where: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the files say about a key.

    where: ``file:line`` that says so; empty for an unknown key.
    algorithm: of the key in that line.
    """

    standing: Standing
    where: str = ""
    algorithm: str = ""


def parse_known_hosts(text: str, filename: str) -> Iterator[Line]:
    """Yield the lines that hold a key; others are passed over, as ssh does."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):  # noqa: PLR2004 - names type key
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        yield Line(words[0], words[1], key, marker, f"{filename}:{number}")


def read_known_hosts(files: Iterable[str], name: str) -> list[Line]:
    """Return the lines of all the files that mean a server of that name.

    A file that is missing has none.  One that has not changed is not read again.
    """
    found: list[Line] = []
    for file in files:
        try:
            status = os.stat(file)  # noqa: PTH116 - it is done for each box
        except OSError:
            continue
        state = (status.st_ino, status.st_size, status.st_mtime_ns)
        with _READ_LOCK:
            if file not in _READ or _READ[file].state != state:
                _READ[file] = _File.read(file, state)
            known = _READ[file]
        found += known.lines_of(name)
    return found


@dataclass(frozen=True, slots=True)
class _File:
    # A file as it was read: a thousand boxes must not look through a thousand lines.
    state: tuple[int, int, int]
    by_name: dict[str, list[tuple[int, Line]]]
    patterns: list[tuple[int, Line]]

    @classmethod
    def read(cls, file: str, state: tuple[int, int, int]) -> _File:
        by_name: dict[str, list[tuple[int, Line]]] = {}
        patterns: list[tuple[int, Line]] = []
        try:
            text = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            text = ""
        for number, line in enumerate(parse_known_hosts(text, file)):
            if line.names.startswith("|") or set(line.names) & set("*?!"):
                patterns.append((number, line))
                continue
            for name in line.names.lower().split(","):
                by_name.setdefault(name, []).append((number, line))
        return cls(state, by_name, patterns)

    def lines_of(self, name: str) -> list[Line]:
        fitting = [each for each in self.patterns if names_match(each[1].names, name)]
        numbered = {*fitting, *self.by_name.get(name, ())}
        return [line for _, line in sorted(numbered, key=lambda each: each[0])]


_READ: dict[str, _File] = {}
_READ_LOCK = Lock()


def name_of(host: str, port: int) -> str:
    """Return the name a server has in the files."""
    host = host.lower()
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def names_match(names: str, name: str) -> bool:
    """Say whether a line's names mean this server; a ``!`` pattern that does, wins."""
    if names.startswith("|"):
        return _hash_matches(names, name)
    matched = False
    for pattern in names.lower().split(","):
        wanted = pattern.removeprefix("!")
        if _fits(wanted, name):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


def _fits(pattern: str, name: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        # Each box has a line of its own: a pattern compiled for each costs more than
        # all else that is looked up.
        return pattern == name
    # "[" is part of "[name]:port", no set of characters.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash_matches(names: str, name: str) -> bool:
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":  # noqa: PLR2004 - "" 1 salt hash
        return False
    try:
        salt, expected = (base64.b64decode(part) for part in parts[2:])
    except binascii.Error:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), expected)


def verdict(lines: Iterable[Line], name: str, algorithm: str, key: bytes) -> Verdict:
    """Return what the lines say about the key a server of that name showed.

    A server known by keys of other types only has changed, too: who could make us
    take another type could otherwise show a key of their own.
    """
    ours = [
        line
        for line in lines
        if line.marker != AUTHORITY and names_match(line.names, name)
    ]
    for line in ours:
        if line.marker == REVOKED and line.key == key:
            return Verdict("revoked", line.where, line.algorithm)
    ours = [line for line in ours if not line.marker]
    for line in ours:
        if line.key == key:
            return Verdict("known", line.where, line.algorithm)
    ours.sort(key=lambda line: line.algorithm != algorithm)
    if ours:
        return Verdict("changed", ours[0].where, ours[0].algorithm)
    return Verdict("unknown")


def known_algorithms(lines: Iterable[Line], name: str) -> list[str]:
    """Return the types of the keys known of a server: those to ask it for first."""
    return [
        line.algorithm
        for line in lines
        if not line.marker and names_match(line.names, name)
    ]


def fingerprint(key: bytes) -> str:
    """Return the key's fingerprint as ``ssh-keygen -l`` shows it today."""
    digest = hashlib.sha256(key).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def old_fingerprint(key: bytes) -> str:
    """Return the key's fingerprint as ``ssh-keygen -l`` shows it before OpenSSH 6.8."""
    return hashlib.md5(key, usedforsecurity=False).digest().hex(":")


def new_line(name: str, algorithm: str, key: bytes, *, hashed: bool) -> str:
    """Return the line that makes a key known."""
    if hashed:
        salt = os.urandom(hashlib.sha1(usedforsecurity=False).digest_size)
        digest = hmac.digest(salt, name.encode(), "sha1")
        parts = (base64.b64encode(part).decode() for part in (salt, digest))
        name = "|1|" + "|".join(parts)
    return f"{name} {algorithm} {base64.b64encode(key).decode()}\n"


def write_line(path: str, line: str) -> None:
    """Add the line to a file, which is made if it is missing; the rest stays.

    Raise OSError when it cannot be written.
    """
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END) if file.seekable() else 0
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            line = "\n" + line
        file.write(line.encode())
