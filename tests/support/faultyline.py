"""A push between the real two ends of a link over a line of a seed, in its own time.

Both ends are the real ones: the host's `AgentSide` and `Channel`, the agent's `Service`
with its jobs and its files.  Only the bytes' way is simulated: reading and writing let
the line's time go by, and the other end run when there is something for it.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from modferry import agentside
from modferry import channel as host_channel
from modferry.channel import Channel
from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.errors import ModferryError, TransportError
from modferry.fleet.inventory import resolve
from modferry.sent import Sent
from modferry.trace import Trace
from modferry_agent import serve
from modferry_agent.jobs import deliver
from modferry_agent.system.wireend import LineError
from support.line import Faults, Line

STEP_S = 0.004
LIMIT_S = 3000.0
LINK_ID = 77


@dataclass
class Found:
    """How a transfer ended.

    end: "intact"; "failed" with a reason, the old file there; "corrupt" or "hung".
    line_s: the line's time.
    """

    end: str
    reason: str
    line_s: float
    resent: int
    cuts: int
    size: int
    faults: Faults


class Clock:
    """The line's time, for both ends."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Wire:
    """The host's transport and the agent's end, with the line between them."""

    kind = "tty"
    name = "the simulated line"

    def __init__(self, clock: Clock, baud: int, faults: Faults, deaf: bool) -> None:
        self.clock = clock
        self.to_host = Line(baud, faults)
        quiet = replace(faults, kernel_lines_hz=0.0, seed=faults.seed + 5000)
        self.to_box = Line(baud, quiet, deafened_by=self.to_host if deaf else None)
        self.service: Any = None
        self.tty = True
        self.cut_at_s: float | None = None
        self._arrived = b""

    # The host's side.

    def write(self, octets: bytes) -> None:
        self.to_box.feed(octets, self.clock.now)

    def read(self, timeout_s: float) -> bytes:
        until = self.clock.now + timeout_s
        while self.clock.now < until:
            self.clock.now += STEP_S
            if self.clock.now > LIMIT_S:
                raise AssertionError("hung")
            if self.cut_at_s is not None and self.clock.now > self.cut_at_s:
                raise TransportError("the line was cut")
            self._let_the_agent_run()
            octets = self.to_host.take(self.clock.now)
            if octets:
                return octets
        return b""

    def close(self) -> None:
        pass

    # The agent's side: as `WireEnd`.

    def _let_the_agent_run(self) -> None:
        self._arrived += self.to_box.take(self.clock.now)
        self.service.step()

    def end_read(self, timeout_s: float) -> bytes:
        octets, self._arrived = self._arrived, b""
        return octets

    def end_write(self, octets: bytes) -> None:
        self.to_host.feed(octets, self.clock.now)


class Stepped:
    """The agent's service, run a step at a time."""

    def __init__(self, wire: Wire, link_id: int) -> None:
        end = mock.Mock(tty=True, read=wire.end_read, write=wire.end_write)
        self._service = serve.Service(end, link_id, 1e9)

    def step(self) -> None:
        service = self._service
        with contextlib.suppress(LineError):
            service._exchange(0)
            while service._waiting:
                service._answer(service._waiting.pop(0))
                service._exchange(0)

    def end(self) -> None:
        self._service._abandon()


def line_of(seed: int) -> tuple[random.Random, int, Faults, bool, int]:
    """Return the speed, the faults, deafness and the number of cuts of a seed."""
    chance = random.Random(seed)
    baud = chance.choice([9600, 115_200, 115_200, 115_200, 921_600])
    faults = Faults(
        flip=chance.choice([0, 0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3]),
        drop=chance.choice([0, 0, 1e-5, 1e-4, 1e-3]),
        burst=chance.choice([0, 0, 1e-5, 1e-4]),
        burst_bytes=chance.randrange(5, 400),
        # At most a third of the line is the kernel's.
        kernel_lines_hz=chance.choice([0, 0, 0.2, 2, 10, 50]) * baud / 115_200,
        adapter_s=chance.choice([0, 0, 0.016]),
        seed=seed,
    )
    return chance, baud, faults, chance.random() < 0.5, chance.choice([0, 0, 0, 1, 2])


def content_of(chance: random.Random) -> tuple[bytes, bytes | None]:
    """Return a file to push and what is at its place before, if anything."""
    words = [chance.randbytes(chance.randrange(1, 12)) for _ in range(300)]
    pieces = [chance.choice(words) for _ in range(chance.randrange(300, 6000))]
    content = b"".join(pieces)
    if chance.random() < 0.5:
        return content, None
    for _ in range(20):
        pieces[chance.randrange(len(pieces))] = chance.randbytes(3)
    return content, b"".join(pieces)


def transfer(seed: int, scratch: Path) -> Found:
    """Push a file over the line of that seed, again after each cut; say the end."""
    chance, baud, faults, deaf, cuts = line_of(seed)
    content, before = content_of(chance)
    home = scratch / str(seed)
    home.mkdir()
    target = home / "tree" / "file.bin"
    target.parent.mkdir()
    clock = Clock()
    resent = tries = 0
    reason = ""
    with contextlib.ExitStack() as stack:
        for module in (host_channel, agentside):
            stack.enter_context(mock.patch.object(module, "time", clock))
        stack.enter_context(mock.patch.object(serve, "clock", clock.monotonic))
        stack.enter_context(mock.patch.object(serve, "use_part"))
        stack.enter_context(mock.patch.object(deliver, "HOME", str(home)))
        stack.enter_context(mock.patch.object(deliver.os, "fsync"))
        stack.enter_context(
            mock.patch.object(agentside.AgentSide, "_part", return_value="0" * 64)
        )
        stack.enter_context(mock.patch.dict("os.environ", MODFERRY_SENT=str(home)))
        box = resolve("serial:///dev/null")
        if before is not None:
            target.write_bytes(before)
            Sent(box.address.text).keep(str(target), before)
        wire = Wire(clock, baud, faults, deaf)
        for tries in range(cuts + 1):
            if tries < cuts:
                wire.cut_at_s = clock.now + chance.uniform(0, 8 * len(content) / baud)
            else:
                wire.cut_at_s = None
            wire.service = Stepped(wire, LINK_ID + tries)
            channel = Channel(wire, Trace(None), ConsoleLines(events.ignore))
            channel.begin(LINK_ID + tries, b"")
            side = agentside.AgentSide(
                box, channel, {"zlib": True}, events.ignore, 60.0
            )
            try:
                side.push(content, str(target))
                reason = ""
            except AssertionError:
                return _found("hung", "no end", clock, channel, tries, content, faults)
            except ModferryError as error:
                reason = error.report()
            wire.service.end()
            resent += channel._link.resent
            if not reason:
                break
    there = target.read_bytes() if target.exists() else None
    end = "intact" if there == content and not reason else "failed"
    if there not in (content, before) or (end == "failed" and not reason):
        end = "corrupt"
    left = [path.name for path in target.parent.iterdir() if path != target]
    if left:
        end = f"left behind: {left}"
    shutil.rmtree(home)
    return Found(end, reason, round(clock.now, 3), resent, tries, len(content), faults)


def _found(end, reason, clock, channel, tries, content, faults) -> Found:
    return Found(
        end, reason, clock.now, channel._link.resent, tries, len(content), faults
    )
