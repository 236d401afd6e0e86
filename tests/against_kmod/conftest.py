"""The depmods to compare with."""

from __future__ import annotations

import pytest

from support import kmods


@pytest.fixture(scope="session", params=["machine", "newer"])
def depmod(request: pytest.FixtureRequest) -> kmods.Depmod:
    """Return kmod's own depmod: the machine's, then a newer one."""
    if request.param == "machine":
        return kmods.machines_depmod()
    return kmods.newer_depmod()
