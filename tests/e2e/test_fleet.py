"""A fleet of real sshds, each box with its own tree and some with faults: one run."""

from __future__ import annotations

import os

import pytest

from support.killing import Campaign
from support.loopback import OUTCOMES, addresses, boxes

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="boxes are mount namespaces: root"),
]

COUNT = 24


@pytest.fixture(scope="module")
def there():
    """Run the boxes; one has each fault."""
    faulty = addresses(COUNT)[::3]
    faults = dict(zip(faulty, OUTCOMES, strict=False))
    with boxes(COUNT, faults=faults, trees=True) as found:
        yield found


def test_each_outcome_is_right_whatever_the_others_do(there, home, tmp_path):
    campaign = Campaign(there, tmp_path / "journal")

    found = campaign.run(campaign.depmod("--retries", "0"))

    by_name = {box["box"]: box for box in found["result"]["boxes"]}
    assert set(by_name) == set(there.addresses)
    for name, box in by_name.items():
        fault = there.faults.get(name)
        if fault is None:
            assert (box["outcome"], box["changed"]) == ("done", True), box
            assert (there.tree(name) / "modules.dep").exists()
        else:
            word, text = OUTCOMES[fault]
            error = box["error"]
            assert box["outcome"] == word, (fault, error)
            assert text in error["message"] + error["why"], (fault, error)
    assert found["status"] == 4


def test_a_second_run_changes_nothing_and_says_so(there, home, tmp_path):
    campaign = Campaign(there, tmp_path / "journal")
    good = ",".join(name for name in there.addresses if name not in there.faults)
    campaign.run(campaign.depmod("--limit", good))

    found = campaign.run(campaign.depmod("--limit", good))

    assert found["result"]["summary"]["changed"] == 0
    assert found["result"]["summary"]["done"] == COUNT - len(there.faults)


def test_killed_at_random_and_resumed_no_box_is_lost_or_done_twice(home, tmp_path):
    with boxes(16, trees=True) as there:
        campaign = Campaign(there, tmp_path / "journal")

        campaign.kill_and_resume(4, longest_s=2.5, seed=7)
        resumed = campaign.run(campaign.command("runs", "resume", "--json"))
        shown = campaign.run(campaign.command("runs", "show", "--json"))

        assert resumed["status"] == 0
        assert campaign.kills
        assert campaign.twice == []
        assert shown["result"]["summary"]["done"] == 16
        assert all((there.tree(name) / "modules.dep").exists()
                   for name in there.addresses)  # fmt: skip
