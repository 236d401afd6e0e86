"""The values of the wire."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modferry_agent.errors import FormatError
from modferry_agent.values import decode_value, encode_value

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text("abcdefgh", max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_what_was_encoded_is_decoded(value):
    assert decode_value(encode_value(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_format_error(octets):
    with suppress(FormatError):
        assert encode_value(decode_value(octets))


def test_numbers_strings_lists_and_dictionaries_are_bencode():
    value = {"spam": [b"a", 42], "n": -1}

    got = encode_value(value)

    assert got == b"d1:ni-1e4:spaml1:ai42eee"  # BEP 3's notation


@pytest.mark.parametrize(
    "octets", [b"", b"i", b"5:abc", b"li1e", b"d1:a", b"di1ei2ee", b"-1:", b"ttx"]
)
def test_a_cut_or_wrong_value_is_a_format_error(octets):
    with pytest.raises(FormatError):
        decode_value(octets)


def test_deep_nesting_is_refused_not_a_crash():
    with pytest.raises(FormatError):
        decode_value(b"l" * 5000 + b"e" * 5000)


def test_what_is_no_plain_value_is_a_type_error():
    with pytest.raises(TypeError):
        encode_value({"x": object()})
