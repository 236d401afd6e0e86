"""Files as differences to what is known by the sums of its blocks alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry.core.blocks import block_size, delta_by_sums
from modferry.core.packing import Summed, Whole, packed
from modferry_agent.core.unpacking import patched
from modferry_agent.jobs.deliver import _sums

LINES = [b"line %d of the old file\n" % number for number in range(2000)]
OLD = b"".join(LINES)


def sums_of(content: bytes, block: int, folder: Path) -> bytes:
    """Return what the agent tells of a file."""
    path = folder / "old"
    path.write_bytes(content)
    return _sums(str(path), block)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@given(
    seed=st.integers(0, 2**32),
    size=st.integers(0, 20_000),
    block=st.sampled_from([16, 64, 512]),
    edits=st.integers(0, 12),
)
@settings(max_examples=150, deadline=None)
def test_the_old_file_and_the_difference_make_the_new_one(
    folder, seed, size, block, edits
):
    chance = random.Random(seed)
    # Few values: blocks that are there twice, and sums that are alike.
    old = bytes(chance.choices(b"\0\0\0ab\xff", k=size))
    new = bytearray(old)
    for _ in range(edits):
        at = chance.randrange(len(new) + 1)
        new[at : at + chance.randrange(40)] = chance.randbytes(chance.randrange(40))

    delta = delta_by_sums(sums_of(old, block, folder), block, bytes(new))

    assert patched(old, delta, len(new)) == bytes(new)


def test_blocks_are_found_wherever_they_have_moved_to(folder):
    moved = b"new in front\n" + OLD[20_000:] + b"between" + OLD[:20_000]

    delta = delta_by_sums(sums_of(OLD, 512, folder), 512, moved)

    assert patched(OLD, delta, len(moved)) == moved
    assert len(delta) < 4 * 512 + 64


def test_what_the_box_has_not_goes_whole(folder):
    other = random.Random(1).randbytes(9000)

    delta = delta_by_sums(sums_of(OLD, 512, folder), 512, other)

    assert patched(OLD, delta, len(other)) == other
    assert len(other) <= len(delta) < len(other) + 16


def test_the_smallest_form_is_taken_and_names_its_base(folder):
    new = OLD.replace(b"line 777 ", b"line 777, changed ")
    summed = Summed("/old", "0" * 64, sums_of(OLD, 512, folder), 512)

    form = packed(Whole(new), {"deflate", "lzma"}, (), summed)
    alone = packed(Whole(new), {"deflate", "lzma"})

    assert form.base == ("/old", "0" * 64)
    assert len(form.stream) * 4 < len(alone.stream)


@pytest.mark.parametrize(
    ("size", "block"),
    [
        (100, 0),
        (8192, 512),
        (65_536, 512),
        (65_537, 1024),
        (1 << 20, 2048),
        (3 << 20, 0),
    ],
)
def test_the_sums_are_asked_for_where_they_are_worth_their_way(size, block):
    assert block_size(size) == block


def test_a_file_that_is_not_there_has_no_sums(folder):
    assert _sums(str(folder / "missing"), 512) == b""
