"""What is said to the shell of a box, and what its words mean; pure text.

Only what POSIX has, and of the options what every busybox has had; optional tools are
looked for once, by trying them.
"""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterable, Iterator

from modferry.errors import ReplyError

PORTION_PATHS = 200
PORTION_CHARACTERS = 16_000
"""A command line of Linux before 2.6.23 had 128 KiB."""

PREPARE = r"""
try() { eval "$2" >/dev/null 2>&1 </dev/null && echo "$1=$3"; }
for s in sha256sum sha1sum md5sum; do
    if $s </dev/null >/dev/null 2>&1; then echo "sum=$s"; break; fi
done
try head '[ "$(echo abcd|head -c 2)" = ab ]' 1
try gzip '[ "$(echo ab|gzip -1c|gzip -dc)" = ab ]' 1
try stat '[ "$(stat -c %f /dev/null)" ]' 1
try plus 'find /dev/null -exec stat -c %f {} +' 1
try flock '(exec 9</;flock -s -n 9)' 1
"""

ENTER = (
    "PATH=$PATH:/sbin:/usr/sbin:/bin:/usr/bin;LC_ALL=C;export PATH LC_ALL;umask 022;"
    "unset CDPATH ENV;cd /"
)

LIST_FORMAT = "%f %d %i %s %Y %n"
"""Of ``stat -c``: mode in hexadecimal, device, inode, size, time, name."""


def portions(paths: Iterable[str]) -> Iterator[list[str]]:
    """Yield the paths in lists that fit on a command line."""
    some: list[str] = []
    length = 0
    for path in paths:
        if some and (
            len(some) == PORTION_PATHS or length + len(path) > PORTION_CHARACTERS
        ):
            yield some
            some, length = [], 0
        some.append(path)
        length += len(path) + 3
    if some:
        yield some


def octal(octets: bytes) -> str:
    """Return bytes as the quoted format of a ``printf``."""
    return "'" + "".join(f"\\{octet:03o}" for octet in octets) + "'"


IN_THE_WAY = "a file is where a directory should be: name another directory"
ERRNOS = {
    errno.ENOSPC: ("disk-full", "free space there; what was there is untouched"),
    errno.EDQUOT: ("disk-full", "raise the quota; what was there is untouched"),
    errno.EROFS: ("read-only", "mount it writable: mount -o remount,rw"),
    errno.EACCES: ("not-permitted", "log in as root, or set become in the profile"),
    errno.EPERM: ("not-permitted", "log in as root, or set become in the profile"),
    errno.ENOENT: ("no-such-directory", "make the directory, or name another"),
    errno.EEXIST: ("file-error", IN_THE_WAY),
    errno.ENOTDIR: ("file-error", IN_THE_WAY),
    errno.EISDIR: ("file-error", "a directory has that name: name another"),
}


def refused(said: bytes, path: str) -> ReplyError:
    """Return the error for a command that failed with these words about a path."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    words = lines[-1] if lines else "no reason was given"
    for number, (code, hint) in ERRNOS.items():
        if os.strerror(number).lower() in words.lower():
            return ReplyError(
                os.strerror(number)[:1].lower() + os.strerror(number)[1:],
                code=code,
                where=path,
                why=words,
                next_step=hint,
                details={"errno": number},
            )
    return ReplyError(
        "the box refused", code="file-error", where=path, why=words,
        next_step="see what the box's kernel logs: modferry klog",
    )  # fmt: skip


def words_of(paths: Iterable[str]) -> str:
    """Return paths as words of a command line."""
    return " ".join(map(shlex.quote, paths))


def sums(tool: str, paths: list[str]) -> str:
    """Return the script that prints the sums of the regular files among the paths."""
    return (
        f"set -- {words_of(paths)}\n"
        'for f; do shift;[ -f "$f" ]&&set -- "$@" "$f"; done\n'
        f'[ $# = 0 ]||{tool} "$@"'
    )


def parse_sums(text: str, paths: Iterable[str]) -> dict[str, str]:
    """Return path -> sum of what `sums` printed.

    Coreutils writes a backslash before the line of a name with a backslash or newline
    in it, and escapes the name; busybox does not.
    """
    by_name = {escaped: path for path in paths for escaped in (path, _escaped(path))}
    found: dict[str, str] = {}
    for line in text.split("\n"):
        digits, _, name = line.lstrip("\\").partition(" ")
        path = by_name.get(name[1:])
        if path is not None:
            found[path] = digits.lower()
    return found


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace("\n", "\\n")
