"""OpenSSH's configuration, and the way it makes."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.errors import UsageError
from modferry.secrets import Secrets, Source
from modferry.transport import sshconfig
from modferry.transport.opening import Means
from modferry.transport.sshconfig import read_hop
from modferry.transport.sshroute import route

MEANS = Means(Secrets(Source(env="BOX")))


@pytest.fixture
def ssh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty ~/.ssh; the system's configuration is a file in it, too."""
    folder = home / ".ssh"
    folder.mkdir()
    monkeypatch.setattr(sshconfig, "SYSTEM_CONFIG", folder / "system")
    return folder


def test_without_a_configuration_openssh_s_defaults_hold(ssh: Path) -> None:
    hop = read_hop("saw")

    assert (hop.hostname, hop.port, hop.user) == ("saw", None, "")
    assert (hop.identities, hop.jumps, hop.proxy_command) == ((), (), "")
    assert hop.known_hosts[0] == str(ssh / "known_hosts")
    assert "/etc/ssh/ssh_known_hosts" in hop.known_hosts
    assert hop.use_agent
    assert not hop.identities_only


def test_what_is_said_first_holds_and_the_users_before_the_systems(ssh: Path) -> None:
    (ssh / "config").write_text("Host saw*\n  User one\nHost *\n  User two\n")
    (ssh / "system").write_text("User three\nPort 2222\nHashKnownHosts yes\n")

    hop = read_hop("saw3")

    assert (hop.user, hop.port, hop.hash_names) == ("one", 2222, True)
    assert read_hop("press").user == "two"


def test_every_word_that_is_followed_reaches_the_hop(ssh: Path) -> None:
    (ssh / "config").write_text(
        "Host saw\n"
        "  HostName = 10.0.0.3\n"
        "  IdentityFile ~/.ssh/one\n"
        "  IdentityFile %d/two\n"
        "  IdentitiesOnly yes\n"
        "  IdentityAgent none\n"
        "  HostKeyAlias saw-three\n"
        "  ProxyCommand none\n"
        '  UserKnownHostsFile "%d/with space" ~/second\n'
    )
    home = ssh.parent

    hop = read_hop("saw")

    assert hop.hostname == "10.0.0.3"
    assert hop.identities == (str(ssh / "one"), str(home / "two"))
    assert (hop.identities_only, hop.use_agent) == (True, False)
    assert hop.key_name == "saw-three"
    assert hop.proxy_command == ""
    assert hop.known_hosts[:2] == (str(home / "with space"), str(home / "second"))


def test_a_match_block_holds_for_whom_it_matches(ssh: Path) -> None:
    (ssh / "config").write_text(
        "Match Host saw,press\n  Port 2222\nMatch all\n  User op\n"
    )

    assert (read_hop("saw").port, read_hop("saw").user) == (2222, "op")
    assert read_hop("other").port is None


def test_after_an_include_the_block_before_it_goes_on(ssh: Path) -> None:
    (ssh / "config").write_text("Host saw\n  Include parts/*\n  User op\n")
    (ssh / "parts").mkdir()
    (ssh / "parts" / "a").write_text("Host press\n  User root\n")
    (ssh / "parts" / "b").write_text("Port 2222\n")

    assert read_hop("saw").user == "op"
    assert read_hop("press").user == "root"


def test_files_that_include_each_other_are_told(ssh: Path) -> None:
    (ssh / "config").write_text("Include config\n")

    with pytest.raises(UsageError, match="include each other"):
        read_hop("saw")


@pytest.mark.parametrize(
    "text",
    ["Host saw\n  Port many\n", "Match nonsense x\n", "Match host\n", "Include 'x\n"],
)
def test_what_is_not_understood_is_told(ssh: Path, text: str) -> None:
    (ssh / "config").write_text(text)

    with pytest.raises(UsageError):
        read_hop("saw")


def test_user_and_port_come_from_address_configuration_profile_in_that_order(
    ssh: Path,
) -> None:
    profile = replaced(Profile(), {"login.user": "op", "ssh.port": 2200})

    def place(url: str) -> str:
        return route(parse_address(url), profile, MEANS)[-1].place

    assert place("ssh://saw") == "op@saw:2200"
    (ssh / "config").write_text("Host saw\n  User conf\n  Port 22\n")
    assert place("ssh://saw") == "conf@saw:22"
    assert place("ssh://url@saw:23") == "url@saw:23"


def test_jumps_come_in_order_with_their_own_configuration(ssh: Path) -> None:
    (ssh / "config").write_text(
        "Host saw\n  ProxyJump me@one:2201, [::1]:2202 ,ssh://three\n"
        "Host one\n  ProxyJump zero\n"
        "Host three\n  User third\n  Port 2203\n"
    )

    stops = route(parse_address("ssh://root@saw"), Profile(), MEANS)

    here = getpass.getuser()
    assert [stop.place for stop in stops] == [
        f"{here}@zero:22",
        "me@one:2201",
        f"{here}@[::1]:2202",
        "third@three:2203",
        "root@saw:22",
    ]


def test_the_boxs_password_is_for_the_box_alone(ssh: Path) -> None:
    (ssh / "config").write_text("Host saw\n  ProxyJump gate\n")

    gate, saw = route(parse_address("ssh://root@saw"), Profile(), MEANS)

    assert gate.secrets == Secrets()
    assert saw.secrets == MEANS.secrets


def test_a_way_in_a_circle_is_told(ssh: Path) -> None:
    (ssh / "config").write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")

    with pytest.raises(UsageError, match="goes in a circle"):
        route(parse_address("ssh://a"), Profile(), MEANS)
