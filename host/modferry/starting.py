"""From a connected transport to the agent's greeting."""

from __future__ import annotations

import random
import time
from typing import Any

from modferry import resources
from modferry.bootstrap import console_dialogue, pipe_dialogue
from modferry.channel import Channel
from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.core.launch import Launch, archive_lines, stage_two
from modferry.core.messages import text_of
from modferry.dialogue import Conductor
from modferry.errors import BootstrapError, TransportError
from modferry.fleet.inventory import Box
from modferry.once import once
from modferry.secrets import Secrets
from modferry.steps import Wanted
from modferry.trace import Trace
from modferry.transport.base import Stderr
from modferry_agent import PROTOCOL
from modferry_agent.values import decode_value

LEASE_S = 12
GREETING_LIMIT_S = 30.0
TAKE_OVER_S = 1.5
ASK_ANEW_S = 0.2
"""The same on a terminal, at first: what was heard may be a greeting that noise hit.
The probe that follows tells that each START has arrived before a request goes out."""
LAST_HOMES = ("/run/modferry", "/dev/shm")  # noqa: S108 - on the box
"""Homes in memory, for a box whose disks are full."""


class Starter:
    """Gets the agent of one box to greet."""

    def __init__(  # noqa: PLR0913 - one place puts a session together
        self,
        box: Box,
        channel: Channel,
        secrets: Secrets,
        *,
        sink: events.EventSink,
        trace: Trace,
        console: ConsoleLines,
    ) -> None:
        """Keep what is needed on the way."""
        self._box = box
        self._channel = channel
        self._secrets = secrets
        self._sink = sink
        self._conductor = Conductor(channel.transport, trace.record, sink, console.feed)

    def start(self) -> dict[str, Any]:
        """Return the greeting of an agent that is ours to the byte.

        Raise TransportError or BootstrapError if there is no way to one.
        """
        launch = Launch(
            sha256=resources.part_sha256("base"),
            pythons=self._box.profile.python,
            homes=(*self._box.profile.directories, *LAST_HOMES),
            link_id=random.randrange(1, 0xFFFF),  # noqa: S311 - no secret
            lease_s=LEASE_S,
            log_level=self._box.profile.console.log_level,
            xonxoff=self._box.profile.console.flow == "xonxoff",
        )
        greeting: dict[str, Any] = {}
        for _ in range(2):
            try:
                greeting = self._try(launch)
            except TransportError as error:
                raise self._explained(error) from error
            if greeting["protocol"] == PROTOCOL and (
                greeting["sha256"] == launch.sha256
            ):
                return greeting
            # An agent of another build, left by a host that died: send it away.
            self._channel.leave()
        raise BootstrapError(
            "another agent keeps answering",
            where=self._box.name,
            why=f"its archive is {greeting.get('archive')}",
            next_step="end the other session with this box, then try again",
        )

    def _try(self, launch: Launch) -> dict[str, Any]:
        tty = self._channel.transport.kind == "tty"
        dialogue = console_dialogue if tty else pipe_dialogue
        rest = self._conductor.run(dialogue(self._wanted(launch)))
        return self._greeting(launch.link_id, rest)

    def _wanted(self, launch: Launch) -> Wanted:
        user = self._box.user or self._box.profile.login.user
        who = f"{user}@{self._box.name}"
        return Wanted(
            profile=self._box.profile,
            user=user,
            where=self._channel.transport.name,
            launch=launch,
            archive=_base_lines,
            login_password=lambda: self._secrets.login_password(who),
            become_password=lambda: self._secrets.become_password(who),
        )

    def _explained(self, error: TransportError) -> TransportError:
        # What the far end wrote to stderr often says why its shell went away.
        transport = self._channel.transport
        if isinstance(transport, Stderr) and not error.why:
            error.why = transport.stderr_text().strip()
        return error

    def _greeting(self, link_id: int, rest: bytes) -> dict[str, Any]:
        channel = self._channel
        channel.begin(link_id, rest, seven=rest.startswith(b"}"))
        asked = time.monotonic()
        limit = asked + GREETING_LIMIT_S
        patience_s = ASK_ANEW_S if channel.slow else TAKE_OVER_S
        while not channel.waiting:
            channel.exchange()
            if min(channel.silent_s, time.monotonic() - asked) > patience_s:
                # What was heard was an agent at work for a host that died.
                asked = time.monotonic()
                patience_s = min(2 * patience_s, TAKE_OVER_S)
                channel.take_over()
            if time.monotonic() > limit:
                raise BootstrapError(
                    "the agent does not greet",
                    where=self._box.name,
                    why=f"nothing came for {GREETING_LIMIT_S:.0f} s after its start",
                    next_step="try again with --trace FILE and look at what came",
                )
        message = text_of(decode_value(channel.waiting.popleft()))
        if channel.slow and not channel.probe():
            raise BootstrapError(
                "no frame gets through to the box",
                where=self._box.name,
                why="it speaks, and answers neither frames of 8 bits nor of 7",
                next_step="look at the line: --trace FILE records it",
            )
        greeting: dict[str, Any] = message["value"]
        text = (
            f"agent {greeting['version']} on {greeting['release']}, "
            f"Python {greeting['python']}"
        )
        self._sink(events.State(text))
        return greeting


@once
def _base_lines(deflated: bool) -> list[str]:  # noqa: FBT001 - as the dialogue asks
    payload = stage_two(resources.agent_parts()["base"], deflated=deflated)
    return archive_lines(payload)
