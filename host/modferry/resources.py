"""What modferry brings along: the agent's archive and the profiles.

An installed wheel has both beside its Python files; a working tree is read itself, so
that nothing stale can be sent.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

from modferry import bundle
from modferry_agent.requests import PARTS, TABLE

HERE = Path(__file__).resolve().parent


@cache
def agent_archive() -> bytes:
    """Return the agent's archive."""
    shipped = HERE / "agent.pyz"
    if shipped.is_file():
        return shipped.read_bytes()
    return bundle.build_agent(HERE.parent.parent / "agent" / "modferry_agent")


@cache
def agent_parts() -> dict[str, bytes]:
    """Return the parts of the archive, in the order in which they are needed."""
    roots: dict[str, list[str]] = {part: [] for part in PARTS}
    roots["base"] += ["main", "serve"]
    for request in TABLE.values():
        roots[request.part].append(request.function.split(":")[0])
    return bundle.split_agent(agent_archive(), roots)


@cache
def part_sha256(part: str) -> str:
    """Return the sha256 of a part in hexadecimal: its name on a box."""
    return sha256(agent_parts()[part])


def parts_for(request: str) -> list[str]:
    """Return the parts beside the base that a request needs."""
    return list(PARTS[1 : PARTS.index(TABLE[request].part) + 1])


def profiles_directory() -> Path:
    """Return the folder of the profiles that modferry brings along."""
    shipped = HERE / "profiles"
    return shipped if shipped.is_dir() else HERE.parent.parent / "profiles"


def profile_names() -> list[str]:
    """Return the names of the profiles that modferry brings along, sorted."""
    return sorted(path.stem for path in profiles_directory().glob("*.yaml"))


def agent_sources(names: tuple[str, ...]) -> dict[str, str]:
    """Return the source text of Python modules of the agent, by name."""
    texts = {}
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        for name in names:
            member = f"modferry_agent/{name.replace('.', '/')}.py"
            texts[name] = archive.read(member).decode("utf-8")
    return texts


def sha256(content: bytes) -> str:
    """Return the sha256 of the content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
