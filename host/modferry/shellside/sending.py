"""A file to a box, by its shell: into a part beside, checked, then renamed."""

from __future__ import annotations

import hashlib
import posixpath

from modferry.errors import ReplyError
from modferry.shellside import scripts
from modferry.shellside.talk import Shell
from modferry.shellside.way import quoted

LIMIT_S = 60.0

RESERVE_BYTES = 65_536
"""What a push must leave free, so that the box goes on living."""


def hash_file(shell: Shell, path: str) -> str | None:
    """Return the sha256 of a file; None if there is no regular one."""
    if shell.tools["sum"] == "sha256sum":
        return shell.sums([path], limit_s=LIMIT_S).get(path)
    content = shell.read_file(path, limit_s=LIMIT_S)
    return None if content is None else hashlib.sha256(content).hexdigest()


def send_file(shell: Shell, path: str, content: bytes, mode: int = 0o644) -> None:
    """Give a file of the box a new content: the old one stays until all has come.

    Raise ReplyError when the box refuses it.
    """
    directory, name = posixpath.split(path)
    part = f"{directory}/.{name}.modferry-part"
    _make_room(shell, directory, len(content))
    try:
        shell.write_file(part, content, limit_s=LIMIT_S, name=path)
        status, said = shell.run(
            f"exec 2>&1\n[ ! -d {quoted(path)} ]||{{ echo Is a directory; exit 1; }}\n"
            f"chmod {mode:o} {quoted(part)}&&sync&&"
            f"mv -f {quoted(part)} {quoted(path)}&&sync",
            limit_s=LIMIT_S,
        )
        if status:
            raise scripts.refused(said, path)
    except ReplyError:
        shell.run(f"rm -f {quoted(part)}", limit_s=LIMIT_S)
        raise


def free_bytes(shell: Shell, directory: str) -> int | None:
    """Return the room on the file system of a directory, or of the nearest above.

    None: the box's tools do not tell.
    """
    text = shell.text(
        f"d={quoted(directory)}\n"
        'while [ ! -d "$d" ]; do d=${d%/*}; [ -n "$d" ]||d=/; done\n'
        'stat -f -c "%a %S" "$d"||df -kP "$d"||df -k "$d"',
        limit_s=LIMIT_S,
    )
    blocks, _, size = text.strip().partition(" ")
    if blocks.isdigit() and size.isdigit():
        return int(blocks) * int(size)
    # A long device has a line of its own without -P.
    words = " ".join(text.split("\n")[1:]).split()
    return int(words[3]) * 1024 if words[3:] and words[3].isdigit() else None


def _make_room(shell: Shell, directory: str, size: int) -> None:
    status, said = shell.run(
        f"exec 2>&1\n[ -d {quoted(directory)} ]||mkdir -p {quoted(directory)}",
        limit_s=LIMIT_S,
    )
    if status:
        raise scripts.refused(said, directory)
    free = free_bytes(shell, directory)
    if free is not None and free < size + RESERVE_BYTES:
        raise ReplyError(
            f"no room: {free} bytes free, {size + RESERVE_BYTES} needed",
            code="disk-full",
            where=directory,
            next_step="free space there, or push to another directory with --to",
        )
