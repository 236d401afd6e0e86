"""Build the agent's archive: a zip file that Python runs, the same bytes every time.

Its bytes are a function of the agent's sources alone: members sorted, stored (so that
no zlib's build matters and a box without zlib can import it), one date, one mode, line
ends of unix, comments and docstrings left out (half of the bytes on a serial line) with
the line numbers kept.  Its sha256 is therefore a name for what it does.

The build of the wheel loads this file by its path: it imports nothing of modferry.
"""

from __future__ import annotations

import ast
import io
import tokenize
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip file can hold."""

MODE = 0o100644

ENTRY_NAME = "__main__.py"

# `python -m package` needs Python 2.7: the archive has an entry of its own.
ENTRY = b"""\
import sys

from modferry_agent.main import main

sys.exit(main())
"""


def build_agent(folder: Path) -> bytes:
    """Return the archive of the package in ``folder``, run by its ``main.main()``."""
    members = {ENTRY_NAME: ENTRY}
    for path in folder.rglob("*.py"):
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        members[name] = without_prose(path.read_text(encoding="utf-8")).encode()
    if len(members) == 1:
        raise FileNotFoundError(f"{folder}: no agent here; is the checkout whole?")
    return _stored_zip(members)


def split_agent(archive: bytes, roots: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """Return the parts of an archive: what a session sends, each when it is needed.

    roots: part -> the Python modules (``jobs.load``) that it is for; each part holds
    them and what they import, less what the parts before it hold.  The first part
    holds the packages and the entry, too, and runs by itself.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    done: set[str] = set()
    parts: dict[str, bytes] = {}
    for part, names in roots.items():
        wanted = {_member(members, f"modferry_agent.{name}") for name in names}
        if not done:
            wanted |= {name for name in members if name.endswith("__init__.py")}
            wanted.add(ENTRY_NAME)
        found = _closure(members, wanted) - done
        done |= found
        parts[part] = _stored_zip({name: members[name] for name in found})
    return parts


def _closure(members: Mapping[str, bytes], wanted: set[str]) -> set[str]:
    found: set[str] = set()
    left = set(wanted)
    while left:
        name = left.pop()
        found.add(name)
        left |= _imports(members, name) - found
    return found


def _imports(members: Mapping[str, bytes], name: str) -> set[str]:
    package = name.removesuffix(".py").removesuffix("/__init__").split("/")
    if not name.endswith("__init__.py"):
        package.pop()
    modules: set[str] = set()
    for node in ast.walk(ast.parse(members[name])):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            modules |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {member for each in modules if (member := _member(members, each))}


def _member(members: Mapping[str, bytes], module: str) -> str:
    path = module.replace(".", "/")
    names = (f"{path}.py", f"{path}/__init__.py")
    return next((name for name in names if name in members), "")


def without_prose(source: str) -> str:
    """Return Python source without comments and docstrings, line for line."""
    lines = source.replace("\r\n", "\n").split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node, clean=False) is not None and first is not None:
                _blank(lines, first.lineno, first.end_lineno or first.lineno)
                # What is only a docstring still needs a body.
                indent = " " * first.col_offset
                if not isinstance(node, ast.Module):
                    lines[first.lineno - 1] = f'{indent}""'
    text = "\n".join(lines)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)


def _blank(lines: list[str], first: int, last: int) -> None:
    for row in range(first - 1, last):
        lines[row] = ""


def _stored_zip(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # unix, whatever built it
            entry.external_attr = MODE << 16
            archive.writestr(entry, members[name])
    return output.getvalue()
