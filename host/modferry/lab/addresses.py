"""The addresses of a practice box that runs, as a fleet file and as known hosts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

CONSOLE_NAME = "practice"
SSH_NAME = "practice-ssh"


def known_hosts(port: int, keys: Iterable[str]) -> str:
    """Return the text of a known_hosts file for the box behind a local port.

    keys: of its sshd: kind and key, a space between.
    """
    return "".join(f"[127.0.0.1]:{port} {key}\n" for key in keys)


def fleet_file(
    *,
    serial_socket: Path,
    ssh_port: int,
    password_file: Path,
    identity_file: Path,
    known_hosts_file: Path,
) -> str:
    """Return the text of a fleet file that names the box twice: console and SSH.

    It is written as JSON: YAML's, too, whatever is in a path.
    """
    login = {
        "profile": "practice",
        "user": "root",
        "password_file": str(password_file),
    }
    boxes = {
        CONSOLE_NAME: {
            "address": "serial+unix://" + quote(str(serial_socket)),
            **login,
        },
        SSH_NAME: {
            "address": f"ssh://127.0.0.1:{ssh_port}",
            **login,
            "identity_file": str(identity_file),
            "known_hosts": str(known_hosts_file),
        },
    }
    return json.dumps({"boxes": boxes}, indent=2) + "\n"
