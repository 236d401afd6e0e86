"""The agent's commands, installed as ``modferry deploy`` does, for any Python."""

from __future__ import annotations

import subprocess
from pathlib import Path

from modferry import resources
from modferry_agent.jobs.install import ARCHIVE


def installed(python: str, folder: Path) -> Path:
    """Install the agent's commands for a Python in a new folder; return the folder."""
    folder.mkdir()
    archive = folder / ARCHIVE
    archive.write_bytes(resources.agent_archive())
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from modferry_agent.jobs import install; install.install_names(sys.argv[2])"
    )
    subprocess.run([python, "-c", code, archive, folder], check=True)
    return folder
