"""A box made of a script, for tests: what it hears and says, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modferry.errors import TransportError
from modferry.transport.base import Kind


@dataclass(frozen=True, slots=True)
class Says:
    """The box sends these bytes, ``after_s`` of the reader's waiting later."""

    octets: bytes
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Hears:
    """The box waits until what was written since the last step has this pattern."""

    pattern: bytes


@dataclass(frozen=True, slots=True)
class Hangs:
    """The link breaks."""

    why: str = "its end was closed"


Step = Says | Hears | Hangs


class FakeTransport:
    """A link whose far end follows a script; waiting takes no time.

    heard: all that was written.  waited_s: how long reads would have waited.
    left: the steps not yet taken; empty when the whole script was played.
    """

    def __init__(self, script: Iterable[Step], kind: Kind = "tty") -> None:
        """Play the script, step by step."""
        self.kind: Kind = kind
        self.name = "the fake box"
        self.left = list(script)
        self.heard = b""
        self.waited_s = 0.0
        self.closed = False
        self._unanswered = b""
        self._waited_for_step_s = 0.0

    def read(self, timeout_s: float) -> bytes:
        """Return what the script says now; ``b""`` if it has nothing to say."""
        said = b""
        while self.left:
            step = self.left[0]
            if isinstance(step, Hears):
                found = re.search(step.pattern, self._unanswered)
                if found is None:
                    break
                self._unanswered = self._unanswered[found.end() :]
            elif isinstance(step, Hangs):
                if said:
                    break
                raise TransportError(f"the link to {self.name} broke", why=step.why)
            else:
                missing_s = step.after_s - self._waited_for_step_s
                if missing_s > 0 and (said or missing_s > timeout_s):
                    break
                self.waited_s += max(missing_s, 0.0)
                said += step.octets
            self._waited_for_step_s = 0.0
            del self.left[0]
        if not said:
            self.waited_s += timeout_s
            self._waited_for_step_s += timeout_s
        return said

    def write(self, octets: bytes) -> None:
        """Let the box hear the bytes."""
        if self.closed:
            raise TransportError(f"the link to {self.name} is closed")
        self.heard += octets
        self._unanswered += octets

    def close(self) -> None:
        """Say nothing more."""
        self.closed = True
