"""One box as a fleet file has it, and as a session needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from modferry.core.address import Address, parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.errors import UsageError
from modferry.profiles import read_profile
from modferry.secrets import NOWHERE, Secrets, Source

DEFAULT_PROFILE = "bookworm"

BOX_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "address": "where the box is: a URL",
        "profile": f"what kind of box it is; without it {DEFAULT_PROFILE}",
        "user": "who logs in, unless the address says",
        "password_env": "environment variable that holds the login's password",
        "password_file": "file whose first line is the login's password",
        "password_command": "shell command that prints it, such as: pass show saw3",
        "become_password_env": "environment variable that holds sudo's or su's",
        "become_password_file": "file whose first line is sudo's or su's",
        "become_password_command": "shell command that prints sudo's or su's",
        "identity_file": "SSH key of the user",
        "known_hosts": "file of host keys in place of ~/.ssh/known_hosts",
        "transport": "paramiko, or openssh: the system's ssh; it knows no password",
        "line": "resource of the Dask worker that has its serial line",
        "description": "what the box is, for people",
    }
)
"""Key of a box -> its sentence; every value is a text."""

PATH_KEYS = ("password_file", "become_password_file", "identity_file", "known_hosts")
TRANSPORTS = ("paramiko", "openssh")
"""What carries SSH; the first unless the box says."""

SSH_OPTION = "ssh."
"""Before the name of an option of OpenSSH, in an entry and in an address."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it is, what kind it is, and how to log in.

    user: who logs in: the address's, else the fleet file's; empty: not said.
    password, become_password: where the secrets are.
    where: ``file:line`` that names the box, or the URL.
    may_ask: a person may be asked for its secrets.
    line: the resource of the Dask worker that has its serial line.
    """

    name: str
    address: Address
    profile: Profile
    user: str = ""
    password: Source = NOWHERE
    become_password: Source = NOWHERE
    description: str = ""
    where: str = ""
    may_ask: bool = True
    line: str = ""

    def secrets(self) -> Secrets:
        """Return how to get this box's secrets; a person is asked if one is there."""
        if not self.may_ask:
            return Secrets(self.password, self.become_password)
        return Secrets.with_prompt(self.password, self.become_password)


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a fleet file; folder: what a path in it is relative to."""

    text: str
    where: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A box as fleet files have it: texts, not yet looked at together.

    said: by the keys of `BOX_KEYS`; those of an Ansible inventory have more:
        ``password``, ``become_password``, ``become``, ``python`` and ``ssh.OPTION``.
    """

    name: str
    said: Mapping[str, Said]
    where: str
    folder: Path

    def text(self, key: str) -> str:
        """Return what is said, paths made whole; empty: nothing."""
        said = self.said.get(key)
        if said is None or not said.text:
            return ""
        if key in PATH_KEYS:
            return str(said.folder / Path(said.text).expanduser())
        return said.text

    def line(self, key: str) -> str:
        """Return the ``file:line`` that says it; empty: nothing does."""
        said = self.said.get(key)
        return said.where if said else ""


class Profiles:
    """Profiles by name and folder, each read once for a whole fleet."""

    def __init__(self) -> None:
        """Begin with none read."""
        self._read: dict[tuple[str, Path], Profile] = {}

    def get(self, name: str, where: str, beside: Path) -> Profile:
        """Return a profile, as `read_profile` does."""
        key = (name, beside)
        if key not in self._read:
            self._read[key] = read_profile(name, where=where, beside=beside)
        return self._read[key]


def built_box(entry: Entry, profiles: Profiles, profile_name: str = "") -> Box:
    """Return the box of an entry; profile_name: in place of the entry's.

    Raise UsageError with ``file:line`` for what cannot be.
    """
    address = _address(entry)
    return Box(
        name=entry.name,
        address=address,
        profile=_profile(entry, address, profiles, profile_name),
        # A gateway's user is not the box's.
        user=entry.text("user") if address.scheme == "serial+ssh" else address.user,
        password=_source(entry, "password"),
        become_password=_source(entry, "become_password"),
        description=entry.text("description"),
        where=entry.where,
        line=entry.text("line"),
    )


def _source(entry: Entry, kind: str) -> Source:
    return Source(
        entry.text(f"{kind}_env"),
        entry.text(f"{kind}_file"),
        entry.text(f"{kind}_command"),
        value=entry.text(kind),
    )


def _address(entry: Entry) -> Address:
    try:
        address = parse_address(entry.text("address"))
    except UsageError as error:
        error.where = entry.line("address") or error.where
        raise
    if address.scheme != "serial+ssh":
        address = replace(address, user=address.user or entry.text("user"))
    if not address.through_ssh:
        return address
    options = {
        option: entry.text(key)
        for option, key in (
            ("identity", "identity_file"),
            ("known_hosts", "known_hosts"),
            ("transport", "transport"),
            *((key, key) for key in entry.said if key.startswith(SSH_OPTION)),
        )
        if entry.text(key)
    }
    chosen = address.with_options(**options)
    transport = chosen.options.get("transport", TRANSPORTS[0])
    if transport not in TRANSPORTS:
        raise UsageError(
            f'no transport "{transport}"',
            where=entry.line("transport") or entry.where,
            why="known: " + ", ".join(TRANSPORTS),
        )
    return chosen


def _profile(entry: Entry, address: Address, profiles: Profiles, named: str) -> Profile:
    where = "--profile" if named else entry.line("profile") or entry.where
    named = named or address.options.get("profile") or entry.text("profile")
    said = entry.said.get("profile")
    beside = said.folder if said else entry.folder
    profile = profiles.get(named or DEFAULT_PROFILE, where, beside)
    become, python = entry.text("become"), entry.text("python")
    if become:
        profile = replaced(profile, {"login.become": become})
    if python:
        profile = replaced(profile, {"python": (python, *profile.python)})
    return profile
