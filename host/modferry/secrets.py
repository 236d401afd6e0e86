"""Passwords and passphrases: from the environment, a file, or a person at a terminal.

None is ever in an address, a profile or modferry's own fleet file, which only say where
it is; an Ansible inventory may have one, and then it is the file that must be kept.
"""

from __future__ import annotations

import getpass
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from modferry.errors import UsageError, system_words

Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where one secret is: the name of an environment variable, or a file.

    command: a shell command that prints it, as ``pass`` and ``op`` do.
    descriptor: the number of an open file that it is read from.
    value: the secret itself, as an Ansible inventory may have it, or a person typed
        it; never shown.
    """

    env: str = ""
    file: str = ""
    command: str = ""
    descriptor: int | None = None
    value: str = field(default="", repr=False)


NOWHERE = Source()
"""There is no such secret, or only a person knows it."""


def ask_at_terminal(prompt: str) -> str:
    """Return what the person typed, unseen."""
    return getpass.getpass(prompt, stream=sys.stderr)


def terminal_is_there() -> bool:
    """Say whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(slots=True)
class Secrets:
    """The secrets of one box, read when they are needed and asked for once.

    password, become: where the login's and sudo's or su's password are; the
        login's serves for both when ``become`` names nothing.
    ask: asks a person; None: nobody is there to be asked.
    """

    password: Source = NOWHERE
    become: Source = NOWHERE
    ask: Ask | None = None
    _given: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def with_prompt(cls, password: Source, become: Source) -> Secrets:
        """Return secrets that ask a person if there is one at the terminal."""
        return cls(password, become, ask_at_terminal if terminal_is_there() else None)

    def login_password(self, who: str) -> str | None:
        """Return the password of ``who`` (user@box), or None if there is none."""
        return self._get(self.password, f"password of {who}: ")

    def become_password(self, who: str) -> str | None:
        """Return the password that sudo or su wants, or None if there is none."""
        if self.become == NOWHERE:
            return self.login_password(who)
        return self._get(self.become, f"sudo or su password of {who}: ")

    def passphrase(self, key_file: str) -> str | None:
        """Return the passphrase of a key file, or None if nobody can be asked."""
        return self._get(NOWHERE, f"passphrase of {key_file}: ")

    def has_login_password(self) -> bool:
        """Say whether a password is at hand without asking anybody."""
        return self.password != NOWHERE

    def values(self) -> tuple[str, ...]:
        """Return the secrets read so far: what a log must mask."""
        return tuple(value for value in self._given.values() if value)

    def _get(self, source: Source, prompt: str) -> str | None:
        if prompt not in self._given:
            if source != NOWHERE:
                value = _found(source)
            elif self.ask is not None:
                value = self.ask(prompt)
            else:
                return None
            self._given[prompt] = value
        return self._given[prompt]


# A descriptor can be read once, and a command may ask a person: once for all boxes.
def _found(source: Source) -> str:
    if source.env:
        return _from_environment(source.env)
    if source.file:
        return read_secret(Path(source.file).expanduser())
    if source.value:
        return source.value
    with _ONCE:
        if source not in _READ:
            by_command = bool(source.command)
            _READ[source] = (
                _from_command(source.command)
                if by_command
                else _from_descriptor(source.descriptor)
            )
        return _READ[source]


_ONCE = Lock()
_READ: dict[Source, str] = {}


def _from_command(command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S602 - the user's own command
            command, shell=True, stdout=subprocess.PIPE, text=True, check=True
        )
    except (subprocess.CalledProcessError, UnicodeDecodeError) as error:
        raise UsageError(
            "the command gives no password",
            where=f'password_command "{command}"',
            why=f"it ended with status {error.returncode}"
            if isinstance(error, subprocess.CalledProcessError)
            else "it printed what is no text",
            next_step="run it by hand: it prints the password on its first line",
        ) from error
    return done.stdout.split("\n", 1)[0]


def _from_descriptor(number: int | None) -> str:
    try:
        with os.fdopen(number or 0, "rb", closefd=False) as stream:
            line = stream.readline()
        return line.decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise UsageError(
            "no password can be read from the descriptor",
            where=f"--password-fd {number}",
            why=system_words(error),
            next_step="open it for modferry: modferry ... --password-fd 3 3< FILE",
        ) from error


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise UsageError(
            f'no environment variable "{name}"',
            where="password_env",
            next_step=f"set {name}, or name a file with password_file",
        )
    return value


def read_secret(path: Path) -> str:
    """Return the first line of a file that nobody but its owner may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the password file is not readable",
            where=str(path),
            why=getattr(error, "strerror", None) or str(error),
            next_step="put the password alone on its first line, mode 0600",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            "others may read the password file",
            where=f"{path}, mode {stat.S_IMODE(mode):04o}",
            next_step=f"chmod 600 {path}",
        )
    return text.split("\n", 1)[0].rstrip("\r")
