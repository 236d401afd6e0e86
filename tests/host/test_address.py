"""Addresses of boxes."""

from __future__ import annotations

import pytest

from modferry.core.address import SCHEMES, Address, is_address, parse_address
from modferry.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected", "place", "kind"),
    [
        (
            "ssh://root@saw:2222",
            {"host": "saw", "port": 2222, "user": "root"},
            "saw:2222",
            "pipe",
        ),
        ("ssh://saw/", {"host": "saw"}, "saw", "pipe"),
        ("ssh://[::1]:22", {"host": "::1", "port": 22}, "[::1]:22", "pipe"),
        (
            "serial:///dev/ttyUSB0?baud=9600",
            {"path": "/dev/ttyUSB0", "options": {"baud": "9600"}},
            "/dev/ttyUSB0",
            "tty",
        ),
        ("serial://op@/dev/s", {"path": "/dev/s", "user": "op"}, "/dev/s", "tty"),
        ("serial+unix:///run/a%20b", {"path": "/run/a b"}, "/run/a b", "tty"),
        ("rfc2217://gw:4001", {"host": "gw", "port": 4001}, "gw:4001", "tty"),
        ("socket://gw:4001", {"host": "gw", "port": 4001}, "gw:4001", "tty"),
        ("local:", {}, "this machine", "pipe"),
    ],
)  # fmt: skip
def test_an_address_has_its_parts(
    text: str, expected: dict[str, object], place: str, kind: str
) -> None:
    scheme = text.partition(":")[0]

    got = parse_address(text)

    assert got == Address(scheme=scheme, text=text, **expected)  # type: ignore[arg-type]
    assert (got.place, got.kind) == (place, kind)
    assert is_address(text)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_schemes_example_is_one(scheme: str) -> None:
    assert parse_address(SCHEMES[scheme].example).scheme == scheme


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("saw3", "no address"),
        ("http://saw", 'no kind of address "http:"'),
        ("ssh://", "no host is given"),
        ("ssh://saw/path", "it takes no path"),
        ("ssh://saw?baud=9600", 'unknown option "baud"'),
        ("ssh://saw:99999", "not a URL"),
        ("ssh://saw#x", '"#x" has no meaning'),
        ("socket://gw", "no port is given"),
        ("serial:ttyUSB0", "the path is not absolute"),
        ("serial://ttyUSB0/x", "it takes no host"),
        ("serial:///dev/x?baud=1&baud=2", 'option "baud" is given twice'),
        ("local:x", "it takes no path"),
    ],
)
def test_what_is_no_address_says_why(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_address(text)

    assert caught.value.next_step


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="a password in an address") as caught:
        parse_address("ssh://root:hunter2@saw")

    assert "hunter2" not in caught.value.report()


def test_an_addresss_own_options_win() -> None:
    address = parse_address("ssh://saw?identity=/a")

    got = address.with_options(identity="/b", known_hosts="/c")

    assert got.options == {"identity": "/a", "known_hosts": "/c"}
