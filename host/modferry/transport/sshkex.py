"""The classic key exchanges with GMP's arithmetic in place of Python's.

An old server has nothing but Diffie-Hellman over primes of 2048 bits, of which Python's
``pow`` makes most of a connection's work.  paramiko computes ``pow(base, secret,
prime)``; here the base is a number that computes its powers by GMP.

OpenSSL would do as well, but `cryptography` tests the prime that a server of group
exchange chooses for half a second, twice, and is about to drop these groups.
"""

from __future__ import annotations

import secrets
from typing import Any

import paramiko

try:
    from gmpy2 import powmod_sec
except ImportError:  # no wheel for this kind of machine: slower, not other
    powmod_sec = pow

EXPONENT_BITS = 512
"""Of the secret: twice the strength of the strongest cipher, as OpenSSH takes it.

Source: OpenSSH, dh.c, dh_gen_key.
"""


class Base(int):
    """A number whose powers are computed by GMP, in time that tells no secret."""

    def __pow__(self, exponent: int, modulus: int | None = None) -> Any:  # noqa: ANN401 - int's
        """Return the power."""
        if modulus is None or exponent <= 0:
            return pow(int(self), exponent, modulus)
        return int(powmod_sec(int(self), exponent, modulus))


class _Kept:
    # An attribute that keeps what it is given as a `Base`.

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = f"_{name}_base"

    def __get__(self, instance: Any, _owner: type) -> Any:  # noqa: ANN401 - paramiko's
        return getattr(instance, self._name, None)

    def __set__(self, instance: Any, value: int | None) -> None:  # noqa: ANN401
        setattr(instance, self._name, None if value is None else Base(value))


def _generate_x(exchange: Any) -> None:  # noqa: ANN401 - paramiko's
    exchange.x = secrets.randbits(EXPONENT_BITS) | 1 << (EXPONENT_BITS - 1)


def _quick(kind: Any) -> type:  # noqa: ANN401 - paramiko has no common base
    generator = {"G": Base(kind.G)} if hasattr(kind, "G") else {"g": _Kept()}
    changed = {"f": _Kept(), "_generate_x": _generate_x, **generator}
    return type(f"Quick{kind.__name__}", (kind,), changed)


_OWN: dict[str, type] = vars(paramiko.Transport)["_kex_info"]

QUICK = {
    name: _quick(kind)
    for name, kind in _OWN.items()
    if name.startswith("diffie-hellman-")
}
"""Name of a key exchange -> its class, with GMP's arithmetic."""


class Connection(paramiko.Transport):
    """paramiko's connection, with these key exchanges.

    sshd sends what it noted of a key as debug messages, in which paramiko looks at each
    byte for its log, whether or not anything is logged: a fifteenth of a connection.
    """

    _kex_info = {**_OWN, **QUICK}  # noqa: RUF012 - as paramiko has it

    def _parse_debug(self, message: paramiko.Message) -> None:
        pass
