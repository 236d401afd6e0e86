"""What all tests share: nothing of the user's, no colours, no stray bytecode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modferry_agent.system import factcache

pytest_plugins = ["support.practice"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top of the checkout."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def _sent_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the tests send out of the user's cache."""
    os.environ["MODFERRY_SENT"] = str(tmp_path_factory.mktemp("sent"))


@pytest.fixture(autouse=True)
def fact_caches(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Keep what depmod remembers apart from what it remembers of this machine."""
    folder = tmp_path_factory.getbasetemp() / "facts"
    monkeypatch.setattr(factcache, "_home", lambda: str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the user's home and the current directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("MODFERRY_LAB", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(folder)
    return folder
