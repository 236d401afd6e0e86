"""Names with ranges, as Ansible's documentation has them."""

import pytest

from modferry.core.ranges import expand_name
from modferry.errors import UsageError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("saw3", ["saw3"]),
        ("w[8:11]", ["w8", "w9", "w10", "w11"]),
        ("w[08:11].x", ["w08.x", "w09.x", "w10.x", "w11.x"]),
        ("w[1:7:3]", ["w1", "w4", "w7"]),
        ("w[:2]", ["w0", "w1", "w2"]),
        ("d-[a:c]", ["d-a", "d-b", "d-c"]),
        ("r[1:2]s[a:b]", ["r1sa", "r1sb", "r2sa", "r2sb"]),
    ],
)
def test_a_range_names_each(name, expected):
    assert expand_name(name) == expected


@pytest.mark.parametrize("name", ["w[3:1]", "w[1:]", "w[01:100]", "w[c:a]", "w[1:x]",
                                  "w[1:3:0]", "w[é:z]"])  # fmt: skip
def test_a_range_of_nothing_is_refused_with_its_line(name):
    with pytest.raises(UsageError, match="names nothing") as caught:
        expand_name(name, "fleet.yaml:3")

    assert caught.value.where == "fleet.yaml:3"
