"""Links by the system's ssh: today's server, old ones by their profile, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.errors import TransportError
from modferry.fleet.inventory import read_inventory
from modferry.profiles import read_profile
from modferry.secrets import Secrets
from modferry.transport import Transport, open_transport
from support.sshd import OLD, Server, dropbear, free_port, old_binary, sshd
from support.sshlink import USER, answer


def opened(
    server: Server | int,
    known: Path,
    key: Path,
    profile: Profile | None = None,
    *,
    accept_new: bool = False,
) -> Transport:
    port = server if isinstance(server, int) else server.port
    url = (
        f"ssh://{USER}@127.0.0.1:{port}"
        f"?known_hosts={known}&identity={key}&transport=openssh"
    )
    return open_transport(
        parse_address(url),
        profile or Profile(),
        secrets=Secrets(),
        accept_new=accept_new,
    )


def test_a_shell_answers(home, tmp_path, modern, keys):
    known = modern.known_hosts(tmp_path / "known")
    link = opened(modern, known, keys["ed25519"])

    assert answer(link, b"tty; echo end\n", b"end\n") == b"not a tty\nend\n"
    link.close()


@pytest.mark.parametrize("release", ["squeeze", "wheezy"])
def test_an_old_server_lets_an_rsa_key_in_by_its_profile_alone(
    home, tmp_path, keys, release
):
    old = OLD[release]
    with sshd(
        tmp_path / "sshd", [keys["rsa"]], host_keys=old.host_keys, lines=old.lines,
        words=old_binary(tmp_path / "old", old.version),
    ) as server:  # fmt: skip
        known = server.known_hosts(tmp_path / "known")
        link = opened(server, known, keys["rsa"], read_profile(f"{release}-rtai"))
        said = answer(link, b"echo $((41+1))\n", b"\n")
        link.close()
        link = opened(server, known, keys["rsa"], read_profile("bookworm"))
        with pytest.raises(TransportError) as caught:
            answer(link, b"", b"never")
        link.close()

    assert said == b"42\n"
    assert caught.value.next_step


def test_dropbear_without_sftp_serves_a_shell(home, tmp_path, keys):
    with dropbear(tmp_path / "dropbear", [keys["rsa"]]) as server:
        known = server.known_hosts(tmp_path / "known")
        link = opened(server, known, keys["rsa"], read_profile("busybox"))
        said = answer(link, b"echo $((41+1))\n", b"\n")
        link.close()

    assert said == b"42\n"


def test_an_unknown_host_is_refused_unless_told(home, tmp_path, modern, keys):
    known = tmp_path / "known"
    link = opened(modern, known, keys["ed25519"])
    with pytest.raises(TransportError, match="Host key verification failed") as caught:
        answer(link, b"", b"never")
    assert "--accept-new" in caught.value.next_step
    assert not caught.value.passing
    link.close()

    link = opened(modern, known, keys["ed25519"], accept_new=True)
    assert answer(link, b"echo end\n", b"end\n") == b"end\n"
    link.close()
    assert known.exists()


def test_a_refused_connection_is_worth_another_try(home, tmp_path, keys):
    link = opened(free_port(), tmp_path / "known", keys["ed25519"])

    with pytest.raises(TransportError, match="Connection refused") as caught:
        answer(link, b"", b"never")

    assert caught.value.passing
    link.close()


def test_the_fleet_file_chooses_it(home):
    (home / "modferry.yaml").write_text(
        "boxes:\n"
        "  a: {address: 'ssh://a', transport: openssh}\n"
        "  b: {address: 'ssh://b', transport: telnet}\n"
        "g: {hosts: {c: {modferry_transport: openssh}}}\n"
    )
    inventory = read_inventory()

    for name in "ac":
        assert inventory.resolve(name).address.options["transport"] == "openssh"
    with pytest.raises(Exception, match='no transport "telnet"') as caught:
        inventory.resolve("b")
    assert caught.value.where == f"{home / 'modferry.yaml'}:3"
