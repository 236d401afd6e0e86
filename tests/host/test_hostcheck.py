"""Host keys, against a real server: known, new, changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modferry.errors import TransportError
from support.sshd import (
    Server,
)
from support.sshlink import opened


def test_an_unknown_host_key_is_refused_and_accepted_when_told(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = tmp_path / "folder" / "known_hosts"
    shown = subprocess.run(
        ["ssh-keygen", "-lf", modern.host_keys["ed25519"]],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    with pytest.raises(TransportError, match="is not known") as caught:
        opened(modern, known, keys["ed25519"])
    opened(modern, known, keys["ed25519"], accept_new=True).close()
    opened(modern, known, keys["ed25519"]).close()

    assert shown.split()[1] in caught.value.why
    assert "--accept-new" in caught.value.next_step
    assert known.stat().st_mode & 0o777 == 0o600
    found = subprocess.run(
        ["ssh-keygen", "-F", f"[127.0.0.1]:{modern.port}", "-f", known],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "found: line 1" in found


def test_a_configuration_that_asks_for_no_checks_is_not_followed(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text("Host *\n  StrictHostKeyChecking no\n")

    with pytest.raises(TransportError, match="is not known"):
        opened(modern, tmp_path / "known_hosts", keys["ed25519"])


@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_host_key_is_refused_whatever_is_told(
    home: Path,
    tmp_path: Path,
    modern: Server,
    keys: dict[str, Path],
    *,
    accept_new: bool,
) -> None:
    known = tmp_path / "known_hosts"
    other = keys["stranger"].with_suffix(".pub").read_text()
    known.write_text(f"# boxes\n[127.0.0.1]:{modern.port} {other}")
    before = known.read_bytes()

    with pytest.raises(TransportError, match="is not the known one") as caught:
        opened(modern, known, keys["ed25519"], accept_new=accept_new)

    assert caught.value.where == f"{known}:2"
    assert f"ssh-keygen -f {known} -R '[127.0.0.1]:{modern.port}'" in (
        caught.value.next_step
    )
    assert known.read_bytes() == before


def test_the_known_type_of_key_is_asked_for_first(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts", "rsa")

    opened(modern, known, keys["ed25519"]).close()


def test_a_server_known_by_another_type_only_has_changed(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = tmp_path / "known_hosts"
    ecdsa = keys["ecdsa"].with_suffix(".pub").read_text()
    known.write_text(f"[127.0.0.1]:{modern.port} {ecdsa}")

    with pytest.raises(TransportError, match="is not the known one"):
        opened(modern, known, keys["ed25519"], accept_new=True)


def test_a_hashed_name_is_known(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    subprocess.run(["ssh-keygen", "-H", "-f", known], check=True, capture_output=True)

    opened(modern, known, keys["ed25519"]).close()

    assert b"127.0.0.1" not in known.read_bytes()
