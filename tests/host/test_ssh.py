"""Links over SSH, to real servers: of today, as they were once, and dropbear."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.errors import TransportError
from modferry.profiles import read_profile
from modferry.secrets import Secrets
from modferry.transport import Stderr, open_transport
from support.sshd import (
    OLD,
    Server,
    dropbear,
    free_port,
    old_binary,
    sshd,
)
from support.sshlink import QUICK, USER, answer, opened


def test_a_shell_answers_without_a_pty(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    link = opened(modern, known, keys["ed25519"])

    said = answer(link, b"tty; echo $((41+1)) oops >&2; echo end\n", b"end\n")

    assert said == b"not a tty\nend\n"
    assert (link.kind, link.name) == ("pipe", f"{USER}@127.0.0.1:{modern.port}")
    assert isinstance(link, Stderr)
    answer(link, b"echo\n", b"\n")
    assert link.stderr_text() == "42 oops\n"
    link.close()
    link.close()


def test_all_bytes_pass_both_ways_and_big_writes_too(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    link = opened(modern, known, keys["ed25519"])
    octets = bytes(range(256)) * 1200

    # The shell reads ahead: what is cat's is sent once the shell has read its line.
    answer(link, b"echo go; exec cat\n", b"go\n")
    said = answer(link, octets + b"THE END", b"THE END")

    assert said == octets + b"THE END"
    link.close()


def test_the_end_of_the_shell_is_told_with_its_status_and_stderr(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    link = opened(modern, known, keys["ed25519"])

    link.write(b"echo no python here >&2; exit 7\n")
    with pytest.raises(TransportError, match="broke") as caught:
        answer(link, b"", b"never")

    assert caught.value.why == "the shell ended with status 7"
    assert caught.value.where == "no python here"
    with pytest.raises(TransportError):
        link.write(b"more\n" * 1000)
    link.close()


@pytest.mark.parametrize("blanked", [False, True], ids=["offers", "is"])
@pytest.mark.parametrize("release", ["squeeze", "wheezy"])
def test_an_old_server_lets_an_rsa_key_in_by_its_profile_alone(
    home: Path, tmp_path: Path, keys: dict[str, Path], release: str, *, blanked: bool
) -> None:
    old = OLD[release]
    words = old_binary(tmp_path / "old", old.version) if blanked else []
    profile = read_profile(f"{release}-rtai")

    with sshd(
        tmp_path / "sshd",
        [keys["rsa"]],
        host_keys=old.host_keys,
        lines=old.lines,
        words=words,
    ) as server:
        known = server.known_hosts(tmp_path / "known_hosts")
        link = opened(server, known, keys["rsa"], profile)
        said = answer(link, b"echo $((41+1))\n", b"\n")
        link.close()
        with pytest.raises(TransportError) as caught:
            opened(server, known, keys["rsa"], read_profile("bookworm"))

    assert said == b"42\n"
    # Today's server says it verifies SHA-2, whatever it is configured to accept.
    if blanked or release == "squeeze":
        assert f"{release}-rtai" in caught.value.why + caught.value.next_step
        assert "SHA-1" in caught.value.why


def test_dropbear_without_sftp_serves_a_shell(
    home: Path, tmp_path: Path, keys: dict[str, Path]
) -> None:
    with dropbear(tmp_path / "dropbear", [keys["rsa"]]) as server:
        known = server.known_hosts(tmp_path / "known_hosts")
        link = opened(server, known, keys["rsa"], read_profile("busybox"))
        said = answer(link, b"echo $((41+1))\n", b"\n")
        link.close()
        with pytest.raises(TransportError, match="does not let"):
            opened(server, known, keys["stranger"], read_profile("busybox"))

    assert said == b"42\n"


def test_nobody_listens(home: Path, tmp_path: Path) -> None:
    port = free_port()

    with pytest.raises(TransportError, match="cannot be reached") as caught:
        opened(port, tmp_path / "known_hosts", None)

    assert caught.value.why == "Connection refused"


def test_an_unknown_name(home: Path) -> None:
    with pytest.raises(TransportError) as caught:
        open_transport(parse_address("ssh://nobody.invalid"), QUICK, secrets=Secrets())

    assert "the name is not known" in caught.value.why


@pytest.mark.parametrize("says", [b"", b"SSH-1.5-ancient\r\n", b"220 mail\r\n"])
def test_what_is_no_ssh_server_ends_in_time(
    home: Path, tmp_path: Path, says: bytes
) -> None:
    profile = replaced(Profile(), {"timeouts.connect_s": 0.5, "timeouts.auth_s": 1.0})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        child = os.fork()
        if child == 0:
            for _attempt in range(3):
                taken, _ = listener.accept()
                taken.sendall(says)
                globals().setdefault("kept", []).append(taken)
            time.sleep(60)
            os._exit(0)
        start = time.monotonic()
        try:
            with pytest.raises(TransportError) as caught:
                opened(port, tmp_path / "known_hosts", None, profile)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)

    assert time.monotonic() - start < 10
    assert "SSH s" in str(caught.value)
