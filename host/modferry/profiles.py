"""Read profiles: by name from the user's or modferry's own, or by a path."""

from __future__ import annotations

import os
from pathlib import Path

from modferry import resources
from modferry.core.profile import Profile
from modferry.core.profilekeys import ProfileText, built_profile, parse_profile
from modferry.errors import UsageError, system_words


def config_directory() -> Path:
    """Return the folder of the user's own settings; it need not be there."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "modferry"


def profile_folders() -> list[Path]:
    """Return where profiles are looked for by name, the first wins."""
    return [config_directory() / "profiles", resources.profiles_directory()]


def profile_names() -> list[str]:
    """Return the names of all profiles that can be had by name, sorted."""
    found = {p.stem for folder in profile_folders() for p in folder.glob("*.yaml")}
    return sorted(found)


def read_profile(name: str, *, where: str = "", beside: Path | None = None) -> Profile:
    """Return the profile of that name, or in that file, with what it extends.

    name: a name, or a path: with a "/" or ending in ".yaml".
    where: who asks for it, for messages.  beside: the folder paths are relative to.
    """
    chain: list[ProfileText] = []
    seen: list[Path] = []
    while name:
        path = _path_of(name, where, beside, seen)
        seen.append(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f'the profile "{name}" is not readable',
                where=where,
                why=system_words(error),
            ) from error
        chain.append(parse_profile(text, path.stem, str(path)))
        name, where = chain[-1].extends, chain[-1].extends_where
        beside = path.parent
    return built_profile(chain)


# The user's "bookworm" may extend "bookworm": then modferry's own is meant.
def _path_of(name: str, where: str, beside: Path | None, seen: list[Path]) -> Path:
    if "/" in name or name.endswith(".yaml"):
        candidates = [((beside or Path()) / Path(name).expanduser()).resolve()]
    else:
        paths = [folder / f"{name}.yaml" for folder in profile_folders()]
        candidates = [path.resolve() for path in paths if path.is_file()]
    for path in candidates:
        if path not in seen:
            return path
    if candidates:
        raise UsageError(
            f'the profile "{name}" extends itself',
            where=where,
            why=" -> ".join(path.stem for path in (*seen, candidates[0])),
        )
    raise UsageError(
        f'no profile "{name}"',
        where=where,
        why="known: " + ", ".join(profile_names()),
        next_step="name one of these, or the path of a .yaml file",
    )
