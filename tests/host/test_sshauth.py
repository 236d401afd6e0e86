"""Log in to real servers: keys, the agent, passwords."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

from modferry.errors import TransportError
from modferry.secrets import Secrets, Source
from support.sshd import (
    Server,
    needed,
)
from support.sshlink import USER, opened


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_each_kind_of_key_logs_in(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path], kind: str
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")

    opened(modern, known, keys[kind]).close()


def test_a_wrong_key_says_what_was_tried(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")

    with pytest.raises(TransportError, match=f'does not let "{USER}" in') as caught:
        opened(modern, known, keys["stranger"])

    assert f"refused: {keys['stranger']}" in caught.value.why
    assert "identity_file" in caught.value.next_step


def test_a_missing_key_says_so(home: Path, tmp_path: Path, modern: Server) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")

    with pytest.raises(TransportError) as caught:
        opened(modern, known, tmp_path / "nothing")

    assert "there is no such file" in caught.value.why


def test_a_locked_key_wants_its_passphrase(
    home: Path, tmp_path: Path, modern: Server, keys: dict[str, Path]
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    asked: list[str] = []

    def person(prompt: str) -> str:
        asked.append(prompt)
        return "open sesame"

    with pytest.raises(TransportError) as caught:
        opened(modern, known, keys["locked"])
    opened(modern, known, keys["locked"], secrets=Secrets(ask=person)).close()

    assert "it wants a passphrase" in caught.value.why
    assert asked == [f"passphrase of {keys['locked']}: "]


def test_the_agents_keys_are_tried(
    home: Path,
    tmp_path: Path,
    modern: Server,
    keys: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = modern.known_hosts(tmp_path / "known_hosts")
    place = tmp_path / "agent"
    agent = subprocess.Popen(
        [needed("ssh-agent"), "-D", "-a", place], stdout=subprocess.PIPE
    )
    try:
        assert agent.stdout
        agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        add = ["ssh-add", "-q", keys["rsa"]]
        subprocess.run(add, check=True, capture_output=True)

        opened(modern, known, None).close()
    finally:
        agent.terminate()
        agent.communicate()


class PasswordServer(paramiko.ServerInterface):
    """A server that takes a password, and a shell command that it echoes."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == (USER, "right")
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(
        self, channel: paramiko.Channel, command: bytes
    ) -> bool:
        channel.sendall(command)
        return True


@pytest.mark.parametrize("password", ["right", "wrong", None])
def test_a_password_comes_from_the_environment(
    home: Path,
    tmp_path: Path,
    keys: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    password: str | None,
) -> None:
    if password:
        monkeypatch.setenv("BOX_PASSWORD", password)
    secrets = Secrets(Source(env="BOX_PASSWORD")) if password else Secrets()
    known = tmp_path / "known_hosts"
    host_key = paramiko.ECDSAKey.generate()
    public = f"{host_key.get_name()} {host_key.get_base64()}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known.write_text(f"[127.0.0.1]:{port} {public}\n")

        def serve() -> None:
            taken, _ = listener.accept()
            server = paramiko.Transport(taken)
            server.add_server_key(host_key)
            server.start_server(server=PasswordServer())
            servers.append(server)

        servers: list[paramiko.Transport] = []
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            if password == "right":
                link = opened(port, known, None, secrets=secrets)
                assert link.read(5.0) == b"exec sh"
                link.close()
            else:
                with pytest.raises(TransportError, match="does not let") as caught:
                    opened(port, known, None, secrets=secrets)
                tried = "refused: the password" if password else "there is no key"
                assert tried in caught.value.why
        finally:
            thread.join()
            for server in servers:
                server.close()
