"""Where this machine gets Debian's packages from, and an apt of another state."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror() -> str:
    """Return the machine's Debian mirror, as apt has it; LookupError without one."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    uris = subprocess.run(
        [*command, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    found = [uri for uri in uris if uri.rstrip("/").endswith("/debian")]
    if not found:
        message = "apt knows no Debian mirror"
        raise LookupError(message)
    return found[0]


def private_apt(
    state: Path, suite: str, *, kind: str = "deb", architecture: str = ""
) -> Mapping[str, str]:
    """Return the environment of an apt that keeps all of its own in `state`, made anew.

    kind: "deb" or "deb-src".  architecture: which packages, if not the machine's.
    """
    shutil.rmtree(state, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    signed = f"[signed-by={_KEYRING}] " if Path(_KEYRING).exists() else ""
    line = f"{kind} {signed}{mirror()} {suite} main\n"
    (state / "sources.list").write_text(line)
    lines = [
        f'Dir::Etc::sourcelist "{state}/sources.list";',
        'Dir::Etc::sourceparts "-";',
        f'Dir::State "{state}";',
        f'Dir::State::status "{state}/status";',
        f'Dir::Cache "{state}/cache";',
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
    ]
    if architecture:
        lines += [
            f'APT::Architecture "{architecture}";',
            f'APT::Architectures {{ "{architecture}"; }};',
        ]
    (state / "apt.conf").write_text("\n".join(lines) + "\n")
    return {**os.environ, "APT_CONFIG": str(state / "apt.conf")}
