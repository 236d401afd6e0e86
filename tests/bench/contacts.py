"""Time first and second contacts over a simulated serial line, over many seeds.

    PYTHONPATH=host:agent:tests python tests/bench/contacts.py \
        [--box-python PATH] [--shell sh] [--seeds N] [--from SEED] [--silent] [-v] \
        [ROW...]

From an open shell to the agent's greeting, in real time, at 115200 baud.  The second
contact of a seed is with the box that the first one left, and begins when its byte code
is written.  ``-v`` prints when each step began.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import termios
import time
from pathlib import Path

from bench.serial_line import box_on
from modferry.core import events
from modferry.errors import ModferryError
from modferry.session import Session
from support.line import Faults
from support.noisybox import lines, ptys, shell_on

ROWS = {
    "clean": (0.0, 0.0),
    "flips": (1e-5, 0.0),
    "kernel": (0.0, 2.0),
    "both": (1e-5, 2.0),
}
"""Row -> chance of a bit to flip, kernel lines a second (the receiver is deaf then)."""

KERNEL_TEXT = "[7{1:012.6f}] practice: the kernel says line {0}\r\n"
"""Of a box that has been up for a while."""

SETTLE_S = 0.4
"""For what an ended session still does on the box."""


class Contacts:
    """The seconds of contacts with one box after another; `failed` of them failed."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with none."""
        self.options = options
        self.seconds: list[list[float]] = [[], []]
        self.failed = 0

    def run(self, seed: int, flip: float, hertz: float) -> None:
        """Make both contacts with a new box."""
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for kind in range(2):
                faults = Faults(
                    flip=flip,
                    kernel_lines_hz=hertz,
                    kernel_text=KERNEL_TEXT,
                    seed=seed + kind * 500,
                )
                to_box, to_host = lines(115_200, faults, deaf=bool(hertz))
                with (
                    ptys(to_box, to_host) as line,
                    shell_on(line.box_tty, self.options.shell.split()),
                ):
                    if self.options.silent:
                        time.sleep(0.3)
                        termios.tcflush(line.host_tty, termios.TCIOFLUSH)
                    self._contact(kind, line.host_device, home)
                time.sleep(SETTLE_S)

    def _contact(self, kind: int, device: str, home: Path) -> None:
        box = box_on(device, 115_200, self.options.box_python, home)
        steps: list[str] = []
        began = time.monotonic()

        def note(event: events.Event) -> None:
            if isinstance(event, events.State):
                steps.append(f"{time.monotonic() - began:.2f} {event.text[:24]}")

        trace = self.options.trace and self.options.trace.with_suffix(f".{kind + 1}")
        try:
            with Session.open(box, events=note, trace=trace):
                took_s = time.monotonic() - began
        except ModferryError as error:
            print(error.report(), flush=True)
            self.failed += 1
            return
        self.seconds[kind].append(took_s)
        if self.options.verbose:
            print(f"  {kind + 1} {took_s:.2f}  {steps}", flush=True)


def main() -> int:
    """Do it; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--box-python", default="/usr/bin/python3")
    parser.add_argument("--shell", default="sh -i")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument(
        "--silent", action="store_true", help="the prompt is not seen to come"
    )
    parser.add_argument("--trace", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    options = parser.parse_args()
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    failed = 0
    for row in options.rows or ROWS:
        contacts = Contacts(options)
        for seed in range(options.first, options.first + options.seeds):
            contacts.run(seed, *ROWS[row])
        first, second = (
            f"median {statistics.median(each):.2f} worst {max(each):.2f}"
            for each in contacts.seconds
        )
        print(f"{row}: first {first}; second {second}; failed {contacts.failed}")
        sys.stdout.flush()
        failed += contacts.failed
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
