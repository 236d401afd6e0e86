"""Check a server's key: known, or told to be accepted; a changed one never is."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import paramiko

from modferry.errors import TransportError, system_words
from modferry.transport import hostkeys
from modferry.transport.sshauth import RSA_ALGORITHMS
from modferry.transport.sshconfig import Hop


@dataclass(frozen=True, slots=True)
class KeyBook:
    """What is known of one server's keys, and where a new one is written.

    name: the server's, as the files have it.
    """

    lines: tuple[hostkeys.Line, ...]
    name: str
    place: str
    files: tuple[str, ...]
    hash_names: bool

    @classmethod
    def of(cls, hop: Hop, port: int, place: str) -> KeyBook:
        """Read what is known of a server."""
        # An alias stands for host and port together.
        name = hop.key_name.lower() or hostkeys.name_of(hop.hostname, port)
        lines = hostkeys.read_known_hosts(hop.known_hosts, name)
        return cls(tuple(lines), name, place, hop.known_hosts, hop.hash_names)

    def preferred(self, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return the allowed algorithms, those of the known keys first."""
        known: set[str] = set()
        for name in hostkeys.known_algorithms(self.lines, self.name):
            known.update(RSA_ALGORITHMS if name == "ssh-rsa" else (name,))
        return tuple(sorted(allowed, key=lambda name: name not in known))

    def check(self, key: paramiko.PKey, *, accept_new: bool) -> None:
        """Return if the key is known or accepted as new; else raise TransportError."""
        octets, algorithm = key.asbytes(), key.get_name()
        found = hostkeys.verdict(self.lines, self.name, algorithm, octets)
        if found.standing == "known":
            return
        print_ = (
            f"{algorithm} {hostkeys.fingerprint(octets)} "
            f"(MD5 {hostkeys.old_fingerprint(octets)})"
        )
        if found.standing == "revoked":
            raise TransportError(
                f"the host key of {self.place} is revoked",
                where=found.where,
                why=f"the server shows {print_}",
                next_step="give the box a new host key",
            )
        if found.standing == "changed":
            file = found.where.rpartition(":")[0]
            raise TransportError(
                f"the host key of {self.place} is not the known one",
                where=found.where,
                why=f"the line has a {found.algorithm} key, the server shows {print_}\n"
                "the box was reinstalled, or another machine answers in its place",
                next_step="compare with ssh-keygen -l on the box's console; if it is "
                f"right: ssh-keygen -f {shlex.quote(file)} -R {shlex.quote(self.name)}",
            )
        if not accept_new:
            raise TransportError(
                f"the host key of {self.place} is not known",
                where=self.files[0] if self.files else "no file of known hosts",
                why=f"the server shows {print_}",
                next_step="compare with ssh-keygen -l on the box's console; if it is "
                "right: the same command with --accept-new",
            )
        self._write(algorithm, octets)

    def _write(self, algorithm: str, octets: bytes) -> None:
        line = hostkeys.new_line(self.name, algorithm, octets, hashed=self.hash_names)
        try:
            hostkeys.write_line(self.files[0], line)
        except (OSError, IndexError) as error:
            raise TransportError(
                f"the new host key of {self.place} cannot be written down",
                where=self.files[0] if self.files else "no file of known hosts",
                why=system_words(error),
                next_step="name a file that can be written with known_hosts",
            ) from error
