"""Real sshds, each box with its own tree, faults among them; the controller killed.

    PYTHONPATH=host:agent:tests python tests/bench/fleet/scenario.py [BOXES [KILLS]]

As root.  First one run over all boxes, each kind of fault on some; then as many boxes
without faults, the controller killed at random moments and resumed.  Exit status 1 if
an outcome was wrong, or a box was lost or entered again after its end.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from support.killing import Campaign
from support.loopback import OUTCOMES, addresses, boxes


def _faulty(count: int, journal: Path) -> int:
    kinds = list(OUTCOMES)
    faulty = addresses(count)[::5]
    faults = {name: kinds[at % len(kinds)] for at, name in enumerate(faulty)}
    with boxes(count, faults=faults, trees=True) as there:
        campaign = Campaign(there, journal)
        start = time.monotonic()
        found = campaign.run(campaign.depmod("--retries", "0"))
        took = time.monotonic() - start
    wrong = 0
    told: Counter[tuple[str, str]] = Counter()
    for box in found["result"]["boxes"]:
        fault = faults.get(box["box"], "none")
        told[fault, box["outcome"]] += 1
        wrong += box["outcome"] != (OUTCOMES[fault][0] if fault in OUTCOMES else "done")
    print(f"{count} boxes, {len(faults)} with faults: {took:.1f} s, {wrong} wrong")
    for (fault, outcome), number in sorted(told.items()):
        print(f"  {fault}: {number} {outcome}")
    return wrong


def _killed(count: int, kills: int, seed: int, journal: Path) -> int:
    with boxes(count, trees=True) as there:
        campaign = Campaign(there, journal)
        campaign.kill_and_resume(kills, longest_s=count / 20, seed=seed)
        campaign.run(campaign.command("runs", "resume", "--json"))
        shown = campaign.run(campaign.command("runs", "show", "--json"))
        done = shown["result"]["summary"]["done"]
        indexed = sum((there.tree(n) / "modules.dep").exists() for n in there.addresses)
        logins = sum(map(there.logins, there.addresses))
    print(
        f"{count} boxes, {campaign.kills} kills (seed {seed}): {done} done, {indexed} "
        f"indexed, {len(campaign.twice)} entered after their end, {logins} logins"
    )
    return (count - done) + (count - indexed) + len(campaign.twice)


def main() -> int:
    """Run both; return the exit status."""
    numbers = [int(word) for word in sys.argv[1:]]
    count, kills = (numbers + [200, 20][len(numbers) :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        wrong = _faulty(count, Path(folder) / "one")
        wrong += _killed(count, kills, 1, Path(folder) / "two")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
