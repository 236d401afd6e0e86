"""The practice box: built, started, looked at and stopped.

::

    $MODFERRY_LAB, else ~/.cache/modferry/lab/
      image/       what is booted: see image.py
      run/         of the box that runs: pid, console.log, known_hosts, box.json
      boxes.yaml   while it runs, its addresses, for the fleet: practice, practice-ssh
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from modferry.core.events import EventSink, State, ignore
from modferry.errors import BoxError, UsageError
from modferry.fleet.inventory import lab_directory
from modferry.lab import addresses, qemu
from modferry.lab.image import Image
from modferry.lab.switches import SWITCHES, switch_words

__all__ = ["LOG_LEVEL", "SWITCHES", "PracticeBox", "Status", "lab_directory"]

LOG_LEVEL = 7
UP_TIMEOUT_S = 180.0
_POLL_S = 0.1
_SOCKET_PATH_BYTES = 100  # a unix socket's path has room for 107
_PORT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Status:
    """A practice box as it is now.

    built: there is an image to boot.  running: QEMU runs.  pid: QEMU's.
    login_ready: the console has asked for a login since the start.
    The others are empty, or None, unless the box runs.
    """

    built: bool
    running: bool
    login_ready: bool = False
    pid: int | None = None
    release: str = ""
    serial_socket: Path | None = None
    ssh_port: int | None = None
    console_log: Path | None = None


class PracticeBox:
    """One practice box; boxes in several directories may run from one image."""

    def __init__(
        self, directory: Path | None = None, image: Image | None = None
    ) -> None:
        """Know a box; nothing is read or written.

        directory: what it keeps its files in, `lab_directory()` if None.
        image: what it boots, the directory's own if None.
        """
        self.directory = (directory or lab_directory()).expanduser().absolute()
        self.image = image or Image(self.directory / "image")
        self.run_directory = self.directory / "run"

    @property
    def release(self) -> str:
        """Return the release of the box's kernel."""
        return self.image.release

    @property
    def password(self) -> str:
        """Return the password of root and of the engineer."""
        return self.image.password_file.read_text().strip()

    @property
    def ssh_key(self) -> Path:
        """Return the file of root's SSH key."""
        return self.image.ssh_key

    @property
    def modules(self) -> Path:
        """Return the directory of the practice modules, those not on the box, too."""
        return self.image.modules

    @property
    def known_hosts(self) -> Path:
        """Return the file that holds the host keys of the box that runs."""
        return self.run_directory / "known_hosts"

    @property
    def console_log(self) -> Path:
        """Return the file with all that the box sent on its serial line."""
        return self.run_directory / "console.log"

    @property
    def pid_file(self) -> Path:
        """Return the file with QEMU's process id."""
        return self.run_directory / "qemu.pid"

    @property
    def serial_socket(self) -> Path:
        """Return the unix socket of the running box's serial line."""
        return Path(str(self._kept()["serial_socket"]))

    @property
    def monitor_socket(self) -> Path:
        """Return the unix socket of the running box's QEMU monitor."""
        return Path(str(self._kept()["monitor_socket"]))

    @property
    def ssh_port(self) -> int:
        """Return the port of 127.0.0.1 that leads to the running box's sshd."""
        return int(str(self._kept()["ssh_port"]))

    def build(self, events: EventSink = ignore) -> None:
        """Build the image if it is missing or out of date."""
        self.image.build(events)

    def start(
        self,
        *,
        log_level: int = LOG_LEVEL,
        switches: Mapping[str, str] | None = None,
        command_line: str = "",
        disks: tuple[Path, ...] = (),
    ) -> None:
        """Start the box and return at once; a box that runs is left as it is.

        log_level: of the kernel on the console, 0 to 8.
        switches: of `SWITCHES`, with their values, or "".
        command_line: more for the kernel's.
        disks: raw images that it has as /dev/vda and on.
        Raises UsageError if nothing is built, BoxError if QEMU does not start.
        """
        if qemu.running_pid(self.pid_file) is not None:
            return
        words = [
            "console=ttyS0,115200 rdinit=/sbin/init net.ifnames=0",
            f"loglevel={log_level}",
            *switch_words(switches or {}),
            command_line,
        ]
        release = self.image.release
        self._clear()
        self.run_directory.mkdir(mode=0o700, parents=True)
        sockets = self._socket_directory()
        machine = self._start_machine(sockets, " ".join(filter(None, words)), disks)
        keys = self.image.host_keys()
        self.known_hosts.write_text(addresses.known_hosts(machine.ssh_port, keys))
        kept = asdict(machine) | {"release": release, "sockets": sockets}
        (self.run_directory / "box.json").write_text(json.dumps(kept, default=str))
        fleet = addresses.fleet_file(
            serial_socket=machine.serial_socket,
            ssh_port=machine.ssh_port,
            password_file=self.image.password_file,
            identity_file=self.ssh_key,
            known_hosts_file=self.known_hosts,
        )
        (self.directory / "boxes.yaml").write_text(fleet)

    def wait_until_up(
        self, timeout_s: float = UP_TIMEOUT_S, events: EventSink = ignore
    ) -> None:
        """Return once the console asks for a login and sshd answers.

        Raises BoxError if the box panics or ends first, or after the timeout.
        """
        deadline = time.monotonic() + timeout_s
        events(State("the box boots"))
        self._wait(self._asks_for_login, deadline, "login prompt on the console")
        events(State("the console asks for a login"))
        self._wait(self._sshd_answers, deadline, "answer of sshd")
        events(State("sshd answers"))

    def status(self) -> Status:
        """Return how the box is now."""
        pid = qemu.running_pid(self.pid_file)
        if pid is None:
            return Status(built=self.image.is_built, running=False)
        return Status(
            built=self.image.is_built,
            running=True,
            login_ready=self._asks_for_login(),
            pid=pid,
            release=str(self._kept()["release"]),
            serial_socket=self.serial_socket,
            ssh_port=self.ssh_port,
            console_log=self.console_log,
        )

    def reset(self) -> None:
        """Reset the box: it boots again, and has forgotten everything."""
        qemu.reset(self.monitor_socket)

    def stop(self) -> bool:
        """Stop the box, remove what it left; return whether it ran."""
        ran = qemu.end(self.pid_file)
        self._clear()
        return ran

    def _kept(self) -> dict[str, object]:
        try:
            text = (self.run_directory / "box.json").read_text()
        except FileNotFoundError as error:
            raise UsageError(
                "the practice box is not running",
                where=str(self.directory),
                next_step="modferry lab up",
            ) from error
        kept: dict[str, object] = json.loads(text)
        return kept

    # A free port may be taken by another before QEMU has it: then the next one.
    def _start_machine(
        self, sockets: Path, command_line: str, disks: tuple[Path, ...]
    ) -> qemu.Machine:
        for remaining in reversed(range(_PORT_TRIES)):
            machine = qemu.Machine(
                kernel=self.image.kernel,
                initrd=self.image.initrd,
                command_line=command_line,
                serial_socket=sockets / "serial",
                monitor_socket=sockets / "monitor",
                console_log=self.console_log,
                pid_file=self.pid_file,
                ssh_port=_free_port(),
                disks=disks,
            )
            try:
                machine.start()
            except BoxError as error:
                if not remaining or "host forwarding" not in error.why:
                    raise
            else:
                return machine
        raise AssertionError

    def _socket_directory(self) -> Path:
        if len(os.fsencode(self.run_directory / "monitor")) <= _SOCKET_PATH_BYTES:
            return self.run_directory
        return Path(tempfile.mkdtemp(prefix="modferry-lab-", dir="/tmp"))

    def _clear(self) -> None:
        (self.directory / "boxes.yaml").unlink(missing_ok=True)
        if (self.run_directory / "box.json").exists():
            shutil.rmtree(Path(str(self._kept()["sockets"])), ignore_errors=True)
        shutil.rmtree(self.run_directory, ignore_errors=True)

    def _asks_for_login(self) -> bool:
        try:
            return b"\npractice login: " in self.console_log.read_bytes()
        except FileNotFoundError:
            return False

    # QEMU takes every connection itself and closes it if nobody listens on the box.
    def _sshd_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.ssh_port), 10) as stream:
                return stream.recv(4) == b"SSH-"
        except OSError:
            return False

    def _wait(self, is_so: Callable[[], bool], deadline: float, what: str) -> None:
        while not is_so():
            log = self.console_log.read_text(errors="replace")
            where = str(self.console_log)
            last = "\n".join(log.strip().splitlines()[-3:])
            if "Kernel panic" in log:
                raise BoxError("the practice box panicked", where=where, why=last)
            if qemu.running_pid(self.pid_file) is None:
                raise BoxError("QEMU ended while the box booted", where=where, why=last)
            if time.monotonic() > deadline:
                raise BoxError(f"no {what} in time", where=where, why=last)
            time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
