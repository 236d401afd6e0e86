"""Which box is next: batches, gateways, retries, the stop rule; pure, no threads."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from modferry.core.lanes import Lane
from modferry.core.portions import Portion, batches

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a run.

    sizes: of the batches, none: all boxes at once.
    max_fail: the run stops when more boxes than that have failed; None: it does not.
    tries: how often a box is tried whose failure is worth another try.
    """

    sizes: tuple[Portion, ...] = ()
    max_fail: Portion | None = None
    tries: int = 4


@dataclass(slots=True)
class Schedule:
    """The boxes of a run: those that wait, that run, that are to be tried again.

    names: in the order in which they start.  lanes: of those that share a way.
    """

    names: Sequence[str]
    policy: Policy
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    random: Callable[[], float] = random.random
    running: set[str] = field(default_factory=set)
    failed: int = 0
    stopped: bool = False
    attempts: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, deque[str]] = field(default_factory=dict)
    _on_lane: Counter[str] = field(default_factory=Counter)
    _again: list[tuple[float, str]] = field(default_factory=list)
    _batches: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the boxes into batches, and the first of these into the queue."""
        self._batches = list(batches(self.names, self.policy.sizes))[::-1]
        self._next_batch()

    @property
    def done(self) -> bool:
        """Say whether nothing runs and nothing is to start."""
        return not self.running and (self.stopped or not self._open())

    def next(self, now: float) -> str | None:
        """Return the box to start now, or None."""
        if self.stopped:
            return None
        while self._again and self._again[0][0] <= now:
            self._queue(heapq.heappop(self._again)[1])
        for lane, queue in self._waiting.items():
            name = queue[0]
            limit = self.lanes[name].limit if name in self.lanes else None
            if limit is None or self._on_lane[lane] < limit:
                queue.popleft()
                if not queue:
                    del self._waiting[lane]
                self.running.add(name)
                self._on_lane[lane] += 1
                self.attempts[name] += 1
                return name
        return None

    def pause_s(self, now: float) -> float | None:
        """Return how long until a box is to be tried again; None: none is."""
        return max(0.0, self._again[0][0] - now) if self._again else None

    def ended(self, name: str, now: float, *, failed: bool, again: bool) -> bool:
        """Take note that a box has ended; return whether it is tried again.

        failed: it counts for the stop rule.  again: another try is worth it.
        """
        self.running.discard(name)
        self._on_lane[self._lane(name)] -= 1
        if again and not self.stopped and self.attempts[name] < self.policy.tries:
            pause = FIRST_PAUSE_S * 2.0 ** (self.attempts[name] - 1)
            # Those a full gateway dropped together must not come back together.
            spread = 0.5 + self.random()
            due = now + min(pause, LONGEST_PAUSE_S) * spread
            heapq.heappush(self._again, (due, name))
            return True
        self.failed += failed
        allowed = self.policy.max_fail
        if allowed is not None and self.failed > allowed.of(len(self.names)):
            self.stopped = True
        if not self._open_batch():
            self._next_batch()
        return False

    def left(self) -> list[str]:
        """Return the boxes that have not come to an end."""
        again = {name for _, name in self._again}
        queued = {name for queue in self._waiting.values() for name in queue}
        later = {name for batch in self._batches for name in batch}
        ends = self.running | again | queued | later
        return [name for name in self.names if name in ends]

    def _open(self) -> bool:
        return self._open_batch() or bool(self._batches)

    def _open_batch(self) -> bool:
        return bool(self.running or self._again or self._waiting)

    def _next_batch(self) -> None:
        if self._batches:
            for name in self._batches.pop():
                self._queue(name)

    def _queue(self, name: str) -> None:
        self._waiting.setdefault(self._lane(name), deque()).append(name)

    def _lane(self, name: str) -> str:
        return self.lanes[name].name if name in self.lanes else ""
