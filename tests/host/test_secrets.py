"""Where passwords come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry.errors import UsageError
from modferry.secrets import Secrets, Source


def test_a_password_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOX", "open")

    assert Secrets(Source(env="BOX")).login_password("root@saw") == "open"


def test_a_missing_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOX", raising=False)

    with pytest.raises(UsageError, match='no environment variable "BOX"'):
        Secrets(Source(env="BOX")).login_password("root@saw")


def test_a_password_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" op en \r\nmore\n")
    file.chmod(0o600)

    assert Secrets(Source(file=str(file))).login_password("root@saw") == " op en "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    file.write_text("sesame\n")
    file.chmod(mode)

    with pytest.raises(UsageError, match="others may read") as caught:
        Secrets(Source(file=str(file))).login_password("root@saw")

    assert caught.value.next_step == f"chmod 600 {file}"
    assert "sesame" not in caught.value.report()


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not readable"):
        Secrets(Source(file=str(tmp_path / "no"))).login_password("root@saw")


def test_a_person_is_asked_once_and_nobody_never() -> None:
    asked: list[str] = []

    def person(prompt: str) -> str:
        asked.append(prompt)
        return "open"

    secrets = Secrets(ask=person)

    assert [secrets.login_password("root@saw") for _ in range(2)] == ["open", "open"]
    assert asked == ["password of root@saw: "]
    assert secrets.values() == ("open",)
    assert Secrets().login_password("root@saw") is None
    assert Secrets().passphrase("key") is None


def test_the_logins_password_serves_to_become_root_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGIN", "open")
    monkeypatch.setenv("ROOT", "sesame")

    one = Secrets(Source(env="LOGIN"))
    two = Secrets(Source(env="LOGIN"), Source(env="ROOT"))

    assert one.become_password("op@saw") == "open"
    assert two.become_password("op@saw") == "sesame"


def test_secrets_do_not_show_in_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", "sesame")
    secrets = Secrets(Source(env="BOX"))

    secrets.login_password("root@saw")

    assert "sesame" not in repr(secrets)
