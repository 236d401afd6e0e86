"""Ansible's YAML inventory: groups, boxes with ranges, variables.

::

    presses:
      hosts:
        press-[01:12].plant: {ansible_port: 2222}
      vars: {modferry_profile: wheezy-rtai}
      children:
        hall3:

Beside it, ``group_vars/NAME`` and ``host_vars/NAME``: YAML files, or folders of them.

Source: Ansible's documentation, "How to build your inventory".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from modferry.core import yamltext
from modferry.core.ranges import expand_name
from modferry.errors import UsageError, system_words
from modferry.fleet.groups import Groups, Variable

GROUP_KEYS = ("hosts", "children", "vars")
SUFFIXES = ("", ".yml", ".yaml", ".json")
PRIORITY = "ansible_group_priority"
WITH_PORT = re.compile(
    r"(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>(?:[^\[\]:]|\[[^\]]*\])+)):(?P<port>\d+)"
)
"""A name, which may hold ranges, or an IPv6 address in brackets; then a port."""


def is_group(value: object) -> bool:
    """Say whether a value is a group's, by its keys alone."""
    if value is None:
        return True
    return isinstance(value, yamltext.Mapping) and set(value) <= set(GROUP_KEYS)


def add_inventory(groups: Groups, top: yamltext.Mapping, file: str) -> None:
    """Add the groups of a parsed inventory; raise UsageError with ``file:line``."""
    for name, value in top.items():
        _add_group(groups, name, value, f"{file}:{top.lines[name]}", file)


def _add_group(groups: Groups, name: str, value: object, where: str, file: str) -> None:
    group = groups.add(name)
    if value is None:
        return
    if not isinstance(value, yamltext.Mapping):
        raise UsageError(f'the group "{name}" takes {_keys()}', where=where)
    for key in value:
        here = f"{file}:{value.lines[key]}"
        if key not in GROUP_KEYS:
            raise yamltext.unknown_key(key, GROUP_KEYS, here)
        part = _part(value, key, name, here)
        if key == "vars":
            group.variables.update(_variables(part, file))
            group.priority = _priority(group.variables, group.priority)
        elif key == "children":
            for child, inner in part.items():
                at = f"{file}:{part.lines[child]}"
                groups.nest(name, child, at)
                _add_group(groups, child, inner, at, file)
        else:
            _add_boxes(groups, name, part, file)


def _part(value: yamltext.Mapping, key: str, name: str, where: str) -> yamltext.Mapping:
    part = value[key]
    if isinstance(part, yamltext.Mapping):
        return part
    single = yamltext.Mapping()
    if isinstance(part, str):
        # Ansible takes a single name for a mapping of it.
        single[part] = None
        single.lines[part] = value.lines[key]
    elif part is not None:
        raise UsageError(
            f'"{key}" of the group "{name}" is no mapping of names',
            where=where,
            next_step='end each name with ":", without a "-" before it',
        )
    return single


def _keys() -> str:
    return ", ".join(f'"{key}"' for key in GROUP_KEYS)


def _add_boxes(groups: Groups, group: str, part: yamltext.Mapping, file: str) -> None:
    for pattern, given in part.items():
        where = f"{file}:{part.lines[pattern]}"
        if not (given is None or isinstance(given, yamltext.Mapping)):
            raise UsageError(f'"{pattern}" takes variables, not {given!r}', where=where)
        variables = {} if given is None else _variables(given, file)
        name, port = _name_and_port(pattern, where)
        for box in expand_name(name, where):
            new = box not in groups.boxes
            known = groups.put(group, box, where)
            # As Ansible has it: a port that a later mention brings counts for nothing.
            if port and new:
                known["ansible_port"] = Variable(int(port), where)
            known.update(variables)


def _name_and_port(pattern: str, where: str) -> tuple[str, str]:
    if not pattern.isprintable() or not pattern.strip():
        raise UsageError(f'"{pattern}" is no name for a box', where=where)
    found = WITH_PORT.fullmatch(pattern)
    if found is None:
        return pattern, ""
    return found["address"] or found["name"], found["port"]


def _variables(part: yamltext.Mapping, file: str) -> dict[str, Variable]:
    return {
        name: Variable(value, f"{file}:{part.lines[name]}")
        for name, value in part.items()
    }


def _priority(variables: dict[str, Variable], before: int) -> int:
    said = variables.get(PRIORITY)
    if said is None:
        return before
    try:
        return int(str(said.value))
    except ValueError as error:
        raise UsageError(f'"{PRIORITY}" takes a number', where=said.where) from error


def add_folders(groups: Groups, folder: Path) -> None:
    """Add ``group_vars`` and ``host_vars`` of an inventory's folder.

    They win over what the inventory itself says of groups, or of the box.
    """
    for name, group in groups.by_name.items():
        found = dict(_folder_variables(folder / "group_vars", name))
        group.beside.update(found)
        group.priority = _priority(found, group.priority)
    if (folder / "host_vars").is_dir():
        for box, variables in groups.boxes.items():
            variables.update(_folder_variables(folder / "host_vars", box))


def _folder_variables(folder: Path, name: str) -> Iterator[tuple[str, Variable]]:
    if not folder.is_dir() or "/" in name:
        return
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_dir():
            for each in sorted(path.rglob("*")):
                hidden = each.name.startswith(".") or each.name.endswith("~")
                if each.is_file() and not hidden and each.suffix in SUFFIXES:
                    yield from _file_variables(each)
            return
        if path.is_file():
            yield from _file_variables(path)
            return


def _file_variables(path: Path) -> Iterator[tuple[str, Variable]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "a file of variables is not readable",
            where=str(path),
            why=system_words(error),
        ) from error
    if text.startswith("$ANSIBLE_VAULT"):
        raise UsageError(
            "the file is encrypted by ansible-vault",
            where=f"{path}:1",
            next_step="keep connection variables in a plain file, and secrets where "
            "modferry_password_env or modferry_password_file says",
        )
    top = yamltext.parse_yaml(text, str(path), foreign=True)
    yield from _variables(top, str(path)).items()
