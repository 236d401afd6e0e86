"""Log in to an SSH server: the user's keys, the agent's, a password."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from modferry.core.profile import Ssh
from modferry.errors import TransportError
from modferry.secrets import Secrets

USUAL_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
SHA2_SINCE = (7, 2)
"""The OpenSSH that first verified RSA user keys with SHA-2."""

SHA1_ONLY = "with SHA-1 only"

_KEY_CLASSES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(slots=True)
class Login:
    """One login: who, by what, and what was tried.

    identities: key files that were named; tried before the agent's keys.
    password_first: the fleet file names a password: other keys than the named ones
        are left alone, a server counts every key as a failure.
    tried: what the server refused.  skipped: what was not tried, and why.
    """

    user: str
    where: str
    ssh: Ssh
    secrets: Secrets
    identities: tuple[str, ...] = ()
    identities_only: bool = False
    use_agent: bool = True
    tried: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in, or raise TransportError saying what was tried."""
        methods: set[str] = set()
        try:
            for name, key in self._keys():
                try:
                    transport.auth_publickey(self.user, key)
                except paramiko.BadAuthenticationType as error:
                    methods = set(error.allowed_types)
                    self.skipped.append("other keys: the server takes none")
                    break
                except paramiko.AuthenticationException:
                    self.tried.append(name)
                else:
                    if transport.is_authenticated():
                        return
                    raise self._refused("it wants a second proof besides the key")
            self._try_password(transport, methods)
        except (paramiko.SSHException, EOFError, OSError) as error:
            if isinstance(error, paramiko.AuthenticationException):
                raise self._refused(self._why(transport)) from error
            raise self._refused(
                f"the server ended the login: {error or 'no reason given'}"
            ) from error

    def _try_password(self, transport: paramiko.Transport, methods: set[str]) -> None:
        by_password = {"password", "keyboard-interactive"}
        password = None
        if not methods or methods & by_password:
            password = self.secrets.login_password(self.where)
        if password is None:
            raise self._refused(self._why(transport))
        self.tried.append("the password")
        transport.auth_password(self.user, password)
        if not transport.is_authenticated():
            raise self._refused("it wants a second proof besides the password")

    def _keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        seen: set[bytes] = set()
        for name, key in self._candidates():
            if key.asbytes() in seen:
                continue
            seen.add(key.asbytes())
            if self._allowed(key):
                yield name, key
            else:
                self.skipped.append(f"{name}: the profile has no {key.get_name()}")

    def _candidates(self) -> Iterator[tuple[str, paramiko.PKey]]:
        for path in self.identities:
            key = self._read_key(path, named=True)
            if key is not None:
                yield path, key
        if self.identities_only or self.secrets.has_login_password():
            return
        if self.use_agent:
            for agent_key in _agent_keys():
                yield f"the agent's {agent_key.get_name()} key", agent_key
        if not self.identities:
            for name in USUAL_KEYS:
                path = str(Path(name).expanduser())
                key = self._read_key(path, named=False)
                if key is not None:
                    yield path, key

    # paramiko's key_filename= fails on old servers; so do its guesses at the type.
    def _read_key(self, path: str, *, named: bool) -> paramiko.PKey | None:
        if not os.path.isfile(path):  # noqa: PTH113 - it is done for each box
            if named:
                self.skipped.append(f"{path}: there is no such file")
            return None
        try:
            key = _shelved_key(path)
            if key is None and named:
                phrase = self.secrets.passphrase(path)
                key = None if phrase is None else _parsed_key(path, phrase)
        except (paramiko.SSHException, OSError, ValueError) as error:
            self.skipped.append(f"{path}: {error}")
            return None
        if key is None:
            self.skipped.append(f"{path}: it wants a passphrase")
        return key

    def _allowed(self, key: paramiko.PKey) -> bool:
        name = key.get_name()
        names = RSA_ALGORITHMS if name == "ssh-rsa" else (name,)
        return any(one in self.ssh.public_keys for one in names)

    def _why(self, transport: paramiko.Transport) -> str:
        lines = [f"refused: {', '.join(self.tried)}"] if self.tried else []
        lines += [f"not tried: {one}" for one in self.skipped]
        if not lines:
            lines = ["there is no key and no password to try"]
        if "ssh-rsa" not in self.ssh.public_keys and _is_sha1_only(transport):
            lines.append(f"the server verifies RSA user keys {SHA1_ONLY}")
        return "\n".join(lines)

    def _refused(self, why: str) -> TransportError:
        return TransportError(
            f'the server does not let "{self.user}" in',
            where=self.where,
            why=why,
            next_step="name a profile that allows it in the fleet file: "
            "wheezy-rtai or squeeze-rtai"
            if SHA1_ONLY in why
            else "name a key with identity_file, or a password with "
            "password_file or password_env, in the fleet file",
        )


def _agent_keys() -> tuple[paramiko.PKey, ...]:
    try:
        return tuple(paramiko.Agent().get_keys())
    except (paramiko.SSHException, OSError):
        return ()


# Keys that open without a passphrase, for all the boxes of a fleet.
def _shelved_key(path: str) -> paramiko.PKey | None:
    status = Path(path).stat()
    state = (path, status.st_ino, status.st_size, status.st_mtime_ns)
    if state not in _SHELF:
        key = _parsed_key(path, None)
        if key is None:
            return None
        _SHELF[state] = key
    return _SHELF[state]


_SHELF: dict[tuple[str, int, int, int], paramiko.PKey] = {}


# None: it wants a passphrase.
def _parsed_key(path: str, passphrase: str | None) -> paramiko.PKey | None:
    problem: Exception = paramiko.SSHException("no private key")
    for kind in _KEY_CLASSES:
        try:
            return kind.from_private_key_file(path, passphrase)
        except paramiko.PasswordRequiredException:
            return None
        except (paramiko.SSHException, ValueError, IndexError) as error:
            problem = error
    raise paramiko.SSHException(
        "no key that can be read" + (", or another passphrase" if passphrase else "")
    ) from problem


# A server of today says what it verifies, one before 7.2 says nothing.
def _is_sha1_only(transport: paramiko.Transport) -> bool:
    said: bytes = getattr(transport, "server_extensions", {}).get(
        "server-sig-algs", b""
    )
    if said:
        return not {b"rsa-sha2-512", b"rsa-sha2-256"} & set(said.split(b","))
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", str(transport.remote_version))
    return found is not None and (int(found[1]), int(found[2])) < SHA2_SINCE
