"""What makes lines of the answers of an upgrade's commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modferry.core import repairtext, snapshottext, upgrade, verifying
from modferry.core.results import Value

TEXTS: Mapping[str, Callable[[Value], list[str]]] = MappingProxyType(
    {
        "diff": snapshottext.difference_lines,
        "repair aliases": repairtext.repair_lines,
        "repair divert": repairtext.repair_lines,
        "repair hook": repairtext.hook_lines,
        "repair indexes": repairtext.repair_lines,
        "snapshot": snapshottext.snapshot_lines,
        "upgrade check": upgrade.check_lines,
        "upgrade verify": verifying.verification_lines,
    }
)
"""The command's words -> what makes lines of its answer."""
