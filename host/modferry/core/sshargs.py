"""Words of ssh's command line -> options as ssh_config(5) has them; pure.

Ansible's ``ansible_ssh_common_args`` and its like hold such words.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from modferry.errors import UsageError

WITH_VALUE: Mapping[str, str] = MappingProxyType(
    {
        "J": "proxyjump",
        "i": "identityfile",
        "l": "user",
        "p": "port",
        "o": "",
        "c": "ciphers",
        "m": "macs",
        "F": "",
        "S": "controlpath",
        "b": "bindaddress",
        "e": "escapechar",
        "E": "",
    }
)
"""Flag of ssh(1) with a value -> the option it sets."""

ALONE = frozenset("1246AaCfGgKkMNnqsTtVvXxYy")
"""Flags of ssh(1) without a value; none changes the way to a box."""

FOLLOWED = frozenset(
    {
        "hostname",
        "hostkeyalias",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "globalknownhostsfile",
        "hashknownhosts",
        "port",
        "proxycommand",
        "proxyjump",
        "stricthostkeychecking",
        "user",
        "userknownhostsfile",
    }
)
"""The options that decide where a connection goes and whom it trusts."""


def parse_ssh_args(text: str, where: str) -> dict[str, str]:
    """Return the options that words of ssh's command line set; the first one wins.

    Options that change nothing of the way, such as ControlPersist, are left out.
    Raise UsageError for what is no flag of ssh.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f'"{text}": {error}', where=where) from error
    options: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word == "-":
            raise UsageError(f'"{word}" is no option of ssh', where=where)
        _take(word[1:], words, options, where)
    return {name: value for name, value in options.items() if name in FOLLOWED}


def _take(flags: str, words: list[str], options: dict[str, str], where: str) -> None:
    while flags:
        flag, flags = flags[0], flags[1:]
        if flag in ALONE:
            continue
        if flag not in WITH_VALUE:
            raise UsageError(f'"-{flag}" is no option of ssh', where=where)
        value, flags = flags or (words.pop(0) if words else ""), ""
        if not value:
            raise UsageError(f'"-{flag}" of ssh wants a value', where=where)
        name = WITH_VALUE[flag]
        if flag == "o":
            name, _, value = value.replace("=", " ", 1).strip().partition(" ")
        if name:
            options.setdefault(name.lower(), value.strip().strip('"'))
