"""A cable on a unix socket that may be pulled out and put in again."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Cable:
    """Carries bytes between whoever connects and another socket.

    carried: how many have gone towards the other end since it was put in.
    """

    def __init__(self, here: Path, there: Path) -> None:
        self.here, self._there = here, there
        self.carried = 0
        self._pulled = threading.Event()
        self._ended = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Break the connection there is; the next one finds the line again."""
        self._pulled.set()

    def end(self) -> None:
        self._ended = True
        self._pulled.set()
        self._thread.join(5)
        self._listener.close()

    def _run(self) -> None:
        while not self._ended:
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            with self._listener.accept()[0] as near, _connected(self._there) as far:
                self._pulled.clear()
                self.carried = 0
                with contextlib.suppress(OSError):
                    self._carry(near, far)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        while not self._pulled.is_set():
            for end in select.select([near, far], [], [], 0.02)[0]:
                octets = end.recv(4096)
                if not octets:
                    return
                (far if end is near else near).sendall(octets)
                self.carried += len(octets) if end is near else 0


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


@contextmanager
def cable(here: Path, there: Path) -> Iterator[Cable]:
    made = Cable(here, there)
    try:
        yield made
    finally:
        made.end()
