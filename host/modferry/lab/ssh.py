"""The system's ssh to the practice box: what a person would type."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from modferry.errors import TransportError
from modferry.lab import programs
from modferry.lab.box import PracticeBox


def ssh_argv(box: PracticeBox, command: Iterable[str] = ()) -> list[str]:
    """Return the words that run a command as root on the box, or log in there.

    Nothing of the user's is read: no configuration, no keys, no known hosts.
    """
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(box.known_hosts),
    }
    return [
        programs.find("ssh"),
        *("-F", "none", "-i", str(box.ssh_key), "-p", str(box.ssh_port)),
        *(f"-o{name}={value}" for name, value in options.items()),
        "root@127.0.0.1",
        *command,
    ]


def run_on(box: PracticeBox, command: str, timeout_s: float = 60.0) -> tuple[int, str]:
    """Return the exit status and the output, stderr among it, of a shell command."""
    try:
        ended = subprocess.run(  # noqa: S603 - the words above, no shell here
            ssh_argv(box, [command]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TransportError(
            f'"{command}" did not end within {timeout_s:.0f} s', where="practice box"
        ) from error
    return ended.returncode, ended.stdout.decode(errors="replace")
