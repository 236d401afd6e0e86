"""A run that is killed, or whose disk fails, at each system call on the tree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from support import faults

FAULTS = ("signal=KILL", "error=ENOSPC", "error=EIO")

# What can find the disk full; what only looks cannot, and has its error from EIO.
# tests/bench/faults.py has ENOSPC at those, too.
TAKES_ROOM = "chmod fchmod fsync link mkdir openat rename symlink unlink write"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_set_is_the_old_or_the_new_one_and_the_next_run_cleans_up(
    site, tmp_path: Path, fault: str
):
    faults.require_strace()
    assert site.run() == 0
    clean = site.listing()
    site.restore()
    calls = faults.calls_of(site.run, site.root, tmp_path / "log")
    if fault == "error=ENOSPC":
        calls = [call for call in calls if call[0] in TAKES_ROOM.split()]
    assert {"rename", "fsync", "write", "symlink"} <= {name for name, _ in calls}
    outcomes: Counter[tuple[str, str, int]] = Counter()
    wrong = []

    for call in calls:
        site.restore()
        status = faults.injected(site.run, call, fault)
        state = site.state()
        outcomes[call[0], state, status] += 1
        if state not in ("old", "new") or (status == 0 and state != "new"):
            wrong.append((call, status, state))
        if site.run() != 0 or site.state() != "new" or site.listing() != clean:
            wrong.append((call, "the next run", site.listing()))

    print(*wrong, sep="\n")
    for (name, state, status), count in sorted(outcomes.items()):
        print(f"{fault:13} {name:12} {count:4} x set {state}, status {status}")
    totals = Counter(state for _, state, _ in outcomes.elements())
    print(f"{fault}: {len(calls)} calls, {dict(totals)}")
    assert wrong == []
    expected = {-9} if fault == "signal=KILL" else {0, 1}
    assert {status for _, _, status in outcomes} <= expected
