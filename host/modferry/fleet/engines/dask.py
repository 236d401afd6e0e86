"""The engine of many machines: boxes are tasks of Dask, a serial line is a resource.

A worker on the gateway that has a cable says so when it starts::

    dask worker tcp://head:8786 --nthreads 64 --resources "line:/dev/ttyUSB0=1"

Dask starts a dead worker's tasks anew elsewhere; what a box is asked for may be asked
again.  The journal, the schedule and the retries stay with the caller.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modferry.core.results import Result
from modferry.errors import ExitStatus, TransportError, UsageError
from modferry.fleet.box import Box
from modferry.fleet.engines.base import Done, Ended

if TYPE_CHECKING:
    from distributed import Client, Future

OUTSTANDING = 1000
EMBEDDED_WORKERS, EMBEDDED_THREADS = 2, 32
CONNECT_S = 10.0
SMALL_BYTES = 65_536
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Task = Callable[[Box, Event], Done]


def line_of(box: Box) -> str | None:
    """Return the resource that a worker must have for a box's line; None: any may."""
    if box.address.scheme in ("serial", "serial+unix"):
        return box.line or f"line:{box.address.path}"
    return None


def check_secrets(scheduler: str | None, boxes: Mapping[str, Box]) -> None:
    """Refuse to send passwords in the clear; raise UsageError naming the box."""
    parts = urlsplit(scheduler or "tcp://127.0.0.1")
    if parts.scheme != "tcp" or parts.hostname in LOOPBACK:
        return
    for box in boxes.values():
        if box.password.value or box.become_password.value:
            raise UsageError(
                "a password would go over the network in the clear",
                where=f"{box.name}, --scheduler {scheduler}",
                next_step="use a tls:// scheduler, or let the workers read it: "
                "password_command, password_file or password_env",
            )


class DaskEngine:
    """Runs the work on boxes as tasks of a Dask cluster.

    scheduler: its address; None: a cluster of processes on this machine.
    """

    def __init__(
        self,
        task: Task,
        boxes: Mapping[str, Box],
        scheduler: str | None = None,
        jobs: int | None = None,
    ) -> None:
        """Connect; raise UsageError without Dask, TransportError without an answer."""
        check_secrets(scheduler, boxes)
        self._boxes = boxes
        self._limit = jobs or OUTSTANDING
        self._cluster, self._client, dumps = _connected(scheduler)
        self._packed = dumps(task)
        self._sent = self._hand_out()
        self._futures: dict[str, Future] = {}
        self._starts: dict[str, float] = {}
        self._ended: SimpleQueue[str] = SimpleQueue()
        self._number = 0

    # What holds a file that is pushed is sent once, not with each box.
    def _hand_out(self) -> Any:  # noqa: ANN401 - Dask's
        if len(self._packed) < SMALL_BYTES:
            return self._packed
        return self._client.scatter(self._packed, broadcast=True, hash=False)

    def has_room(self) -> bool:
        """Say whether another box may be handed over now."""
        return len(self._futures) < self._limit

    def start(self, name: str) -> None:
        """Hand a box over; a box with a line waits for the worker that has it."""
        box = self._boxes[name]
        line = line_of(box)
        self._number += 1
        self._starts[name] = time.monotonic()
        future = self._client.submit(
            run_task,
            self._sent,
            box,
            key=f"modferry-{id(self)}-{self._number}",
            resources={line: 1} if line else None,
            pure=False,
        )
        self._futures[name] = future
        future.add_done_callback(lambda _: self._ended.put(name))

    def ended(self, timeout_s: float) -> list[Ended]:
        """Return what has ended, waiting so long for the first."""
        names: list[str] = []
        try:
            names.append(self._ended.get(timeout=max(0.0, timeout_s)))
            while True:
                names.append(self._ended.get_nowait())
        except Empty:
            return [self._collected(name) for name in names if name in self._futures]

    def stop(self) -> None:
        """Take back what has not begun; what has, comes to its end."""
        self._client.cancel(list(self._futures.values()))

    def close(self) -> None:
        """Leave the cluster; end it if it is our own."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _collected(self, name: str) -> Ended:
        future = self._futures.pop(name)
        seconds = time.monotonic() - self._starts.pop(name)
        if future.status == "finished":
            return Ended(name, future.result(), seconds)
        error = TransportError(
            "the work on the box was lost",
            where=name,
            why=f"Dask says: {future.status}, {future.exception()!r}"
            if future.status == "error"
            else f"Dask says: {future.status}",
            next_step="see the logs of the workers; modferry runs resume does the rest",
        )
        if future.status != "error":
            # Its worker died, and with it, it may be, what was handed out to all.
            error.passes()
            self._sent = self._hand_out()
        lost = Result("", box=name, status=ExitStatus.UNREACHABLE, error=error)
        return Ended(name, Done(lost), seconds)


def run_task(packed: bytes, box: Box) -> Done:
    """Do the work on a worker; its address is the first step."""
    from distributed import get_worker  # noqa: PLC0415 - an extra

    where = (time.time(), f"on worker {get_worker().address}")
    task: Task = pickle.loads(packed)  # noqa: S301 - from the caller's own engine
    done = task(box, Event())
    return replace(done, steps=(where, *done.steps))


def _connected(scheduler: str | None) -> tuple[Any, Client, Callable[[Task], bytes]]:
    try:
        from cloudpickle import dumps  # noqa: PLC0415
        from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "Dask is not installed",
            where="--engine dask",
            next_step="pip install 'modferry[cluster]'",
        ) from error
    cluster = None
    try:
        if scheduler is None:
            cluster = LocalCluster(
                n_workers=EMBEDDED_WORKERS,
                threads_per_worker=EMBEDDED_THREADS,
                dashboard_address=None,
            )
        client = Client(cluster or scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise TransportError(
            "the scheduler does not answer",
            where=f"--scheduler {scheduler}",
            why=str(error),
            next_step="start it: dask scheduler",
        ) from error
    return cluster, client, dumps
