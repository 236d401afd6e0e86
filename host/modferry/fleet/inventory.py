"""The fleet file: the boxes by name, where they are and of what kind.

::

    boxes:
      saw3:
        address: ssh://root@saw3
        profile: squeeze-rtai
      press:
        address: serial:///dev/ttyUSB0?baud=115200
        profile: wheezy-rtai
        password_file: ~/.secrets/press
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from modferry.core import yamltext
from modferry.core.address import Address, is_address, parse_address
from modferry.core.profile import Profile
from modferry.errors import UsageError
from modferry.profiles import config_directory, read_profile
from modferry.secrets import NOWHERE, Secrets, Source

FILE_NAME = "modferry.yaml"
DEFAULT_PROFILE = "bookworm"

BOX_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "address": "where the box is: a URL",
        "profile": f"what kind of box it is; without it {DEFAULT_PROFILE}",
        "user": "who logs in, unless the address says",
        "password_env": "environment variable that holds the login's password",
        "password_file": "file whose first line is the login's password",
        "become_password_env": "environment variable that holds sudo's or su's",
        "become_password_file": "file whose first line is sudo's or su's",
        "identity_file": "SSH key of the user",
        "known_hosts": "file of host keys in place of ~/.ssh/known_hosts",
        "description": "what the box is, for people",
    }
)
"""Key -> its sentence; every value is a text."""

PATH_KEYS = ("password_file", "become_password_file", "identity_file", "known_hosts")


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it is, what kind it is, and how to log in.

    user: who logs in: the address's, else the fleet file's; empty: not said.
    password, become_password: where the secrets are.
    where: ``file:line`` that names the box, or the URL.
    """

    name: str
    address: Address
    profile: Profile
    user: str = ""
    password: Source = NOWHERE
    become_password: Source = NOWHERE
    description: str = ""
    where: str = ""

    def secrets(self) -> Secrets:
        """Return how to get this box's secrets; a person is asked if one is there."""
        return Secrets.with_prompt(self.password, self.become_password)


@dataclass(frozen=True, slots=True)
class Entry:
    """A box as a fleet file has it: texts, not yet looked at together."""

    name: str
    texts: Mapping[str, str]
    where: str
    lines: Mapping[str, int]
    folder: Path
    file: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The boxes known by name, in the order of the files.

    files: those that were read.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def names(self) -> list[str]:
        """Return the names of the boxes, in the order of the files."""
        return list(self.entries)

    def resolve(self, text: str, *, profile: str = "") -> Box:
        """Return the box of that name, or at that URL.

        profile: the name of a profile in place of the fleet file's or URL's.
        """
        entry = self.entries.get(text)
        if entry is not None:
            return _box(entry, profile)
        if is_address(text):
            return _box(Entry(text, {"address": text}, text, {}, Path(), ""), profile)
        files = ", ".join(map(str, self.files)) or f"no {FILE_NAME} here"
        raise UsageError(
            f'no box "{text}"',
            where=files,
            why="known: " + (", ".join(self.names()) or "none"),
            next_step=f"name one of these, or a URL, or write it into {FILE_NAME}",
        )


# Everything is relative to the fleet file that says it.
def _box(entry: Entry, profile_name: str) -> Box:
    texts = dict(entry.texts)
    for key in PATH_KEYS:
        if texts.get(key):
            texts[key] = str(entry.folder / Path(texts[key]).expanduser())
    try:
        address = parse_address(texts["address"])
    except UsageError as error:
        error.where = _line(entry, "address") or error.where
        raise
    address = replace(address, user=address.user or texts.get("user", ""))
    if address.scheme == "ssh":
        address = address.with_options(
            **{
                option: texts[key]
                for option, key in (
                    ("identity", "identity_file"),
                    ("known_hosts", "known_hosts"),
                )
                if key in texts
            }
        )
    asked_by = "--profile" if profile_name else _line(entry, "profile") or entry.where
    named = profile_name or address.options.get("profile") or texts.get("profile")
    profile = read_profile(
        named or DEFAULT_PROFILE, where=asked_by, beside=entry.folder
    )
    return Box(
        name=entry.name,
        address=address,
        profile=profile,
        user=address.user,
        password=Source(texts.get("password_env", ""), texts.get("password_file", "")),
        become_password=Source(
            texts.get("become_password_env", ""), texts.get("become_password_file", "")
        ),
        description=texts.get("description", ""),
        where=entry.where,
    )


def _line(entry: Entry, key: str) -> str:
    line = entry.lines.get(key)
    return f"{entry.file}:{line}" if line else ""


def parse_fleet(text: str, filename: str, folder: Path) -> dict[str, Entry]:
    """Return the boxes a fleet file names; raise UsageError with ``file:line``."""
    top = yamltext.parse_yaml(text, filename)
    for key in top:
        if key != "boxes":
            raise yamltext.unknown_key(key, ["boxes"], f"{filename}:{top.lines[key]}")
    boxes = top.get("boxes")
    if boxes is None:
        return {}
    where = f"{filename}:{top.lines['boxes']}"
    if not isinstance(boxes, yamltext.Mapping):
        raise UsageError('"boxes" takes names of boxes', where=where)
    return {
        name: _entry(name, given, f"{filename}:{boxes.lines[name]}", filename, folder)
        for name, given in boxes.items()
    }


def _entry(name: str, given: object, where: str, file: str, folder: Path) -> Entry:
    if is_address(name) or not name.isprintable() or not name or "," in name:
        raise UsageError(f'"{name}" is no name for a box', where=where)
    if not isinstance(given, yamltext.Mapping) or "address" not in given:
        raise UsageError(f'the box "{name}" has no address', where=where)
    texts: dict[str, str] = {}
    for key, value in given.items():
        here = f"{file}:{given.lines[key]}"
        if key not in BOX_KEYS:
            raise yamltext.unknown_key(key, BOX_KEYS, here)
        if not isinstance(value, str) or not value:
            raise UsageError(f'"{key}" takes a text, not {value!r}', where=here)
        texts[key] = value
    for kind in ("password", "become_password"):
        if f"{kind}_env" in texts and f"{kind}_file" in texts:
            raise UsageError(
                f'"{kind}_env" and "{kind}_file" are both given',
                where=f"{file}:{given.lines[f'{kind}_file']}",
            )
    return Entry(name, texts, where, given.lines, folder, file)


def lab_directory() -> Path:
    """Return the practice box's folder; its ``boxes.yaml`` is there while it is up."""
    given = os.environ.get("MODFERRY_LAB")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "modferry" / "lab"


def fleet_files() -> list[Path]:
    """Return the files that name boxes: the fleet file, then the practice box's."""
    found = [Path(FILE_NAME).absolute(), config_directory() / FILE_NAME]
    fleet = [path for path in found if path.is_file()][:1]
    lab = lab_directory() / "boxes.yaml"
    return fleet + ([lab] if lab.is_file() else [])


def read_inventory(files: Iterable[Path] | None = None) -> Inventory:
    """Return the boxes that the files name; the first file to name one wins."""
    paths = tuple(fleet_files() if files is None else files)
    entries: dict[str, Entry] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "the fleet file is not readable", where=str(path), why=str(error)
            ) from error
        for name, entry in parse_fleet(text, str(path), path.parent).items():
            entries.setdefault(name, entry)
    return Inventory(entries, paths)


def resolve(text: str, *, profile: str = "") -> Box:
    """Return the box of that name in the fleet file, or at that URL."""
    return read_inventory().resolve(text, profile=profile)
