"""A real sshd or dropbear on a loopback port, with keys and a configuration of its own.

`OLD` has what the servers of Squeeze and Wheezy had.  A server of today that merely
offers old algorithms still tells what it accepts, which changes what clients try:
`old_binary` blanks its version, its EXT_INFO and its strict key exchange, too.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class OldServer:
    """A server of once: its version, the lines of sshd_config, types of host keys."""

    version: str
    lines: tuple[str, ...]
    host_keys: tuple[str, ...]


OLD_KEX = (
    "diffie-hellman-group-exchange-sha256,"
    "diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1"
)

# Recorded from the release's sources: myproposal.h of OpenSSH 5.5p1 and 6.0p1.
OLD: Mapping[str, OldServer] = {
    "squeeze": OldServer(
        "OpenSSH_5.5p1",
        (
            f"KexAlgorithms {OLD_KEX}",
            "HostKeyAlgorithms ssh-rsa",
            "PubkeyAcceptedAlgorithms ssh-rsa",
            "Ciphers aes128-ctr,aes128-cbc,3des-cbc",
            "MACs hmac-md5,hmac-sha1",
        ),
        ("rsa",),
    ),
    "wheezy": OldServer(
        "OpenSSH_6.0p1",
        (
            f"KexAlgorithms ecdh-sha2-nistp256,{OLD_KEX}",
            "HostKeyAlgorithms ecdsa-sha2-nistp256,ssh-rsa",
            "PubkeyAcceptedAlgorithms ssh-rsa,ecdsa-sha2-nistp256",
            "Ciphers aes128-ctr,aes128-cbc,3des-cbc",
            "MACs hmac-md5,hmac-sha1,hmac-sha2-256",
        ),
        ("rsa", "ecdsa"),
    ),
}


def needed(program: str) -> str:
    """Return the program's path, or skip the test naming its package."""
    packages = {"sshd": "openssh-server", "dropbear": "dropbear-bin"}
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"no {program}: apt install {packages.get(program, program)}")
    return path


def make_key(folder: Path, kind: str, name: str = "", passphrase: str = "") -> Path:
    """Return a new key of that kind, as ssh-keygen makes it."""
    path = folder / (name or f"key_{kind}")
    size = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        [needed("ssh-keygen"), "-q", "-t", kind, *size, "-N", passphrase, "-C", "test",
         "-f", str(path)],
        check=True,
    )  # fmt: skip
    return path


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, its host keys by kind, its log."""

    port: int
    host_keys: Mapping[str, Path]
    log: Path

    def known_hosts(self, path: Path, kind: str = "") -> Path:
        """Write the file of host keys that knows this server."""
        keys = [k for name, k in self.host_keys.items() if kind in ("", name)]
        lines = [
            f"[127.0.0.1]:{self.port} {key.with_suffix('.pub').read_text()}"
            for key in keys
        ]
        path.write_text("".join(lines))
        return path


def old_binary(folder: Path, version: str) -> list[str]:
    """Return the words that start a copy of sshd which says it is of that version.

    Each string is replaced by one of the same length, so nothing moves in the file.
    """
    folder.mkdir()
    sshd = folder / "sshd"
    sshd.write_bytes(_blanked(Path(needed("sshd")).read_bytes(), version))
    sshd.chmod(0o755)
    words = [str(sshd)]
    # Since OpenSSH 9.8 and 10.0 sessions and logins have programs of their own.
    for option, name in (
        ("SshdSessionPath", "sshd-session"),
        ("SshdAuthPath", "sshd-auth"),
    ):
        program = Path("/usr/lib/openssh") / name
        if program.exists():
            copy = folder / name
            copy.write_bytes(_blanked(program.read_bytes(), version))
            copy.chmod(0o755)
            words += ["-o", f"{option}={copy}"]
    return words


def _blanked(octets: bytes, version: str) -> bytes:
    def said(found: re.Match[bytes]) -> bytes:
        return version.encode().ljust(len(found[0]), b"\0")

    octets = re.sub(rb"OpenSSH_\d+\.\d+p\d+[^\0]*", said, octets)
    # The ends stay: "-c", which starts the shell, is the end of "ext-info-c".
    for word in (b"ext-info", b"kex-strict-s", b"kex-strict-c"):
        octets = octets.replace(word, b"x" * len(word))
    return octets


@contextmanager
def sshd(
    folder: Path,
    authorized: Sequence[Path],
    *,
    host_keys: Sequence[str] = ("ed25519",),
    lines: Sequence[str] = (),
    words: Sequence[str] = (),
) -> Iterator[Server]:
    """Run sshd while the block does; ``words`` start it, ``lines`` configure it."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # Its privilege separation wants the folder the service would make.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    keys = {kind: make_key(folder, kind, f"host_{kind}") for kind in host_keys}
    (folder / "authorized_keys").write_text(
        "".join(key.with_suffix(".pub").read_text() for key in authorized)
    )
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        "\n".join(
            [
                "ListenAddress 127.0.0.1",
                f"Port {port}",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin yes",
                "MaxStartups 100",
                "LogLevel DEBUG1",
                f"AuthorizedKeysFile {folder}/authorized_keys",
                *(f"HostKey {path}" for path in keys.values()),
                *lines,
                "",
            ]
        )
    )
    log = folder / "log"
    start = list(words) or [needed("sshd")]
    command = [*start, "-D", "-f", str(config), "-E", str(log)]
    with _running(command, port, log):
        yield Server(port, keys, log)


@contextmanager
def dropbear(folder: Path, authorized: Sequence[Path]) -> Iterator[Server]:
    """Run dropbear, with an RSA host key.

    It looks for the user's keys in the home that /etc/passwd names, and nowhere else:
    it gets an /etc/passwd of its own, in a mount namespace.
    """
    unshare = ["unshare", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here: dropbear needs root, or user namespaces")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "host_rsa"
    key = [needed("dropbearkey"), "-t", "rsa", "-s", "2048", "-f", str(made)]
    shown = subprocess.run(key, check=True, capture_output=True, text=True).stdout
    public = next(line for line in shown.splitlines() if line.startswith("ssh-rsa"))
    made.with_suffix(".pub").write_text(public + "\n")
    user = pwd.getpwuid(os.geteuid())
    (folder / ".ssh").mkdir(mode=0o700)
    (folder / ".ssh" / "authorized_keys").write_text(
        "".join(key.with_suffix(".pub").read_text() for key in authorized)
    )
    (folder / ".ssh" / "authorized_keys").chmod(0o600)
    passwd = folder / "passwd"
    passwd.write_text(
        f"{user.pw_name}:x:{user.pw_uid}:{user.pw_gid}::{folder}:/bin/sh\n"
    )
    port = free_port()
    log = folder / "log"
    command = [
        *unshare, "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', str(passwd),
        needed("dropbear"), "-F", "-E", "-s", "-p", f"127.0.0.1:{port}",
        "-P", str(folder / "pid"), "-r", str(made),
    ]  # fmt: skip
    folder.chmod(0o700)
    with _running(command, port, log, stderr=log):
        yield Server(port, {"rsa": made}, log)


@contextmanager
def _running(
    command: Sequence[str], port: int, log: Path, stderr: Path | None = None
) -> Iterator[None]:
    with (stderr or Path(os.devnull)).open("wb") as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
    try:
        _wait_for(child, port, log)
        yield
    finally:
        child.terminate()
        child.wait(10)


def _wait_for(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while child.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)  # nothing tells when it listens
        else:
            return
    said = log.read_text() if log.exists() else ""
    raise AssertionError(f"{child.args!r} does not listen:\n{said}")
