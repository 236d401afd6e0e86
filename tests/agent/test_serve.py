"""The agent's side of a session, on a line that is a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modferry.core.tobox import encode_to_box
from modferry.hostlink import host_link
from modferry_agent import serve, wire
from modferry_agent.link import Link
from modferry_agent.requests import TABLE, Request
from modferry_agent.serve import Service
from modferry_agent.system.wireend import LineError
from modferry_agent.values import decode_value, encode_value

FIRST, SECOND = 2, 4


class ScriptedEnd:
    """A line on which each read gives the next piece; after the last it is closed."""

    tty = False

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.written = b""

    def read(self, timeout_s: float) -> bytes:
        if not self.pieces:
            raise LineError("the line was closed")
        return self.pieces.pop(0)

    def write(self, octets: bytes) -> None:
        self.written += octets

    def messages(self, link_id: int) -> list[dict[str, Any]]:
        link = host_link(link_id, tty=False)
        return [decode_value(one) for one in link.receive(self.written, 0.0)]


def request_on(link: Link, name: str) -> bytes:
    link.send(encode_value(
        {"kind": "request", "id": 1, "name": name, "arguments": {}, "parts": []}
    ))  # fmt: skip
    return link.transmit(0.0)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def be(function: Any) -> None:
        request = Request("", "base", "slow", False)
        monkeypatch.setattr(request, "resolve", lambda: function, raising=False)
        monkeypatch.setitem(TABLE, "job", request)
        monkeypatch.setattr(serve, "_PROGRESS_S", -1)

    return be


def test_a_host_that_takes_over_gets_no_answer_to_what_it_did_not_ask(job):
    through = []

    def work(context: Any) -> str:
        context.progress(0, 2, "")
        through.append("the job of the first host")
        return "for the first host"

    job(work)
    start = encode_to_box(wire.Frame(SECOND, wire.START, 0, b""))
    end = ScriptedEnd(request_on(host_link(FIRST, tty=False), "job"), start, b"")

    with pytest.raises(LineError):
        Service(end, FIRST, 12.0).run()

    assert [one["kind"] for one in end.messages(SECOND)] == [b"greeting"]
    assert through == []


def test_a_job_s_answer_comes_behind_its_progress(job):
    def work(context: Any) -> str:
        context.progress(1, 2, "half")
        return "done"

    job(work)
    end = ScriptedEnd(request_on(host_link(FIRST, tty=False), "job"), b"", b"")

    with pytest.raises(LineError):
        Service(end, FIRST, 12.0).run()

    kinds = [one["kind"] for one in end.messages(FIRST)]
    assert kinds == [b"greeting", b"progress", b"reply"]
