"""Ansible's variables of a box, and modferry's beside them, as a box's entry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from modferry.core import yamltext
from modferry.core.sshargs import parse_ssh_args
from modferry.errors import UsageError
from modferry.fleet.box import SSH_OPTION, Entry, Said
from modferry.fleet.groups import Groups, Variables
from modferry.fleet.templates import Templates

OWN: Mapping[str, str] = MappingProxyType(
    {
        "modferry_address": "where the box is, in place of SSH to ansible_host: a URL",
        "modferry_serial": "its serial line, in place of SSH: a device, or a URL",
        "modferry_profile": "what kind of box it is",
        "modferry_password_env": "environment variable with the login's password",
        "modferry_password_file": "file whose first line is the login's password",
        "modferry_password_command": "shell command that prints the login's password",
        "modferry_become_password_command": "shell command that prints sudo's or su's",
        "modferry_become_password_env": "environment variable with sudo's or su's",
        "modferry_become_password_file": "file whose first line is sudo's or su's",
        "modferry_known_hosts": "file of host keys in place of ~/.ssh/known_hosts",
        "modferry_line": "resource of the Dask worker that has its serial line",
        "modferry_transport": "paramiko, or openssh: the system's ssh",
        "modferry_description": "what the box is, for people",
    }
)
"""modferry's variables of an Ansible inventory, each with its sentence."""

NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "host": ("ansible_host", "ansible_ssh_host"),
        "port": ("ansible_port", "ansible_ssh_port"),
        "user": ("ansible_user", "ansible_ssh_user"),
        "connection": ("ansible_connection",),
        "identity_file": (
            "ansible_ssh_private_key_file",
            "ansible_private_key_file",
        ),
        "password": (
            "ansible_password",
            "ansible_ssh_pass",
            "ansible_ssh_password",
        ),
        "become": ("ansible_become",),
        "become_method": ("ansible_become_method",),
        "become_user": ("ansible_become_user",),
        "become_password": ("ansible_become_password", "ansible_become_pass"),
        "python": ("ansible_python_interpreter",),
    }
)
"""What a box is asked for -> Ansible's variables for it; the first that is there."""

ARGUMENTS = (
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
)
LOCAL, SSH = ("local",), ("ssh", "smart", "paramiko", "paramiko_ssh")
METHODS = ("sudo", "su")
TRUE, FALSE = (
    ("true", "yes", "on", "1", "y", "t"),
    ("false", "no", "off", "0", "n", "f"),
)


def entry_of(groups: Groups, name: str, folder: Path) -> Entry:
    """Return a box's entry from what all its groups and it itself say.

    folder: the inventory's, for what no file says.
    """
    variables = groups.variables_of(name)
    for key, variable in variables.items():
        if key.startswith("modferry_") and key not in OWN:
            raise yamltext.unknown_key(key, OWN, variable.where)
    where = groups.where[name]
    values = Templates(groups, name, variables)
    texts = _Texts(values, variables, where, folder)
    said: dict[str, Said] = {}
    for key in ("user", "identity_file", "password", "become_password"):
        texts.take(said, key, *NAMES[key])
    for own in OWN:
        texts.take(said, own.removeprefix("modferry_"), own)
    said["address"] = _address(name, texts, said)
    said.pop("serial", None)
    _python(texts, said)
    _become(texts, said)
    _arguments(texts, said)
    return Entry(name, said, where, folder)


class _Texts:
    """The variables as texts with their places."""

    def __init__(
        self, values: Templates, variables: Variables, where: str, folder: Path
    ) -> None:
        self._values = values
        self._variables = variables
        self._where = where
        self._folder = folder

    def get(self, *names: str) -> Said | None:
        """Return the first of the variables that is there and not empty."""
        for name in names:
            if name in self._variables:
                value = self._values[name]
                where = self._variables[name].where
                if value is None or value == "":
                    continue
                if isinstance(value, (dict, list)):
                    raise UsageError(f'"{name}" takes a text', where=where)
                folder = Path(where.rpartition(":")[0]).parent
                return Said(str(value), where, folder)
        return None

    def take(self, into: dict[str, Said], key: str, *names: str) -> None:
        """Take the first of the variables under the key, if one is there."""
        said = self.get(*names)
        if said is not None:
            into[key] = said

    def made(self, text: str, like: Said | None = None) -> Said:
        """Return a text made of others, at the place of one of them."""
        return Said(
            text,
            like.where if like else self._where,
            like.folder if like else self._folder,
        )


def _address(name: str, texts: _Texts, said: dict[str, Said]) -> Said:
    if "address" in said:
        return said["address"]
    serial = said.get("serial")
    if serial:
        plain = serial.text.startswith("/")
        return texts.made(f"serial://{serial.text}" if plain else serial.text, serial)
    connection = texts.get(*NAMES["connection"])
    kind = connection.text if connection else "ssh"
    if kind.rpartition(".")[2] in LOCAL:
        return texts.made("local:", connection)
    if kind.rpartition(".")[2] not in SSH:
        raise UsageError(
            f'no way to a box by ansible_connection "{kind}"',
            where=connection.where if connection else "",
            why="known: " + ", ".join((*SSH, *LOCAL)),
            next_step="name the box's serial line with modferry_serial, or its "
            "address with modferry_address",
        )
    host, port = texts.get(*NAMES["host"]), texts.get(*NAMES["port"])
    place = host.text if host else name
    place = f"[{place}]" if ":" in place else place
    return texts.made(
        f"ssh://{place}:{port.text}" if port else f"ssh://{place}", port or host
    )


def _python(texts: _Texts, said: dict[str, Said]) -> None:
    python = texts.get(*NAMES["python"])
    if python and python.text.startswith("/"):
        said["python"] = python


def _become(texts: _Texts, said: dict[str, Said]) -> None:
    become, user = texts.get(*NAMES["become"]), texts.get(*NAMES["become_user"])
    if become is None:
        return
    if become.text.lower() in FALSE:
        said["become"] = texts.made("none", become)
        return
    if become.text.lower() not in TRUE:
        raise UsageError(
            f'"ansible_become" is yes or no, not "{become.text}"', where=become.where
        )
    if user and user.text != "root":
        raise UsageError(
            f'modferry becomes root, not "{user.text}"',
            where=user.where,
            why="only root writes indexes and loads modules",
        )
    method = texts.get(*NAMES["become_method"]) or texts.made("sudo", become)
    if method.text.rpartition(".")[2] not in METHODS:
        raise UsageError(
            f'no way to become root by "{method.text}"',
            where=method.where,
            why="known: " + ", ".join(METHODS),
        )
    said["become"] = texts.made(method.text.rpartition(".")[2], method)


def _arguments(texts: _Texts, said: dict[str, Said]) -> None:
    for name in ARGUMENTS:
        given = texts.get(name)
        if given is None:
            continue
        for option, value in parse_ssh_args(given.text, given.where).items():
            said.setdefault(SSH_OPTION + option, texts.made(value, given))
