"""Push modules over a simulated serial line, beside ZMODEM and Kermit; print ratios.

    PYTHONPATH=host:agent:tests python tests/bench/serial_line.py \
        --modules DIR --earlier DIR [--box-python PATH] [--peers] [ROW...]

DIR holds isl29020.ko, can-isotp.ko, cassini.ko, dccp.ko and iwlwifi.ko of two builds of
Debian's kernel (apt-get download linux-image-6.1.0-56-amd64, -55-amd64; dpkg-deb -x).
The line is that of `support.line`, in real time, in a process of its own at real-time
priority; how much line time was lost because it came late is printed.  Goodput is file
bytes by seconds by the line's bytes a second.

All tools have the same line: ``sz -b`` into ``rz -b -y``, ``kermit -s`` into ``kermit
-r``, both started beforehand (which for a user takes a login and a command more), and
our push in an open session.  A pty has no tcdrain: rz and sz get one that waits 20 ms,
without which their last acknowledgement is thrown away.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from modferry.core import events
from modferry.errors import ModferryError
from modferry.fleet.inventory import Box, resolve
from modferry.sent import Sent
from modferry.session import Session
from support.line import Faults
from support.noisybox import TAKE_TERMINAL, bare_path, lines, ptys, shell_on

NAMES = ("isl29020", "can-isotp", "cassini", "dccp", "iwlwifi")
SHIM = "#include <unistd.h>\nint tcdrain(int fd){(void)fd;usleep(20000);return 0;}\n"


CLEAN = Faults()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    baud, faults, deaf: the line.  xz: the box has xz.  earlier: it has the module's
    earlier build.  known: from this host.  goal: of the median.
    """

    words: str
    goal: float
    baud: int = 115_200
    faults: Faults = CLEAN
    deaf: bool = False
    xz: bool = False
    earlier: bool = False
    known: bool = True
    peers: bool = True
    debug: bool = False


ROWS = {
    "clean": Row("clean, new module, box with zlib only", 3.1),
    "xz": Row("clean, new module, box with xz", 3.9, xz=True, peers=False),
    "rebuilt": Row(
        "clean, rebuilt version of a module the box has", 15, earlier=True, peers=False
    ),
    "unknown": Row("another host's version", 8, earlier=True, known=False, peers=False),
    "1e-5": Row("bit flips 1e-5", 3.0, faults=Faults(flip=1e-5, seed=11)),
    "1e-4": Row("bit flips 1e-4", 2.4, faults=Faults(flip=1e-4, seed=12)),
    "printk": Row(
        "2 kernel lines a second, receiver deaf meanwhile",
        2.9,
        faults=Faults(kernel_lines_hz=2.0, seed=13),
        deaf=True,
    ),
    "921600": Row(
        "921600, 16 ms USB adapter",
        2.4,
        baud=921_600,
        faults=Faults(adapter_s=0.016, seed=14),
    ),
}


class Bench:
    """What all rows share."""

    def __init__(self, options: argparse.Namespace, scratch: Path) -> None:
        """Read the modules."""
        self.options = options
        self.scratch = scratch
        self.files = {
            name: (options.modules / f"{name}.ko").read_bytes() for name in NAMES
        }
        self.shim = scratch / "tcdrain.so"
        source = scratch / "tcdrain.c"
        source.write_text(SHIM)
        if options.peers:
            command = ["gcc", "-shared", "-fPIC", "-o", self.shim, source]
            subprocess.run(command, check=True)

    def run(self, row: Row) -> None:
        """Print one line of the table."""
        print(f"\n{row.words} (goal {row.goal})", flush=True)
        names = NAMES[: self.options.peer_files]
        tools: dict[str, Callable[[Row], list[float | None]]] = {"modferry": self.ours}
        if self.options.peers and row.peers:
            tools |= {
                "zmodem": lambda row: [self.peer(row, name, ZMODEM) for name in names],
                "kermit": lambda row: [self.peer(row, name, KERMIT) for name in names],
            }
        medians = {}
        for tool, measure in tools.items():
            found = measure(row)
            whole = [value for value in found if value is not None]
            medians[tool] = statistics.median(whole) if whole else 0.0
            each = " / ".join("x" if v is None else f"{v:.2f}" for v in found)
            print(f"  {tool:9} median {medians[tool]:6.2f}   {each}", flush=True)
        for tool, median in medians.items():
            if tool != "modferry" and median:
                print(f"  modferry / {tool}: {medians['modferry'] / median:.1f}")

    def ours(self, row: Row) -> list[float | None]:
        """Return our goodputs."""
        home = Path(tempfile.mkdtemp(dir=self.scratch))
        os.environ["MODFERRY_SENT"] = str(home / "sent")
        path = os.defpath if row.xz else bare_path(home / "bin")
        python = self.options.xz_python if row.xz else self.options.box_python
        found: list[float | None] = []
        with ExitStack() as stack:
            line = stack.enter_context(
                ptys(*lines(row.baud, row.faults, deaf=row.deaf))
            )
            stack.enter_context(shell_on(line.box_tty, path=path))
            box = box_on(line.host_device, row.baud, python, home)
            seen: list[str] = []
            began = time.monotonic()
            session = stack.enter_context(Session.open(box, events=watch(seen)))
            print(f"  first contact {time.monotonic() - began:.2f} s", flush=True)
            session.request("hash", path="/nonexistent")
            session._side._part("files")
            for name, content in self.files.items():
                target = home / f"{name}.ko"
                if row.earlier:
                    old = (self.options.earlier / target.name).read_bytes()
                    target.write_bytes(old)
                if row.earlier and row.known:
                    Sent(box.address.text).keep(str(target), old)
                else:
                    shutil.rmtree(home / "sent", ignore_errors=True)
                resent = session._side._channel._link.resent
                began = time.monotonic()
                try:
                    session.push(content, str(target))
                except ModferryError as error:
                    print(error.report())
                    found.append(None)
                    break
                took_s = time.monotonic() - began
                assert target.read_bytes() == content
                found.append(len(content) / took_s / (row.baud / 10))
                link = session._side._channel._link
                print(
                    f"    {name}: {took_s:.3f} s, {link.resent - resent} frames resent,"
                    f" payload {link.payload}, {seen[-1:]}",
                    flush=True,
                )
        print(f"    line: {line.counts}", flush=True)
        return found

    def peer(self, row: Row, name: str, tool: Peer) -> float | None:
        """Return the goodput of another program, None if it failed."""
        content = self.files[name]
        source = self.scratch / f"{name}.ko"
        source.write_bytes(content)
        target = Path(tempfile.mkdtemp(dir=self.scratch))
        limit_s = 4 * len(content) / (row.baud / 10) + 30
        environment = {**os.environ, "LD_PRELOAD": str(self.shim), "HOME": str(target)}
        with ptys(*lines(row.baud, row.faults, deaf=row.deaf)) as line:
            receiver = subprocess.Popen(
                [sys.executable, "-c", TAKE_TERMINAL, *tool.receive],
                cwd=target,
                stdin=line.box_tty,
                stdout=line.box_tty,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
            time.sleep(0.3)
            began = time.monotonic()
            sender = subprocess.Popen(
                tool.send(line.host_device, row.baud, source),
                stdin=line.host_tty if tool.on_its_terminal else subprocess.DEVNULL,
                stdout=line.host_tty if tool.on_its_terminal else subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
            arrived = target / source.name
            wanted = hashlib.sha256(content).digest()
            took_s = None
            while time.monotonic() - began < limit_s:
                if sender.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                sender.kill()
            took_s = time.monotonic() - began
            time.sleep(0.2)
            for process in (sender, receiver):
                process.kill()
                process.wait()
        if not arrived.is_file():
            return None
        if hashlib.sha256(arrived.read_bytes()).digest() != wanted:
            return None
        return len(content) / took_s / (row.baud / 10)


@dataclass(frozen=True)
class Peer:
    """How another program is started at both ends."""

    receive: tuple[str, ...]
    send: Callable[[str, int, Path], list[str]]
    on_its_terminal: bool


ZMODEM = Peer(("rz", "-b", "-y"), lambda _device, _baud, path: ["sz", "-b", str(path)],
              on_its_terminal=True)  # fmt: skip
KERMIT = Peer(
    ("kermit", "-i", "-q", "-r"),
    lambda device, baud, path: [
        "kermit",
        "-Y",
        "-q",
        "-C",
        (
            f"set carrier-watch off, set line {device}, set flow none, set speed {baud}"
            f", set xfer display none, set file type binary, send {path}, exit"
        ),
    ],
    on_its_terminal=False,
)


def box_on(device: str, baud: int, python: str, home: Path) -> Box:
    """Return a box on a device."""
    box = resolve(f"serial://{device}?baud={baud}")
    profile = replace(
        box.profile, directories=(str(home / "modferry"),), python=(python,)
    )
    return replace(box, profile=profile)


def watch(seen: list[str]) -> events.EventSink:
    """Return a sink that keeps the states."""

    def sink(event: events.Event) -> None:
        if isinstance(event, events.State):
            seen.append(event.text)

    return sink


def main() -> int:
    """Do it; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--earlier", type=Path, required=True)
    parser.add_argument("--box-python", default=sys.executable)
    parser.add_argument("--xz-python", default=sys.executable)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument(
        "--peer-files", type=int, default=5, help="the others push so many only"
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    options = parser.parse_args()
    # All of it, the others' programs too: so that what else runs here disturbs nobody.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, Path(scratch))
        for name in options.rows or ROWS:
            bench.run(ROWS[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
