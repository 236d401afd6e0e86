"""What OpenSSH's configuration says about a host, as far as modferry follows it.

Followed: Include, Host, Match, HostName, User, Port, IdentityFile, IdentitiesOnly,
IdentityAgent (none), ProxyJump, ProxyCommand, UserKnownHostsFile, GlobalKnownHostsFile,
HostKeyAlias, HashKnownHosts.  StrictHostKeyChecking is not: keys are always checked.

Source: ssh_config(5).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import paramiko

from modferry.core.address import Address
from modferry.errors import UsageError

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
USER_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
CONDITIONS = ("all", "canonical", "final")
CONDITIONS_WITH_VALUE = ("host", "originalhost", "user", "localuser", "exec")
INCLUDE_DEPTH = 16
HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way, as the configuration has it.

    host: as it was asked for.  hostname, port, user: what to connect to; port and user
        are None and empty when nothing says.
    identities: the user's key files that were named; empty: OpenSSH's usual ones.
    known_hosts: files of host keys; new keys are written to the first.
    key_name: the name to look host keys up by, if not the hostname.
    jumps: the servers before it, in order.  proxy_command: likewise, by a command.
    """

    host: str
    hostname: str
    port: int | None
    user: str
    identities: tuple[str, ...]
    identities_only: bool
    use_agent: bool
    known_hosts: tuple[str, ...]
    key_name: str
    jumps: tuple[str, ...]
    proxy_command: str
    hash_names: bool


def ssh_options(address: Address) -> dict[str, str]:
    """Return the options of OpenSSH that an address has, as an inventory gives them."""
    return {
        name.removeprefix("ssh."): value
        for name, value in address.options.items()
        if name.startswith("ssh.")
    }


def read_hop(host: str, options: Mapping[str, str] | None = None) -> Hop:
    """Return what the user's and the system's configuration say about a host.

    options: as ``ssh -o`` has them; they win over both.
    """
    given = "".join(f"{name} {value}\n" for name, value in (options or {}).items())
    user_file = str(Path("~/.ssh/config").expanduser())
    files = (user_file, str(SYSTEM_CONFIG))
    return _read_hop(host, given, files, tuple(map(_state, files)))


def _state(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - it is done for each box
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


# A fleet asks for a thousand hosts, each more than once, in the same configuration.
@cache
def _read_hop(
    host: str, given: str, files: tuple[str, str], state: tuple[object, ...]
) -> Hop:
    try:
        found = _parsed(given, files, state).lookup(host)
    except (
        paramiko.ConfigParseError,
        paramiko.CouldNotCanonicalize,
        ValueError,
    ) as error:
        raise UsageError(
            f"OpenSSH's configuration is not understood: {error}",
            where=", ".join(files),
        ) from error
    return _hop(host, found)


@lru_cache(maxsize=64)
def _parsed(
    given: str, files: tuple[str, str], _state: tuple[object, ...]
) -> paramiko.SSHConfig:
    user, system = map(Path, files)
    lines = [given, "Host *", *_included_lines(user, user.parent, 0)]
    # The system's file starts in no block.
    lines += ["Host *", *_included_lines(system, system.parent, 0)]
    return paramiko.SSHConfig.from_text("\n".join(lines))


# paramiko knows no Include.  The lines after one belong to the block before it again.
def _included_lines(path: Path, folder: Path, depth: int) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    lines: list[str] = []
    block = "Host *"
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if word.lower() == "match":
            line = _checked_match(rest, f"{path}:{number}")  # noqa: PLW2901
        if word.lower() in ("host", "match"):
            block = line
        if word.lower() != "include":
            lines.append(line)
            continue
        if depth >= INCLUDE_DEPTH:
            raise UsageError("files include each other", where=str(path))
        for pattern in _words(rest, f"{path}:{number}"):
            full = Path(pattern).expanduser()
            base, glob = (full.parent, full.name) if full.is_absolute() else (
                (folder / full).parent, full.name,
            )  # fmt: skip
            for one in sorted(base.glob(glob)):
                lines += _included_lines(one, folder, depth + 1)
        lines.append(block)
    return lines


def _words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f'"{text}": {error}', where=where) from error


# paramiko takes a condition that it does not know, or in capitals, as one that holds.
def _checked_match(conditions: str, where: str) -> str:
    words = _words(conditions, where)
    checked = []
    while words:
        condition = words.pop(0).lower()
        plain = condition.removeprefix("!")
        if plain not in (*CONDITIONS, *CONDITIONS_WITH_VALUE):
            raise UsageError(
                f'"Match {plain}" is not understood',
                where=where,
                why="known: " + ", ".join((*CONDITIONS, *CONDITIONS_WITH_VALUE)),
                next_step="use a Host block for the boxes",
            )
        checked.append(condition)
        if plain in CONDITIONS_WITH_VALUE and words:
            checked.append(shlex.quote(words.pop(0)))
    return "Match " + " ".join(checked)


def _hop(host: str, found: paramiko.SSHConfigDict) -> Hop:
    hostname = found.get("hostname", host)
    port = found.get("port")
    if port is not None and not (port.isdecimal() and 0 < int(port) <= HIGHEST_PORT):
        raise UsageError(f'"{port}" is no port', where=f"ssh configuration of {host}")
    user_files = found.get("userknownhostsfile", USER_KNOWN_HOSTS)
    global_files = found.get("globalknownhostsfile", SYSTEM_KNOWN_HOSTS)
    jump = found.get("proxyjump", "")
    command = found.get("proxycommand") or ""
    return Hop(
        host=host,
        hostname=hostname,
        port=int(port) if port else None,
        user=found.get("user", ""),
        identities=tuple(
            str(Path(name).expanduser()) for name in found.get("identityfile", [])
        ),
        identities_only=found.get("identitiesonly", "no").lower() == "yes",
        use_agent=found.get("identityagent", "").lower() != "none",
        known_hosts=tuple(
            path.replace("%h", hostname)
            for path in _paths(f"{user_files} {global_files}", str(Path.home()))
        ),
        key_name=found.get("hostkeyalias", ""),
        jumps=tuple(part.strip() for part in jump.split(",") if jump.lower() != "none")
        if jump
        else (),
        proxy_command="" if command.lower() == "none" else command,
        hash_names=found.get("hashknownhosts", "no").lower() == "yes",
    )


# Of a thousand hosts nearly all have the same.
@lru_cache(maxsize=64)
def _paths(text: str, home: str) -> tuple[str, ...]:
    return tuple(
        str(Path(name.replace("%d", home)).expanduser())
        for name in _words(text, "UserKnownHostsFile, GlobalKnownHostsFile")
    )
