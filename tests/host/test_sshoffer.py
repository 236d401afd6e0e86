"""What a server offers, and why a profile has nothing in common with it."""

from __future__ import annotations

import struct

import pytest

from modferry.core.profile import Profile
from modferry.errors import FormatError
from modferry.profiles import read_profile
from modferry.transport.sshoffer import (
    LONGEST_BYTES,
    Offer,
    explained,
    fitting_profiles,
    parse_offer,
    refusals,
)

# OpenSSH 5.5p1, myproposal.h, in part.
SQUEEZE = {
    "kex": ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1"),
    "host_keys": ("ssh-rsa",),
    "ciphers": ("aes128-ctr", "aes128-cbc", "3des-cbc"),
    "macs": ("hmac-md5", "hmac-sha1"),
}


def packet(lists: dict[str, tuple[str, ...]]) -> bytes:
    order = ("kex", "host_keys", "ciphers", "ciphers", "macs", "macs")
    names = [",".join(lists[key]).encode() for key in order] + [
        b"none",
        b"none",
        b"",
        b"",
    ]
    payload = b"\x14" + bytes(16)
    payload += b"".join(struct.pack(">I", len(n)) + n for n in names) + bytes(5)
    return struct.pack(">IB", len(payload) + 1 + 4, 4) + payload + bytes(4)


def test_an_offer_is_read_as_it_comes() -> None:
    octets = b"a line before\r\nSSH-2.0-OpenSSH_5.5p1\r\n" + packet(SQUEEZE)

    got = [parse_offer(octets[:end]) for end in range(len(octets) + 1)]

    assert got[:-1] == [None] * len(octets)
    assert got[-1] == Offer("SSH-2.0-OpenSSH_5.5p1", SQUEEZE)


@pytest.mark.parametrize(
    "octets",
    [
        b"x" * (LONGEST_BYTES + 1),
        b"SSH-1.5-x\n" + bytes(8),
        b"SSH-2.0-x\n" + struct.pack(">IBB", 30, 4, 20) + b"\xff" * 40,
        b"SSH-2.0-x\n" + struct.pack(">IBB", 1 << 31, 4, 20),
    ],
)
def test_what_is_no_offer_is_refused(octets: bytes) -> None:
    with pytest.raises(FormatError):
        parse_offer(octets)


def test_each_list_without_agreement_is_named_and_the_profile_that_has_it() -> None:
    offer = Offer("SSH-2.0-OpenSSH_5.5p1", SQUEEZE)
    names = ["bookworm", "wheezy-rtai", "squeeze-rtai"]

    assert refusals(offer, Profile().ssh) == ["host_keys", "macs"]
    assert explained(offer, Profile().ssh) == (
        "as host key it offers only ssh-rsa (RSA with SHA-1)\n"
        "as MAC it offers only hmac-md5, hmac-sha1"
    )
    fitting = fitting_profiles(offer, [read_profile(name) for name in names])
    assert fitting == ["squeeze-rtai", "wheezy-rtai"]


def test_a_cipher_with_its_own_mac_needs_no_other() -> None:
    lists = {
        **SQUEEZE,
        "host_keys": ("ssh-ed25519",),
        "ciphers": ("aes128-gcm@openssh.com",),
    }

    assert refusals(Offer("", lists), Profile().ssh) == []
