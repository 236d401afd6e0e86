"""A push from the host's side, on a link that is an object."""

from __future__ import annotations

import os
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modferry.agentside import AgentSide
from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.delivery import CHUNK, Deflated, deflated, pieces_of
from modferry.errors import BoxEndedError, TransportError
from modferry.fleet.inventory import resolve
from modferry.resources import sha256


class DeadLink:
    """A link whose other end fell silent: what is sent stays unsent, time goes by."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.unsent = 0
        self.silent_s = 0.0
        self.slow = False
        self.console = ConsoleLines(events.ignore)

    def send(self, **message: Any) -> None:
        self.unsent += len(message["octets"])

    def exchange(self) -> None:
        self.silent_s += 1.0


class LiveLink(DeadLink):
    """A link that takes all at once, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[bytes, bool]] = []

    def send(self, **message: Any) -> None:
        self.sent.append((message["octets"], message["last"]))


def side_on(link: Any, timeout_s: float | None = None) -> AgentSide:
    return AgentSide(resolve("local:"), link, {}, events.ignore, timeout_s)


def stream(link: Any, octets: bytes, timeout_s: float | None = None) -> None:
    side_on(link, timeout_s)._stream(1, pieces_of(octets), len(octets), "x.ko")


@pytest.mark.parametrize(("timeout_s", "limit_s"), [(None, 30), (5.0, 5)])
def test_a_line_that_dies_in_the_middle_is_given_up(timeout_s, limit_s):
    link = DeadLink()

    with pytest.raises(TransportError, match="does not answer") as caught:
        stream(link, bytes(50_000), timeout_s)

    assert link.silent_s == limit_s + 1
    assert caught.value.next_step


def test_an_empty_file_has_a_last_chunk():
    link = LiveLink()

    stream(link, b"")

    assert link.sent == [(b"", True)]


def test_only_the_last_chunk_is_the_last():
    link = LiveLink()

    stream(link, bytes(40_000))

    assert [last for _, last in link.sent] == [False, False, True]
    assert b"".join(octets for octets, _ in link.sent) == bytes(40_000)


def test_a_large_file_is_packed_while_it_goes_out():
    # The agent leaves a line that says nothing for 12 seconds; 400 MB take longer.
    content = os.urandom(1 << 20)
    packed = iter(deflated(content, "its sha256"))

    first, behind = next(packed)

    assert len(first) == CHUNK
    assert behind < len(content) // 8
    whole = first + b"".join(octets for octets, _ in packed)
    assert zlib.decompress(whole) == content


def test_a_file_that_goes_to_many_boxes_is_packed_once():
    content = os.urandom(300_000)
    ahead = iter(deflated(content, "its sha256"))
    got_ahead = [next(ahead)]

    behind = deflated(content, "its sha256")
    got_behind = list(behind)
    got_ahead += ahead

    assert all(one is two for one, two in zip(got_ahead, got_behind, strict=True))
    assert zlib.decompress(b"".join(octets for octets, _ in got_behind)) == content


def test_many_threads_each_get_all_of_a_file_in_order():
    content = os.urandom(400_000)

    with ThreadPoolExecutor(16) as pool:
        sums = set(pool.map(lambda _: inflated_sum(content), range(64)))

    assert sums == {sha256(content)}


def test_what_cannot_be_packed_is_cut_short_for_nobody(monkeypatch):
    shared = Deflated(os.urandom(300_000))
    ahead, behind = iter(shared), iter(shared)
    next(ahead)
    next(behind)
    monkeypatch.setattr(shared, "_source", raising(MemoryError))

    for reader in (ahead, behind):
        with pytest.raises(MemoryError):
            list(reader)


def raising(error):
    yield from ()
    raise error


def inflated_sum(content: bytes) -> str:
    chunks = deflated(content, sha256(content))
    return sha256(zlib.decompress(b"".join(octets for octets, _ in chunks)))


@pytest.mark.parametrize(
    ("names", "is_back", "passing"),
    [
        (["facts"], True, True),
        (["push", "depmod"], True, True),
        (["facts"], False, False),
        (["load"], True, False),
        (["prove", "snapshot"], True, False),
        (["repair"], True, False),
    ],
)
def test_only_what_may_be_done_twice_is_tried_again(names, is_back, passing):
    side = side_on(LiveLink())
    error = BoxEndedError("the box has restarted meanwhile")
    error.is_back = is_back
    for name in names[:-1]:
        with side._repeatable(name):
            pass

    with pytest.raises(BoxEndedError), side._repeatable(names[-1]):
        raise error

    assert error.passing is passing
