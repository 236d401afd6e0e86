"""A profile: what is so about a kind of box.  The keys, their types and defaults.

The dataclasses below are THE table of the keys: `KEYS` is read from them, and is what
the parser, the documentation and the tests go by.  Reading files: `modferry.profiles`.
"""
# ruff: noqa: RUF009 - `_key` is dataclasses.field with what the table needs

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Become = Literal["none", "sudo", "su"]
Parity = Literal["none", "even", "odd", "mark", "space"]
Flow = Literal["none", "rtscts", "xonxoff"]


def _key(
    default: object,
    sentence: str,
    *,
    low: float | None = None,
    high: float | None = None,
    pattern: bool = False,
) -> Any:  # noqa: ANN401 - a dataclass field stands for its value's type
    meta = {"sentence": sentence, "low": low, "high": high, "pattern": pattern}
    return field(default=default, metadata=meta)


def _section(factory: type) -> Any:  # noqa: ANN401 - as above
    return field(default_factory=factory)


@dataclass(frozen=True, slots=True)
class Login:
    """How to get from a console's or server's greeting to a root shell."""

    user: str = _key("root", "who logs in, unless the address or fleet file says")
    login_prompt: str = _key(
        r"login: *$", "regular expression of getty's question", pattern=True
    )
    password_prompt: str = _key(
        r"(?i)(password|passwort|mot de passe)[^:\r\n]*: *$",
        "regular expression of login's, sudo's or su's question",
        pattern=True,
    )
    refused: str = _key(
        r"(?i)login incorrect|authentication failure|sorry, try again|"
        r"incorrect password|permission denied|not in the sudoers file|"
        r"maximum number of tries",
        "regular expression of what a refused login says",
        pattern=True,
    )
    become: Become = _key("none", "how the user becomes root")


@dataclass(frozen=True, slots=True)
class Ssh:
    """Which SSH algorithms may be used, best first; none else is."""

    port: int = _key(22, "port of the server", low=1, high=65535)
    kex: tuple[str, ...] = _key(
        (
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group14-sha256",
        ),
        "key exchange algorithms",
    )
    host_keys: tuple[str, ...] = _key(
        (
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ),
        "algorithms by which the box proves who it is",
    )
    # GCM first: paramiko computes and compares the MACs of the others in Python.
    ciphers: tuple[str, ...] = _key(
        (
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
        ),
        "encryption algorithms",
    )
    macs: tuple[str, ...] = _key(
        (
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-512-etm@openssh.com",
            "hmac-sha2-256",
            "hmac-sha2-512",
        ),
        "message authentication codes",
    )
    public_keys: tuple[str, ...] = _key(
        (
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ),
        "algorithms by which the user's key signs",
    )
    keepalive_s: int = _key(
        15, "seconds between signs of life on a quiet connection; 0: none", low=0
    )


@dataclass(frozen=True, slots=True)
class Console:
    """The serial console."""

    baud: int = _key(115_200, "bits a second", low=50, high=4_000_000)
    top_baud: int | None = _key(
        None,
        "bits a second to go up to once the agent runs, if the line carries it; "
        "null: stay",
        low=50,
        high=4_000_000,
    )
    bytesize: int = _key(8, "bits a character", low=7, high=8)
    parity: Parity = _key("none", "the parity bit of a character")
    stopbits: float = _key(1, "stop bits after a character", low=1, high=2)
    flow: Flow = _key("none", "flow control; the line's wiring must have it")
    boot_timeout_s: float = _key(
        180.0, "how long a box that prints but asks for no login may boot", low=1
    )
    login_timeout_s: float = _key(
        30.0, "how long one answer of login, sudo or the shell may take", low=1
    )
    log_level: int | None = _key(
        None,
        "console log level while modferry is at work; null: as it is",
        low=1,
        high=8,
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long things may take, in seconds, where the console has no own key."""

    connect_s: float = _key(10.0, "until the far end answers at all", low=0.1)
    auth_s: float = _key(30.0, "until a login is accepted or refused", low=1)
    write_s: float = _key(
        20.0, "until bytes go out, beyond the time the line needs for them", low=0.1
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """What is so about a kind of box; the defaults are those of a Debian of today."""

    name: str = "default"
    description: str = _key("", "the kind of box, in a few words")
    shell: str = _key("exec sh", "the command an SSH channel runs; it must be a shell")
    python: tuple[str, ...] = _key(
        ("python3", "python", "python2", "python2.7", "python2.6"),
        "Pythons to try, the first that is there and works is taken",
    )
    directories: tuple[str, ...] = _key(
        ("/var/lib/modferry", "/var/tmp", "/tmp"),  # noqa: S108 - on the box
        "homes of the agent, the first that can be written and has room is taken",
    )
    modules_directory: str = _key("/lib/modules", "where the kernels' modules are")
    rtai_directory: str = _key(
        "/usr/realtime/modules", "where RTAI's modules are, empty: nowhere"
    )
    login: Login = _section(Login)
    ssh: Ssh = _section(Ssh)
    console: Console = _section(Console)
    timeouts: Timeouts = _section(Timeouts)
