"""QEMU for the practice box: its command line, its monitor, its end.

The machine is a PC in software emulation: nothing of it needs KVM or root. Its only
ways out are a serial line on a unix socket and one TCP port of the loopback.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modferry.errors import BoxError
from modferry.lab import programs

MEMORY_MB = 768
_CONSOLE = "console"
_ANSWER_S = 10.0
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What one QEMU is started with.

    command_line: the kernel's.
    serial_socket, monitor_socket: unix sockets, made by QEMU; paths below 108 bytes.
    console_log: the file in which QEMU keeps what the box sends on its serial line.
    ssh_port: the port of 127.0.0.1 that leads to port 22 of the box.
    disks: raw images, the box's /dev/vda and on; the box's kernel needs virtio_blk.
    """

    kernel: Path
    initrd: Path
    command_line: str
    serial_socket: Path
    monitor_socket: Path
    console_log: Path
    pid_file: Path
    ssh_port: int
    disks: tuple[Path, ...] = ()

    def argv(self) -> list[str]:
        """Return the command that starts it in the background."""
        line = (
            f"socket,id={_CONSOLE},path={_value(self.serial_socket)},server=on,wait=off"
        )
        forward = f"tcp:127.0.0.1:{self.ssh_port}-10.0.2.15:22"
        return [
            *("qemu-system-x86_64", "-name", "modferry practice box"),
            *("-machine", "pc", "-accel", "tcg,thread=multi"),
            *("-smp", "2", "-m", str(MEMORY_MB)),
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initrd)),
            *("-append", self.command_line),
            # No boot waits for somebody to connect: a console is there or not.
            *("-chardev", f"{line},logfile={_value(self.console_log)},logappend=off"),
            *("-serial", f"chardev:{_CONSOLE}"),
            *("-qmp", f"unix:{_value(self.monitor_socket)},server=on,wait=off"),
            # restrict: the box reaches nothing, neither the host nor a network.
            *("-netdev", f"user,id=net,restrict=on,hostfwd={forward}"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
            *("-pidfile", str(self.pid_file), "-daemonize"),
            *self._drives(),
        ]

    def _drives(self) -> Iterator[str]:
        for disk in self.disks:
            yield "-drive"
            yield f"file={_value(disk)},if=virtio,format=raw"

    def start(self) -> None:
        """Start it and return once its sockets are there; raise BoxError if it ends."""
        programs.run(self.argv(), step="QEMU", timeout_s=60)


# In QEMU's options a comma is written twice.
def _value(path: Path) -> str:
    return str(path).replace(",", ",,")


def ask(monitor: Path, command: str, **arguments: object) -> object:
    """Return QEMU's answer to a command on its monitor (QMP).

    Raises BoxError if it says no, or nothing within 10 s.
    """
    request = {"execute": command, "arguments": arguments}
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(str(monitor))
            with connection.makefile("rwb") as stream:
                stream.readline()  # the greeting
                for step in ({"execute": "qmp_capabilities"}, request):
                    stream.write(json.dumps(step).encode() + b"\n")
                    stream.flush()
                    answer = json.loads(stream.readline())
                    while "event" in answer:
                        answer = json.loads(stream.readline())
    except (OSError, ValueError) as error:
        raise BoxError(
            f'no answer to "{command}" from QEMU', where=str(monitor), why=str(error)
        ) from error
    if "error" in answer:
        raise BoxError(
            f'QEMU refuses "{command}"', where=str(monitor), why=answer["error"]["desc"]
        )
    return answer["return"]


def reset(monitor: Path) -> None:
    """Reset the machine, as its reset button would."""
    ask(monitor, "system_reset")


def send_break(monitor: Path) -> None:
    """Send a break on the serial line."""
    ask(monitor, "chardev-send-break", id=_CONSOLE)


def running_pid(pid_file: Path) -> int | None:
    """Return the process id of a QEMU that runs with this pid file, else None.

    A stale file may name a process that is something else by now: its command line
    must name the file.
    """
    try:
        pid = int(pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(pid_file) in words else None


def end(pid_file: Path) -> bool:
    """End the QEMU of this pid file and wait for it; return whether there was one."""
    pid = running_pid(pid_file)
    if pid is None:
        return False
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], _END_S)[0]:
                break
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
    pid_file.unlink(missing_ok=True)
    return True
