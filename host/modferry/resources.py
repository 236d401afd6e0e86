"""What modferry brings along: the agent's archive and the profiles.

An installed wheel has both beside its Python files; a working tree is read itself, so
that nothing stale can be sent.  What is made of the sources is kept in the user's cache
under the sha256 of all of them: making it takes longer than a box does.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modferry import bundle
from modferry.once import once
from modferry_agent.requests import PARTS, TABLE

HERE = Path(__file__).resolve().parent
_MAKER = Path(bundle.__file__)


@once
def agent_archive() -> bytes:
    """Return the agent's archive."""
    shipped = HERE / "agent.pyz"
    if shipped.is_file():
        return shipped.read_bytes()
    folder = HERE.parent.parent / "agent" / "modferry_agent"
    made = _kept(_digest_of(folder), lambda: {"": bundle.build_agent(folder)})
    return made[""]


@once
def agent_parts() -> dict[str, bytes]:
    """Return the parts of the archive, in the order in which they are needed."""
    roots: dict[str, list[str]] = {part: [] for part in PARTS}
    roots["base"] += ["main", "serve"]
    # The agent imports these by their names.
    roots["files"] += ["jobs.pushed", "jobs.keepcode"]
    for request in TABLE.values():
        roots[request.part].append(request.function.split(":")[0])
    archive = agent_archive()
    digest = sha256(archive + repr(roots).encode() + _MAKER.read_bytes())
    return _kept(digest, lambda: bundle.split_agent(archive, roots))


@once
def part_sha256(part: str) -> str:
    """Return the sha256 of a part in hexadecimal: its name on a box."""
    return sha256(agent_parts()[part])


def _digest_of(folder: Path) -> str:
    digest = hashlib.sha256(_MAKER.read_bytes())
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


# A cache that cannot be read or written is none; a member is its own proof, by CRC.
def _kept(digest: str, make: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "modferry" / "agent"
    path = folder / f"{digest}.zip"
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as kept:
        return {name[1:]: kept.read(name) for name in kept.namelist()}
    made = make()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part") as part:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                for name, content in made.items():
                    archive.writestr(f"-{name}", content)
            part.flush()
            os.link(part.name, path)
    return made


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


def sha256(content: bytes) -> str:
    """Return the sha256 of the content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
