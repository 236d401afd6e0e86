"""One connection, and many that wait: time, CPU, round trips, memory.

    PYTHONPATH=host:agent:tests python tests/bench/fleet/connection.py

Prints a table: a link's wall and CPU time to a server of today and to one like
Squeeze's, plain paramiko's beside it; the round trips of a link and of a whole session
with a request, through a proxy that delays; 200 boxes whose login takes a second; the
memory of a box that waits.
"""

from __future__ import annotations

import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import paramiko

from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced
from modferry.fleet.box import Box
from modferry.profiles import read_profile
from modferry.secrets import Secrets
from modferry.session import Session
from modferry.transport import open_transport
from support.loopback import Boxes, boxes
from support.sshd import OLD, Server, make_key, sshd
from support.sshlink import USER

DELAYS_S = (0.02, 0.2)
ROUNDS = 15
TIDY_S = 0.05
"""What sshd does after a connection has ended is not the next one's time."""

HERE = Path(__file__).resolve().parent


class Delay:
    """A proxy that passes bytes on after a while, both ways."""

    def __init__(self, port: int, delay_s: float) -> None:
        """Begin to listen; ``port`` is then where."""
        self._to, self._delay_s = port, delay_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._to))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            args = (client, server, self._delay_s)
            threading.Thread(target=_pass, args=args, daemon=True).start()


def _pass(client: socket.socket, server: socket.socket, delay_s: float) -> None:
    queue: deque[tuple[float, socket.socket, bytes]] = deque()
    other = {client: server, server: client}
    ready = selectors.DefaultSelector()
    for one in other:
        ready.register(one, selectors.EVENT_READ)
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
        for key, _ in ready.select(wait):
            one = key.fileobj
            octets = b""
            with suppress(OSError):
                octets = one.recv(65536)  # type: ignore[union-attr]
            if not octets:
                time.sleep(delay_s)
                client.close()
                server.close()
                return
            queue.append((time.monotonic() + delay_s, other[one], octets))  # type: ignore[index]
        while queue and queue[0][0] <= time.monotonic():
            _, to, octets = queue.popleft()
            with suppress(OSError):  # its end is gone already
                to.sendall(octets)


def timed(action: Callable[[], None]) -> tuple[float, float]:
    """Return the median wall and CPU time of an action, in milliseconds."""
    action()
    found = []
    for _ in range(ROUNDS):
        time.sleep(TIDY_S)
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*found, strict=True)
    return statistics.median(walls) * 1000, statistics.median(cpus) * 1000


def link_to(server: Server, port: int, key: Path, known: Path, profile: Profile) -> Box:
    """Return the box that a server is."""
    url = f"ssh://{USER}@127.0.0.1:{port}?identity={key}&known_hosts={known}"
    return Box(f"port {server.port}", parse_address(url), profile)


def one_connection(folder: Path, kind: str) -> None:
    """Print the figures of one connection to a kind of server."""
    old = OLD.get(kind)
    key_kind = "rsa" if old else "ed25519"
    key = make_key(folder, key_kind, f"key_{kind}")
    lines = list(old.lines) if old else []
    with sshd(
        folder / kind, [key], host_keys=old.host_keys if old else ("ed25519",),
        lines=[*lines, "LogLevel QUIET"],
    ) as server:  # fmt: skip
        known = server.known_hosts(folder / f"known_{kind}")
        name = f"{kind}-rtai" if old else "bookworm"
        profile = replaced(
            read_profile(name),
            {"directories": (str(folder / "agent"),), "python": ("/usr/bin/python3",)},
        )
        box = link_to(server, server.port, key, known, profile)

        def link() -> None:
            open_transport(box.address, box.profile, secrets=Secrets()).close()

        print(f"| {kind}: a link | {_shown(timed(link))} |")
        if old is None:
            print(
                f"| plain paramiko, a channel | {_shown(timed(_plain(server, key)))} |"
            )
        if old is not None:
            return
        _round_trips(server, key, folder, profile)


# By how much a longer way makes it longer: what the ends compute is not counted.
def _round_trips(server: Server, key: Path, folder: Path, profile: Profile) -> None:
    walls: dict[str, list[float]] = {"a link": [], "a session with a request": []}
    for delay_s in DELAYS_S:
        delayed = Delay(server.port, delay_s)
        known = folder / f"far_{delay_s}"
        far = link_to(server, delayed.port, key, known, profile)

        def link(far: Box = far) -> None:
            open_transport(
                far.address, far.profile, secrets=Secrets(), accept_new=True
            ).close()

        def session(far: Box = far) -> None:
            with Session.open(far, accept_new=True) as opened:
                opened.request("hash", path="/etc/hostname")

        for what, action in zip(walls, (link, session), strict=True):
            walls[what].append(timed(action)[0] / 1000)
    for what, (near_s, far_s) in walls.items():
        trips = (far_s - near_s) / (2 * (DELAYS_S[1] - DELAYS_S[0]))
        print(f"| {what}: round trips | {trips:.1f} | |")


def _shown(found: tuple[float, float]) -> str:
    return f"{found[0]:.1f} ms | {found[1]:.1f} ms"


def _plain(server: Server, key: Path) -> Callable[[], None]:
    loaded = paramiko.Ed25519Key.from_private_key_file(str(key))

    def connect() -> None:
        transport = paramiko.Transport(("127.0.0.1", server.port))
        transport.connect(username=USER, pkey=loaded)
        transport.open_session().exec_command("exec sh")
        transport.close()

    return connect


def slow_logins(count: int) -> None:
    """Print how long so many boxes take whose login takes a second."""
    with tempfile.TemporaryDirectory() as name:
        slow = Path(name) / "keys"
        lines = [f"AuthorizedKeysCommand {slow}", "AuthorizedKeysCommandUser root"]
        Path(name).chmod(0o755)
        with boxes(count, lines) as there:
            slow.write_text(f"#!/bin/sh\nsleep 1\ncat {there.key}.pub\n")
            slow.chmod(0o755)
            (there.folder / "sshd" / "authorized_keys").write_text("")
            print(f"| {count} boxes, a login of 1 s | {_run(there):.1f} s | |")


def _run(there: Boxes) -> float:
    hosts, file = there.folder / "hosts", there.folder / "file"
    hosts.write_text("\n".join(there.addresses))
    file.write_bytes(bytes(100_000))
    words = [hosts, there.port, there.user, there.key, there.known_hosts, file,
             "head -c 100000 | sha256sum"]  # fmt: skip
    start = time.monotonic()
    command = [sys.executable, str(HERE / "ours.py"), *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def waiting_memory(count: int) -> None:
    """Print what a box that waits costs in memory."""
    with boxes(count) as there:
        links = []
        before = _rss_kb()
        for address in there.addresses:
            url = (
                f"ssh://{there.user}@{address}:{there.port}"
                f"?identity={there.key}&known_hosts={there.known_hosts}"
            )
            links.append(
                open_transport(parse_address(url), Profile(), secrets=Secrets())
            )
            if len(links) == count // 4:
                before = _rss_kb()
        each = (_rss_kb() - before) / (count - count // 4)
        print(f"| memory of a waiting box | {each:.0f} kB | |")
        for link in links:
            link.close()


def _rss_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print the table."""
    print("| what | wall | client CPU |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        for kind in ("today", "squeeze"):
            one_connection(Path(name), kind)
    waiting_memory(200)
    slow_logins(200)


if __name__ == "__main__":
    main()
