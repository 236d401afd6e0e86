"""Hatchling's hook: the agent's archive and the profiles go into a standard wheel.

An editable install gets neither: `modferry.resources` then reads the working tree.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedResources(BuildHookInterface[BuilderConfig]):
    """Put ``agent.pyz`` and ``profiles/`` beside the host's Python files."""

    scratch: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the archive outside the tree and say where it belongs."""
        if version == "editable":
            return
        root = Path(self.root)
        build_agent = runpy.run_path(str(root / "host/modferry/bundle.py"))[
            "build_agent"
        ]
        self.scratch = tempfile.TemporaryDirectory(prefix="modferry-build-")
        archive = Path(self.scratch.name) / "agent.pyz"
        archive.write_bytes(build_agent(root / "agent/modferry_agent"))
        include = build_data["force_include"]
        include[str(archive)] = "modferry/agent.pyz"
        include[str(root / "profiles")] = "modferry/profiles"

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        """Remove what was built outside the tree."""
        if self.scratch is not None:
            self.scratch.cleanup()
            self.scratch = None
