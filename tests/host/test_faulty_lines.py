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


def test_a_box_that_is_deaf_while_it_prints_gets_its_file(tmp_path):
    """The host was woken by what the kernel printed, and sent again right then."""
    faults, deaf = line_of(539)[2:4]
    assert deaf
    assert faults.kernel_lines_hz == 50

    assert transfer(539, tmp_path).end == "intact"


def test_frames_get_through_where_one_bit_in_a_thousand_is_flipped(tmp_path):
    """At 9600 baud; a frame of this line's usual size arrives one time in sixteen."""
    baud, faults = line_of(104)[1:3]
    assert (baud, faults.flip) == (9600, 1e-3)

    assert transfer(104, tmp_path).end == "intact"


def test_the_same_seed_is_the_same_line_with_the_same_end(tmp_path):
    bad = max(SEEDS, key=lambda seed: line_of(seed)[2].flip)

    assert repr(transfer(bad, tmp_path)) == repr(transfer(bad, tmp_path))
