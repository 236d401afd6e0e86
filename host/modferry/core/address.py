"""The address of a box: a URL, parsed and checked.

::

    ssh://[user@]host[:port][?identity=FILE&known_hosts=FILE]
    serial://[user@]/dev/ttyUSB0[?baud=115200&parity=even&flow=rtscts]
    serial+unix://[user@]/path/of/socket
    serial+ssh://[gateway's user@]gateway[:port]/dev/ttyUSB0[?baud=115200&identity=FILE]
    rfc2217://[user@]host:port[?baud=...]
    socket://[user@]host:port
    local:
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from modferry.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scheme:
    """What one kind of address takes.

    host, port, path: whether the part must be there (True), may (None), must not
        (False).
    options: the names that may follow ``?``.
    kind: ``tty`` for a console, ``pipe`` for a clean channel to a shell.
    """

    host: bool
    port: bool | None
    path: bool
    options: frozenset[str]
    kind: str
    example: str
    sentence: str


_LINE = frozenset(
    {"profile", "baud", "top_baud", "bytesize", "parity", "stopbits", "flow"}
)
_SSH = frozenset({"profile", "identity", "known_hosts", "transport"})

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "ssh": Scheme(
            host=True,
            port=None,
            path=False,
            options=_SSH,
            kind="pipe",
            example="ssh://root@box7:22",
            sentence="SSH, with OpenSSH's configuration and known hosts",
        ),
        "serial": Scheme(
            host=False,
            port=False,
            path=True,
            options=_LINE,
            kind="tty",
            example="serial:///dev/ttyUSB0?baud=115200",
            sentence="a serial port of this machine",
        ),
        "serial+unix": Scheme(
            host=False,
            port=False,
            path=True,
            options=frozenset({"profile"}),
            kind="tty",
            example="serial+unix:///run/box7/console",
            sentence="a serial line on a unix socket, as QEMU gives it",
        ),
        "serial+ssh": Scheme(
            host=True,
            port=None,
            path=True,
            options=_SSH | _LINE,
            kind="tty",
            example="serial+ssh://gateway/dev/ttyUSB0?baud=115200",
            sentence="a serial port of another machine, through SSH; the user is that "
            "machine's",
        ),
        "rfc2217": Scheme(
            host=True,
            port=True,
            path=False,
            options=_LINE,
            kind="tty",
            example="rfc2217://gateway:4001?baud=115200",
            sentence="a serial port on a terminal server that speaks RFC 2217",
        ),
        "socket": Scheme(
            host=True,
            port=True,
            path=False,
            options=frozenset({"profile"}),
            kind="tty",
            example="socket://gateway:4001",
            sentence="a serial port on a terminal server, raw bytes over TCP",
        ),
        "local": Scheme(
            host=False,
            port=False,
            path=False,
            options=frozenset({"profile"}),
            kind="pipe",
            example="local:",
            sentence="this machine, by a shell of its own",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a box is and how to get there.

    host, user, path: empty where the URL has none; port: None likewise.
    options: what followed ``?``; names checked, values still text.
    text: the URL as it was given.
    """

    scheme: str
    host: str = ""
    port: int | None = None
    user: str = ""
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def kind(self) -> str:
        """Return ``tty`` or ``pipe``."""
        return SCHEMES[self.scheme].kind

    @property
    def place(self) -> str:
        """Return the part that names the far end, for messages."""
        if not self.host:
            return self.path or "this machine"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.port is not None:
            host = f"{host}:{self.port}"
        return f"{host}:{self.path}" if self.path else host

    @property
    def through_ssh(self) -> bool:
        """Say whether an SSH server is on the way, whose the user is."""
        return self.scheme in ("ssh", "serial+ssh")

    def with_options(self, **options: str) -> Address:
        """Return the address with options it does not have yet; its own win."""
        return replace(self, options={**options, **self.options})


def is_address(text: str) -> bool:
    """Say whether the text is meant as an address, not as the name of a box."""
    # "presses:!press-03", "presses:" and "a:?1" are patterns, "sshh://box" is none.
    found = re.match(r"([a-z][a-z0-9+]*):(/|\?|$)", text)
    return found is not None and (found[2] == "/" or found[1] in SCHEMES)


def parse_address(text: str) -> Address:
    """Return the address a URL stands for; raise UsageError saying what is wrong."""
    name, colon, _ = text.partition(":")
    scheme = SCHEMES.get(name.lower()) if colon else None
    if scheme is None:
        raise UsageError(
            f'no kind of address "{name}:"' if colon else f'no address: "{text}"',
            where=f'address "{text}"',
            next_step="one of " + ", ".join(s.example for s in SCHEMES.values()),
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong(text, scheme, f"not a URL: {error}") from error
    if parts.password is not None:
        raise UsageError(
            "a password in an address is seen by every process list and history",
            where=f"address of {parts.hostname or parts.path}",
            next_step="give password_file or password_env in the fleet file",
        )
    if parts.fragment:
        raise _wrong(text, scheme, f'"#{parts.fragment}" has no meaning here')
    host, path = parts.hostname or "", unquote(parts.path)
    if host and not scheme.path and path == "/":
        path = ""
    for label, value, needed in (
        ("host", host, scheme.host),
        ("port", port, scheme.port),
        ("path", path, scheme.path),
    ):
        if needed is True and not value:
            raise _wrong(text, scheme, f"no {label} is given")
        if needed is False and value:
            raise _wrong(text, scheme, f'it takes no {label}, "{value}" is given')
    if scheme.path and not path.startswith("/"):
        raise _wrong(text, scheme, "the path is not absolute")
    return Address(
        scheme=name.lower(),
        host=unquote(host),
        port=port,
        user=unquote(parts.username or ""),
        path=path,
        options=_options(text, scheme, parts.query),
        text=text,
    )


# Names are checked here, values where they are used: by the profile's table.
def _options(text: str, scheme: Scheme, query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in scheme.options:
            known = ", ".join(sorted(scheme.options))
            raise _wrong(text, scheme, f'unknown option "{key}"; known: {known}')
        if key in options:
            raise _wrong(text, scheme, f'option "{key}" is given twice')
        options[key] = value
    return options


def _wrong(text: str, scheme: Scheme, why: str) -> UsageError:
    return UsageError(
        why,
        where=f'address "{text}"',
        next_step=f"write it like {scheme.example}",
    )
