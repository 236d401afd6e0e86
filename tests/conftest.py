"""What all tests share: nothing of the user's, no colours, no stray bytecode."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from modferry_agent.system import factcache

pytest_plugins = ["support.practice"]

ROOT = Path(__file__).resolve().parent.parent


_INAPPLICABLE = "does not apply: "
"""How the reason of a skip begins that no installing would change."""


def _refuse_skips(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where all is installed, in CI, what is skipped was forgotten."""
    reason = str(report.longrepr)
    if report.skipped and os.environ.get("CI") and _INAPPLICABLE not in reason:
        report.outcome = "failed"
        report.longrepr = f"nothing is skipped in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, Any]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skips(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, Any]:
    report = yield
    _refuse_skips(report)
    return report


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
