"""Requests answered by an agent that runs on the box."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from modferry import resources
from modferry.channel import Channel
from modferry.core import events
from modferry.core.blocks import block_size
from modferry.core.messages import error_of, plain_of, text_of
from modferry.delivery import (
    AGAIN_CODES,
    LEAST_BYTES,
    awaited,
    choose,
    deflated,
    early,
    pieces_of,
)
from modferry.errors import BoxEndedError, ReplyError, TransportError
from modferry.fleet.inventory import Box
from modferry.pulling import Arriving, Pulled
from modferry.sent import Sent
from modferry.transport.base import Line
from modferry_agent.requests import TABLE, TIME_LIMIT_S

QUEUE_LIMIT = 32_768
REPEATABLE = {
    *("depmod", "diagnose", "explain", "facts", "find", "foresee", "hash", "klog"),
    *("modules", "push", "snapshot"),
}
"""What may be done again after the box has restarted.  A module that brings a box down
must not do so twice."""


class AgentSide:
    """A running agent on one box.

    greeting: what the agent said of itself: protocol, python, release, machine, ...
    """

    def __init__(
        self,
        box: Box,
        channel: Channel,
        greeting: dict[str, Any],
        sink: events.EventSink,
        timeout_s: float | None,
    ) -> None:
        """Keep what the way to the agent is made of."""
        self.box = box
        self.greeting = greeting
        self._channel = channel
        self._sink = sink
        self._timeout_s = timeout_s
        self._last_id = 0
        self._used: set[str] = set()
        self._repeats = True

    def speed_up(self) -> bool:
        """Go up to the profile's top speed if the line carries it; say whether."""
        console = self.box.profile.console
        wanted = console.top_baud or console.baud
        line = self._channel.transport
        if wanted <= console.baud or not isinstance(line, Line):
            return False
        try:
            self._answer(self._ask("speed", {"baud": wanted}), "speed")
        except ReplyError as error:
            self._sink(events.State(f"the speed stays: {error.message}"))
            return False
        self._channel.settle()
        holds = self._channel.change_speed(wanted, console.baud)
        words = "the line carries" if holds else "the line does not carry"
        self._sink(events.State(f"{words} {wanted} bits a second"))
        return holds

    def request(self, name: str, **arguments: Any) -> Any:  # noqa: ANN401 - plain values
        """Return the agent's answer to a request of `modferry_agent.requests.TABLE`.

        Raise ReplyError for an error reply, TransportError when the box falls silent.
        """
        with self._repeatable(name):
            identity = self._ask(name, arguments)
            return text_of(self._answer(identity, name)["value"])

    def push(self, source: Path | bytes, path: str, *, mode: int = 0o644) -> Any:  # noqa: ANN401
        """Send a file to its place on the box; return what the agent says of it.

        Raise ReplyError when the box refuses it; its old file is then untouched.
        """
        content = source if isinstance(source, bytes) else source.read_bytes()
        with self._repeatable("push"):
            if self._channel.slow and len(content) >= LEAST_BYTES:
                return self._deliver(content, path, mode)
            return self._push(content, path, mode, [self._part("files")])

    def _push(self, content: bytes, path: str, mode: int, parts: list[str]) -> Any:  # noqa: ANN401
        deflate = bool(self.greeting["zlib"])
        summed = resources.sha256(content)
        arguments = {
            "path": path,
            "size": len(content),
            "sha256": summed,
            "mode": mode,
            "encoding": "deflate" if deflate else "stored",
        }
        identity = self._ask("push", arguments, parts)
        message = self._answer(identity, "push", b"ready")
        if message["kind"] == b"ready":
            pieces = deflated(content, summed) if deflate else pieces_of(content)
            self._stream(identity, iter(pieces), len(content), path)
            message = self._answer(identity, "push")
        return text_of(message["value"])

    def _deliver(self, content: bytes, path: str, mode: int) -> Any:  # noqa: ANN401
        """Send a file by what the box has of it, and of files like it, already."""
        sent = Sent(self.box.address.text)
        candidates = sent.like(content, path)
        block = 0 if sent.knows(path) else block_size(len(content))
        arguments = {
            "path": path,
            "size": len(content),
            "sha256": resources.sha256(content),
            "mode": mode,
            "bases": [place for place, _ in candidates],
            "block": block,
        }
        with early(content) as (whole, pool):
            identity = self._ask("deliver", arguments)
            message = self._answer(identity, "deliver", b"ready")
            try:
                if message["kind"] == b"ready":
                    sums = message.pop("sums")
                    offer = text_of(message) | {"sums": sums}
                    choosing = pool.submit(
                        choose, whole, path, offer, candidates, sent, block
                    )
                    choice = awaited(choosing, self._channel.exchange)
                    self._sink(events.State(f"{path}: {choice.words}"))
                    rest = choice.rest
                    self._stream(
                        identity, pieces_of(rest), len(rest), path, choice.plan
                    )
                    message = self._answer(identity, "deliver")
            except ReplyError as error:
                if error.code not in AGAIN_CODES:
                    raise
                return self._push(content, path, mode, [self._part("files")])
        sent.keep(path, content)
        known = {"path": path, "size": len(content), "sha256": arguments["sha256"]}
        return known | text_of(message["value"])

    def need(self, name: str) -> None:
        """Let everything go: an agent answers all requests."""

    def pull(self, path: str, into: BinaryIO) -> Pulled:
        """Write the content of a file of the box, checked by its sha256."""
        identity = self._ask("pull", {"path": path})
        size = self._answer(identity, "pull", b"ready")["size"]
        arriving = Arriving(into)
        while (message := self._answer(identity, "pull", b"chunk"))["kind"] == b"chunk":
            arriving.take(message["octets"])
            self._sink(events.Progress(arriving.size_bytes, size, path))
        if text_of(message["value"])["sha256"] != arriving.sum_by("sha256"):
            raise TransportError(
                "what arrived is not what was sent",
                where=f"{self.box.name}, {path}",
                next_step="pull it again; the file may have been written to meanwhile",
            )
        return arriving.pulled()

    def _ask(
        self, name: str, arguments: dict[str, Any], parts: list[str] | None = None
    ) -> int:
        given = {key: plain_of(value) for key, value in arguments.items()}
        TABLE[name].check(name, given)
        if parts is None:
            parts = [self._part(part) for part in resources.parts_for(name)]
        # A part that the agent has begun to use need not be named again.
        parts = [part for part in parts if part not in self._used]
        self._used |= {*parts}
        self._last_id += 1
        self._channel.send(
            kind="request", id=self._last_id, name=name, arguments=given, parts=parts
        )
        return self._last_id

    def _part(self, part: str) -> str:
        """Have a part of the agent on the box; return its sha256."""
        sha256 = resources.part_sha256(part)
        if sha256 not in self.greeting["parts"]:
            content = resources.agent_parts()[part]
            place = f"{self.greeting['home']}/modferry-{sha256}.zip"
            if part == "files":
                self._push(content, place, 0o644, [])
            else:
                self.push(content, place)
            self.greeting["parts"].append(sha256)
        return sha256

    def _answer(
        self, identity: int, name: str, kind: bytes = b"reply"
    ) -> dict[str, Any]:
        """Wait for a message of that kind or the reply; the sink gets the progress."""
        limit_s = self._limit_s(name)
        last = time.monotonic()
        while True:
            message = self._channel.next()
            if message is None:
                if time.monotonic() - last > limit_s:
                    raise self._silent(name, limit_s)
                continue
            last = time.monotonic()
            if message.get("id") != identity:
                continue
            if message["kind"] == b"progress":
                what = text_of(message["what"])
                self._sink(events.Progress(message["done"], message["total"], what))
            elif message["kind"] == b"error":
                raise error_of(message, name, self.box.name)
            elif message["kind"] in (kind, b"reply"):
                return message

    def _stream(
        self,
        identity: int,
        pieces: Iterator[tuple[bytes, int]],
        total: int,
        what: str,
        plan: dict[str, Any] | None = None,
    ) -> None:
        """Send the pieces in turn; return early when an answer, an error, is there.

        pieces: the bytes of a chunk, and how many of the total are behind us with it.
            They are made as they go out: the agent would leave a line that is silent
            while all of a large file is packed.
        plan: what the agent is told with the first of them.
        """
        first = {} if plan is None else {"plan": plan}
        channel = self._channel
        limit_s = self._limit_s("push")
        octets, done = next(pieces, (b"", total))
        last = False
        while not last:
            following = next(pieces, None)
            last = following is None
            channel.send(kind="chunk", id=identity, octets=octets, last=last, **first)
            first = {}
            while channel.unsent > (0 if last else QUEUE_LIMIT):
                channel.exchange()
                sent = max(0, done - channel.unsent)
                self._sink(events.Progress(min(sent, total), total, what))
                if channel.waiting:
                    return
                if channel.silent_s > limit_s:
                    raise self._silent("push", limit_s)
            octets, done = following or (b"", total)

    @contextmanager
    def _repeatable(self, name: str) -> Iterator[None]:
        """Mark the end of the box as passing if all may be done again.

        All is what this session was asked for: it is repeated as a whole.
        """
        self._repeats = self._repeats and name in REPEATABLE
        try:
            yield
        except BoxEndedError as error:
            if error.is_back and self._repeats:
                error.passes()
            raise

    def _limit_s(self, name: str) -> float:
        return self._timeout_s or TIME_LIMIT_S[TABLE[name].time_class]

    def _silent(self, name: str, limit_s: float) -> TransportError:
        return TransportError(
            f'the box does not answer the request "{name}"',
            where=self.box.name,
            why=f"no sign of it for {limit_s:.0f} s",
            next_step="see what its console says; a kernel that crashed needs a reset",
        )
