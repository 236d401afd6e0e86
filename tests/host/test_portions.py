"""Numbers and percentages of a fleet."""

import pytest

from modferry.core.portions import batches, parse_batches, parse_portion
from modferry.errors import UsageError


@pytest.mark.parametrize(
    ("text", "total", "expected"),
    [("3", 10, 3), ("10%", 50, 5), ("0", 7, 0), ("100%", 7, 7), ("2.5%", 200, 5)],
)
def test_a_portion_is_a_number_or_a_share(text, total, expected):
    assert parse_portion(text, "x").of(total) == expected


@pytest.mark.parametrize("text", ["", "-1", "101%", "x", "1.5", "%", "1 2"])
def test_what_is_no_portion_is_refused(text):
    with pytest.raises(UsageError, match="no number of boxes"):
        parse_portion(text, "--max-fail")


# Ansible's documentation of "serial": the last size goes on, a share is of all hosts.
@pytest.mark.parametrize(
    ("sizes", "total", "lengths"),
    [
        ("1,10%,100%", 20, [1, 2, 17]),
        ("1,5,10", 30, [1, 5, 10, 10, 4]),
        ("30%", 10, [3, 3, 3, 1]),
        ("1%", 3, [1, 1, 1]),
        ("100%", 4, [4]),
        ("50", 4, [4]),
    ],
)
def test_batches_go_on_with_the_last_size(sizes, total, lengths):
    names = [str(number) for number in range(total)]

    found = list(batches(names, parse_batches(sizes)))

    assert [len(batch) for batch in found] == lengths
    assert [name for batch in found for name in batch] == names


def test_a_batch_of_no_box_is_refused():
    with pytest.raises(UsageError, match="has no end"):
        parse_batches("1,0")
