"""Signatures behind a module's bytes, in forms that no Debian module has."""

from __future__ import annotations

import struct

import pytest

from modferry_agent.core import signature


def signed(body: bytes, kind: int, *, signer: bytes = b"", key: bytes = b"") -> bytes:
    info = struct.pack(">5B3xI", 1, 4, kind, len(signer), len(key), len(body))
    return b"module" + signer + key + body + info + signature.MAGIC


def test_an_old_signature_has_its_signer_and_key_before_it():
    got = signature.fields(signed(b"\1\2", 1, signer=b"me", key=b"\xab\xcd"))

    assert got == [
        ("sig_id", "X509"),
        ("signer", "me"),
        ("sig_key", "AB:CD"),
        ("sig_hashalgo", "sha256"),
        ("signature", "01:02"),
    ]


def test_a_long_number_goes_on_in_the_next_line():
    got = dict(signature.fields(signed(bytes(range(21)), 0)))

    assert got["signature"].endswith(":13:\n\t\t14")


@pytest.mark.parametrize(
    "octets",
    [
        b"module",
        signature.MAGIC,
        signed(b"", 1),
        signed(b"x", 7),
        signed(b"not DER", 2),
        signed(b"\x30\x80\x00\x00", 2),
        signed(b"\x30\x03\x02\x01\x01", 2),
        signed(b"x" * 4, 0)[8:],
    ],
)
def test_what_is_no_signature_shows_none(octets: bytes):
    assert signature.fields(octets) == []
