"""Which keys would make a node branch at a byte above 7F."""

from __future__ import annotations

import pytest

from modferry_agent.core.highbytes import are_in, harmful_keys


@pytest.mark.parametrize(
    ("keys", "harmful"),
    [
        ([], set()),
        (["a", "ab"], set()),
        (["ab\x80c", "x"], set()),
        (["a\x80x", "a\x80y"], set()),
        (["a\x80", "ab"], {"a\x80"}),
        (["a", "a\x80"], {"a\x80"}),
        (["\xff", "a"], {"\xff"}),
        (["a\x80", "a\x81"], {"a\x80"}),
        (["a\x80b\x80", "a\x80bc"], {"a\x80b\x80"}),
    ],
)
def test_a_key_is_harmful_where_a_node_would_branch(keys, harmful):
    assert harmful_keys(keys) == harmful


def test_ascii_ends_at_7f():
    assert not are_in(b"\x00a\x7f")
    assert are_in(b"a\x80")
