"""Carry out a bootstrap dialogue over a transport: send, wait, match."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from modferry import steps
from modferry.core import events
from modferry.core.frombox import ToHostDecoder
from modferry.transport.base import Transport

KERNEL_LINE = re.compile(rb"(<\d>)?\[ *\d+\.\d{6}\][^\r\n]*\r*\n")
"""A whole kernel line, wherever it stands: the kernel prints into prompts, too."""

SETTLE_S = 0.15
"""A prompt is what is still the end of the text after so long."""

POLL_S = 0.05
TEXT_LIMIT = 65_536

Recorder = Callable[[str, bytes], None]
"""Takes the direction (``>`` to the box, ``<`` from it) and the bytes."""

BOOTED_S = 60
"""A kernel's lines of that age and more are no boot's."""

ENDS = re.compile(rb"(?i)reboot|restart|power (off|down)|halt")


def is_alive(octets: bytes) -> bool:
    """Say whether lines show a kernel that has run for a while, and goes on."""
    lines = [match[0] for match in KERNEL_LINE.finditer(octets)]
    if not lines or any(ENDS.search(line) for line in lines):
        return False
    age = re.search(rb"\[ *(\d+)\.", lines[-1])
    return age is not None and int(age[1]) >= BOOTED_S


class Conductor:
    """Runs dialogues over one transport.

    record: takes all that goes over the line; secrets are replaced.
    sink: takes the steps reached and how far typing is.  console: takes the text of
    the box.
    """

    def __init__(
        self,
        transport: Transport,
        record: Recorder,
        sink: events.EventSink,
        console: Callable[[bytes], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing heard."""
        self._transport = transport
        self._record = record
        self._sink = sink
        self._console = console
        self._clock = clock
        self._frames = ToHostDecoder()
        self._raw = b""

    def run(self, dialogue: steps.Dialogue) -> bytes:
        """Carry the dialogue out to its end; return what came of the agent already.

        Its errors come through.
        """
        try:
            step = next(dialogue)
            while True:
                match step:
                    case steps.Send(octets=octets, secret=secret):
                        self._record(">", b"(secret)\r" if secret else octets)
                        self._transport.write(octets)
                        step = next(dialogue)
                    case steps.Say(text=text):
                        self._sink(events.State(text))
                        step = next(dialogue)
                    case steps.Typed(done=done, total=total):
                        self._sink(events.Progress(done, total, "sending the agent"))
                        step = next(dialogue)
                    case steps.Expect():
                        step = dialogue.send(self._wait(step))
        except StopIteration:
            rest, self._raw = self._raw, b""
            return rest

    def _wait(self, wanted: steps.Expect) -> steps.Heard:
        start = now = self._clock()
        last_octet = changed = start
        octets, text = 0, KERNEL_LINE.sub(b"", self._raw)
        while True:
            still_s = now - max(changed, start + wanted.busy_s)
            for index, pattern in enumerate(wanted.patterns):
                settled = not pattern.pattern.endswith(b"$")
                match = pattern.search(text)
                if match and (settled or (still_s >= 0 and now - changed >= SETTLE_S)):
                    self._consume(pattern)
                    return steps.Heard(index, match, octets, text, now - start)
            silent = (
                wanted.silence_s is not None and now - last_octet >= wanted.silence_s
            )
            quiet = wanted.quiet_s is not None and still_s >= wanted.quiet_s
            alive = wanted.alive_s is not None and now - changed >= wanted.alive_s
            if alive and is_alive(self._raw):
                quiet = True
            if silent or quiet or now - start >= wanted.timeout_s:
                self._raw = b""
                return steps.Heard(None, None, octets, text, now - start)
            came = self._transport.read(POLL_S)
            now = self._clock()
            if came:
                self._record("<", came)
                last_octet = now
                octets += len(came)
                self._raw = (self._raw + came)[-TEXT_LIMIT:]
                cleaned = KERNEL_LINE.sub(b"", self._raw)
                if cleaned != text:
                    changed = now
                text = cleaned
                # Frames are the link's; what is around them is the box's console.
                for _ in self._frames.feed(came):
                    pass
                self._console(self._frames.take_text())

    def _consume(self, pattern: re.Pattern[bytes]) -> None:
        # What the agent says must stay for its link, from the first byte on.
        if pattern is steps.AGENT_SPEAKS:
            found = pattern.search(self._raw)
            self._raw = self._raw[found.start() :] if found else b""
        else:
            self._raw = b""
