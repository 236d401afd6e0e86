"""The fleet file: the boxes by name and group, where they are and of what kind.

A file has modferry's own form, ``boxes:`` (`modferry.fleet.ownfile`), or Ansible's
(`modferry.fleet.ansible`), or both: the groups may then hold boxes of the own form.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modferry.core import yamltext
from modferry.core.address import is_address
from modferry.errors import UsageError, system_words
from modferry.fleet.ansible import (
    GROUP_KEYS,
    add_folders,
    add_inventory,
    is_group,
)
from modferry.fleet.box import BOX_KEYS, Box, Entry, Profiles, Said, built_box
from modferry.fleet.groups import ALL, Groups
from modferry.fleet.hostvars import entry_of
from modferry.fleet.ownfile import parse_boxes
from modferry.fleet.selection import Selection, select, split_pattern
from modferry.profiles import config_directory

__all__ = [
    "BOX_KEYS",
    "Box",
    "Inventory",
    "lab_directory",
    "read_inventory",
    "resolve",
]

FILE_NAME = "modferry.yaml"
LOCALHOST = ("localhost", "127.0.0.1", "::1")
YAML_SUFFIXES = (".yml", ".yaml", ".json")
INI_SECTION = re.compile(r"^\[[\w.:-]+\]\s*$", re.MULTILINE)
SHOWN = 20
"""So many names are told in a message."""


@dataclass(slots=True)
class Inventory:
    """The boxes known by name, in the order of the files.

    files: those that were read.
    own: the entries of modferry's own form; folders: by box, of its inventory file.
    """

    files: tuple[Path, ...] = ()
    groups: Groups = field(default_factory=Groups)
    own: dict[str, Entry] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    profiles: Profiles = field(default_factory=Profiles)

    def names(self) -> list[str]:
        """Return the names of the boxes, in the order of the files."""
        return list(self.groups.boxes)

    def is_one(self, text: str) -> bool:
        """Say whether a text names one box by its name or address, no pattern."""
        return (
            text in self.groups.boxes or is_address(text)
        ) and text not in self.groups.by_name

    def select(self, text: str, limit: str = "") -> Selection:
        """Return the boxes that a pattern means, and ``--limit`` besides.

        ``@FILE`` stands for the patterns in a file, one a line.  Raise UsageError if
        no box is left.
        """
        patterns = _with_files(split_pattern(text))
        addresses = dict.fromkeys(p for p in patterns if is_address(p))
        names = [p for p in patterns if p not in addresses]
        selection = select(self.groups, names) if names else Selection()
        if selection.unmatched and not selection.names:
            local = [name for name in selection.unmatched if name in LOCALHOST]
            addresses.update(dict.fromkeys(local))
            selection.unmatched = [n for n in selection.unmatched if n not in local]
        selection.names += addresses
        if limit:
            limits = _with_files(split_pattern(limit))
            allowed = select(self.groups, [p for p in limits if not is_address(p)])
            kept = {*allowed.names, *(p for p in limits if is_address(p))}
            selection.names = [name for name in selection.names if name in kept]
            selection.unmatched += allowed.unmatched
        if not selection.names:
            raise self._no_box(text, limit)
        return selection

    def resolve(self, text: str, *, profile: str = "") -> Box:
        """Return the box of that name, or at that URL.

        profile: the name of a profile in place of the fleet file's or URL's.
        """
        return built_box(self._entry(text), self.profiles, profile)

    def _entry(self, text: str) -> Entry:
        if text in self.own:
            return self._joined(text)
        if text in self.groups.boxes:
            return entry_of(self.groups, text, self.folders[text])
        if is_address(text) or text in LOCALHOST:
            url = text if is_address(text) else "local:"
            return Entry(text, {"address": Said(url, "", Path())}, text, Path())
        raise self._no_box(text)

    # What its groups say of a box of the own form, under what the box itself says.
    def _joined(self, name: str) -> Entry:
        entry = self.own[name]
        if not self.groups.variables_of(name):
            return entry
        wider = entry_of(self.groups, name, entry.folder)
        return Entry(name, {**wider.said, **entry.said}, entry.where, entry.folder)

    def _no_box(self, text: str, limit: str = "") -> UsageError:
        files = ", ".join(map(str, self.files)) or f"no {FILE_NAME} here"
        known = self.names()
        shown = ", ".join(known[:SHOWN]) or "none"
        if len(known) > SHOWN:
            shown += f", ... {len(known)} in all"
        groups = [name for name in self.groups.by_name if self.groups.members(name)]
        if len(groups) > len((ALL, "ungrouped")):
            shown += "; groups: " + ", ".join(groups[:SHOWN])
        return UsageError(
            f'no box "{text}"' + (f' within the limit "{limit}"' if limit else ""),
            where=files,
            why=f"known: {shown}",
            next_step=f"name one of these, or a URL, or write it into {FILE_NAME}",
        )


def _with_files(patterns: Sequence[str]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        if not pattern.startswith("@"):
            found.append(pattern)
            continue
        path = Path(pattern[1:]).expanduser()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "the file of boxes is not readable",
                where=str(path),
                why=system_words(error),
            ) from error
        found += [line.strip() for line in lines if line.strip()]
    return found


def _add_file(inventory: Inventory, text: str, path: Path, *, apart: bool) -> None:
    file, folder = str(path), path.parent
    if INI_SECTION.search(text):
        raise UsageError(
            "an inventory in Ansible's INI form is not read",
            where=file,
            next_step=f"ansible-inventory -i {file} --list --yaml --export > "
            f"{FILE_NAME}",
        )
    top = yamltext.parse_yaml(text, file, foreign=True)
    if not is_group(top.get("boxes")):
        # With boxes of the own form the file is ours, and what is said twice a slip.
        top = yamltext.parse_yaml(text, file)
        where = f"{file}:{top.lines['boxes']}"
        for name, entry in parse_boxes(top.pop("boxes"), where, file, folder).items():
            if name not in inventory.groups.boxes:
                inventory.own[name] = entry
                if apart:
                    inventory.groups.put_apart(name, entry.where)
                else:
                    inventory.groups.put(ALL, name, entry.where)
    known = set(inventory.groups.boxes)
    for name, value in top.items():
        if not (is_group(value) or set(_keys(value)) & set(GROUP_KEYS)):
            raise yamltext.unknown_key(name, ["boxes"], f"{file}:{top.lines[name]}")
    add_inventory(inventory.groups, top, file)
    inventory.folders.update(
        (name, folder) for name in inventory.groups.boxes if name not in known
    )


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, yamltext.Mapping) else []


def _expanded(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for each in sorted(path.iterdir()):
            if each.is_file() and each.suffix in YAML_SUFFIXES:
                yield each


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
    paths = tuple(_expanded(fleet_files() if files is None else files))
    inventory = Inventory(paths)
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "the fleet file is not readable",
                where=str(path),
                why=system_words(error),
            ) from error
        # Who says "all" does not mean the practice box, twice at that.
        _add_file(inventory, text, path, apart=path == lab_directory() / "boxes.yaml")
    for folder in dict.fromkeys(path.parent for path in paths):
        add_folders(inventory.groups, folder)
    inventory.groups.finish()
    return inventory


def resolve(text: str, *, profile: str = "") -> Box:
    """Return the box of that name in the fleet file, or at that URL."""
    return read_inventory().resolve(text, profile=profile)
