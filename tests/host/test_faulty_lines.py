"""Pushes over lines of random faults: intact, or failed in time with a reason.

``tests/bench/serial_faults.py`` does a thousand.
"""

from __future__ import annotations

import pytest

from support.faultyline import line_of, transfer

SEEDS = range(9000, 9036)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_push_arrives_intact_or_fails_in_time_with_a_reason(seed, tmp_path):
    found = transfer(seed, tmp_path)

    assert found.end == "intact" or (found.end == "failed" and found.reason), found


def test_the_same_seed_is_the_same_line_with_the_same_end(tmp_path):
    bad = max(SEEDS, key=lambda seed: line_of(seed)[2].flip)

    assert repr(transfer(bad, tmp_path)) == repr(transfer(bad, tmp_path))
