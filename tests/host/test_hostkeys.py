"""Files of host keys, as ssh-keygen writes and reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modferry.transport import hostkeys
from support.sshd import make_key

KEY, OTHER = b"\0\0\0\x07ssh-rsa-one", b"\0\0\0\x07ssh-rsa-two"
LINE = hostkeys.new_line("saw", "ssh-rsa", KEY, hashed=False).split(" ", 1)[1].strip()


def standing(text: str, name: str = "saw", key: bytes = KEY) -> hostkeys.Verdict:
    lines = list(hostkeys.parse_known_hosts(text, "f"))
    return hostkeys.verdict(lines, name, "ssh-rsa", key)


@pytest.mark.parametrize(
    "names",
    ["saw", "SAW", "other,saw", "s?w", "*", "!box,*aw", "10.0.0.1,saw"],
)
def test_names_and_patterns_match(names: str) -> None:
    assert standing(f"# comment\n\n{names} {LINE}") == hostkeys.Verdict(
        "known", "f:3", "ssh-rsa"
    )


@pytest.mark.parametrize("names", ["saw2", "[saw]:22", "!saw,*", "|1|x|y", "|2|a|b"])
def test_other_names_do_not(names: str) -> None:
    assert standing(f"{names} {LINE}").standing == "unknown"


def test_a_port_is_part_of_the_name() -> None:
    name = hostkeys.name_of("Saw", 2222)

    assert name == "[saw]:2222"
    assert standing(f"[saw]:2222 {LINE}", name).standing == "known"
    assert standing(f"saw {LINE}", name).standing == "unknown"
    assert standing(f"s {LINE}", name).standing == "unknown"


def test_another_key_has_changed_and_the_line_is_named() -> None:
    got = standing(f"other {LINE}\nsaw {LINE}", key=OTHER)

    assert got == hostkeys.Verdict("changed", "f:2", "ssh-rsa")


def test_one_of_several_keys_is_enough() -> None:
    ours = hostkeys.new_line("saw", "ssh-rsa", OTHER, hashed=False)

    assert standing(f"saw {LINE}\n{ours}", key=OTHER).where == "f:2"


def test_a_revoked_key_is_never_known() -> None:
    assert standing(f"saw {LINE}\n@revoked * {LINE}").standing == "revoked"


def test_an_authoritys_key_is_no_hosts_key() -> None:
    assert standing(f"@cert-authority * {LINE}").standing == "unknown"


def test_broken_lines_are_passed_over() -> None:
    assert standing(f"saw ssh-rsa %%%\nsaw\n@revoked\nsaw {LINE}").where == "f:4"


@pytest.mark.parametrize("hashed", [False, True])
def test_ssh_keygen_finds_what_was_written(tmp_path: Path, *, hashed: bool) -> None:
    key = make_key(tmp_path, "ed25519").with_suffix(".pub").read_text().split()
    octets = next(hostkeys.parse_known_hosts(f"x {key[0]} {key[1]}", "")).key
    file = tmp_path / "new" / "known_hosts"
    line = hostkeys.new_line("[saw]:22022", key[0], octets, hashed=hashed)

    hostkeys.write_line(str(file), "other ssh-rsa AAAA")  # no newline at its end
    hostkeys.write_line(str(file), line)

    found = subprocess.run(
        ["ssh-keygen", "-F", "[saw]:22022", "-f", file],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "line 2" in found
    assert ("saw" in file.read_text()) is not hashed
    lines = hostkeys.read_known_hosts(
        [str(tmp_path / "missing"), str(file)], "[saw]:22022"
    )
    got = hostkeys.verdict(lines, "[saw]:22022", key[0], octets)
    assert got == hostkeys.Verdict("known", f"{file}:2", key[0])


def test_fingerprints_are_ssh_keygens(tmp_path: Path) -> None:
    path = make_key(tmp_path, "ed25519").with_suffix(".pub")
    key = next(hostkeys.parse_known_hosts("x " + path.read_text(), "")).key

    def shown(kind: str) -> str:
        command = ["ssh-keygen", "-l", "-E", kind, "-f", path]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout

    assert hostkeys.fingerprint(key) in shown("sha256")
    assert f"MD5:{hostkeys.old_fingerprint(key)}" in shown("md5")
