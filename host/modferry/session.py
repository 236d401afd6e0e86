"""One box: connect, find what answers there, request, close."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, Protocol

from modferry.agentside import AgentSide
from modferry.channel import Channel
from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.core.profilekeys import with_address
from modferry.errors import NoPythonError, TransportError
from modferry.fleet.inventory import Box
from modferry.pulling import Pulled
from modferry.shellside.way import Way
from modferry.starting import Starter
from modferry.trace import Trace
from modferry.transport.base import Transport
from modferry.transport.opening import open_transport
from modferry.transport.stopping import StoppableTransport


class Side(Protocol):
    """What answers the requests: an agent on the box, or this host by its shell.

    greeting: what it says of the box: release, machine, python, ...
    """

    greeting: dict[str, Any]

    def request(self, name: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Return the answer to a request; see `Session.request`."""

    def push(self, source: Path | bytes, path: str, *, mode: int = 0o644) -> Any:  # noqa: ANN401
        """Send a file to its place on the box; see `Session.push`."""

    def pull(self, path: str, into: BinaryIO) -> Pulled:
        """Write the content of a file of the box; see `Session.pull_into`."""

    def need(self, name: str) -> None:
        """Raise ReplyError if a request cannot be answered; see `Session.need`."""


class Session:
    """A box that answers requests.

    greeting: what its side said of itself: release, machine, python, ...
    console: what the box has printed on its console so far.
    """

    def __init__(self, box: Box, side: Side, console: ConsoleLines) -> None:
        """Keep what a session is made of; `open` is how to get one."""
        self.box = box
        self.greeting = side.greeting
        self.console = console
        self._side = side

    @classmethod
    @contextmanager
    def open(  # noqa: PLR0913 - what a session may be opened with
        cls,
        box: Box,
        *,
        events: events.EventSink = events.ignore,
        accept_new: bool = False,
        timeout_s: float | None = None,
        trace: Path | None = None,
        stop: Event | None = None,
    ) -> Iterator[Session]:
        """Yield a session with the box's agent, started if need be; close it after.

        timeout_s: in place of each request's own limit.  trace: file for the wire.
        stop: once it is set, the session ends by InterruptionError.
        Raise TransportError or BootstrapError when there is no way to an agent.
        """
        box = replace(box, profile=with_address(box.profile, box.address))
        secrets = box.secrets()
        console = ConsoleLines(events)
        with Trace.to(trace) as recorder:
            transport = open_transport(
                box.address, box.profile, secrets=secrets, accept_new=accept_new
            )
            if stop is not None:
                transport = StoppableTransport(transport, stop)
            prompt = box.profile.login.login_prompt
            channel = Channel(transport, recorder, console, prompt)
            try:
                starter = Starter(
                    box, channel, secrets, sink=events, trace=recorder, console=console
                )
                try:
                    greeting = starter.start()
                except NoPythonError as error:
                    way = _way_to_shell(
                        transport, recorder, box, console, timeout_s, error.token
                    )
                    with _by_shell(way, box, events) as side:
                        yield cls(box, side, console)
                    return
                agent = AgentSide(box, channel, greeting, events, timeout_s)
                try:
                    agent.speed_up()
                    yield cls(box, agent, console)
                finally:
                    channel.leave()
            finally:
                console.end()
                transport.close()

    def request(self, name: str, **arguments: Any) -> Any:  # noqa: ANN401 - plain values
        """Return the answer to a request of `modferry_agent.requests.TABLE`.

        Raise ReplyError for an error reply, TransportError when the box falls silent.
        """
        return self._side.request(name, **arguments)

    def push(self, source: Path | bytes, path: str, *, mode: int = 0o644) -> Any:  # noqa: ANN401
        """Send a file to its place on the box; return what became of it.

        Raise ReplyError when the box refuses it; its old file is then untouched.
        """
        return self._side.push(source, path, mode=mode)

    def pull(self, path: str) -> bytes:
        """Return the content of a file of the box, checked by its sum."""
        content = io.BytesIO()
        self._side.pull(path, content)
        return content.getvalue()

    def pull_into(self, path: str, into: BinaryIO) -> Pulled:
        """Write the content of a file of the box as it comes.

        What was written counts only when this returns: then its sum was right.
        """
        return self._side.pull(path, into)

    def need(self, name: str) -> None:
        """Raise ReplyError if the box cannot answer a request, whatever it asks.

        For what comes in several steps, so that it is refused before the first.
        """
        self._side.need(name)


# A box without Python is rare, and the agent's own code takes its time to import.
def _way_to_shell(  # noqa: PLR0913, PLR0917 - what a session is made of
    transport: Transport,
    recorder: Trace,
    box: Box,
    console: ConsoleLines,
    timeout_s: float | None,
    token: str,
) -> Way:
    if transport.kind == "tty":
        from modferry.shellside.asker import Asker  # noqa: PLC0415
        from modferry.shellside.tty import Terminal  # noqa: PLC0415

        baud = box.profile.console.baud
        line = Asker(transport, recorder.record, box.name, console.feed, token, baud)
        return Terminal(line, box.name, timeout_s)
    from modferry.shellside.pipe import Pipe  # noqa: PLC0415

    return Pipe(transport, recorder.record, box.name, timeout_s)


@contextmanager
def _by_shell(way: Way, box: Box, sink: events.EventSink) -> Iterator[Side]:
    from modferry.shellside.side import ShellSide  # noqa: PLC0415
    from modferry.shellside.talk import Shell  # noqa: PLC0415

    shell = Shell(way, box.name, sink)
    try:
        shell.begin()
        yield ShellSide(shell, sink)
    finally:
        with suppress(TransportError):
            shell.leave()
