"""Where passwords come from."""

from __future__ import annotations

import os
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


def test_a_command_gives_the_first_line_it_prints_once_for_all(home):
    source = Source(command="echo x >> ran; printf 'sesame\\nmore\\n'")

    said = [Secrets(source).login_password(f"u@{name}") for name in ("a", "b")]

    assert said == ["sesame", "sesame"]
    assert (home / "ran").read_text() == "x\n"


def test_a_command_that_fails_is_told_without_what_it_printed(home):
    with pytest.raises(UsageError, match="gives no password") as caught:
        Secrets(Source(command="echo secret; exit 3")).login_password("u@a")

    assert "status 3" in caught.value.why
    assert "secret" not in caught.value.why


def test_a_descriptor_is_read_once_for_all(home):
    reader, writer = os.pipe()
    os.write(writer, b"sesame\n")
    os.close(writer)
    source = Source(descriptor=reader)

    said = [Secrets(source).login_password(f"u@{name}") for name in ("a", "b")]
    os.close(reader)

    assert said == ["sesame", "sesame"]


def test_no_secret_is_in_what_is_printed_of_its_source():
    assert "sesame" not in repr(Source(value="sesame"))
