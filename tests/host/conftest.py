"""The servers that several tests talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway import Gateway
from support.sshd import Server, make_key, needed, sshd


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a user's key of each kind; none is in anybody's ~/.ssh."""
    folder = tmp_path_factory.mktemp("keys")
    needed("sshd")
    made = {kind: make_key(folder, kind) for kind in ("rsa", "ecdsa", "ed25519")}
    return {
        **made,
        "stranger": make_key(folder, "ed25519", "stranger"),
        "locked": make_key(folder, "ed25519", "locked", "open sesame"),
    }


@pytest.fixture(scope="session")
def modern(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Path]
) -> Iterator[Server]:
    """Run today's sshd as it comes."""
    users = [keys[kind] for kind in ("rsa", "ecdsa", "ed25519", "locked")]
    with sshd(
        tmp_path_factory.mktemp("modern"), users, host_keys=("ed25519", "rsa")
    ) as server:
        yield server


@pytest.fixture(params=["", "&transport=openssh"], ids=["paramiko", "openssh"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def gateway(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> Gateway:
    known = modern.known_hosts(tmp_path / "known_hosts")
    return Gateway(modern, known, keys["ed25519"])
