"""Who has a serial port: lock files as uucp, minicom and picocom have them.

``/run/lock/LCK..ttyUSB0`` holds the process number in ten columns and a newline.
Source: Filesystem Hierarchy Standard 3.0, "/var/lock : Lock files".
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from modferry.errors import TransportError

FOLDER = Path("/run/lock")


class LockFile:
    """The lock file of one device, ours until `release`."""

    def __init__(self, device: str, folder: Path = FOLDER) -> None:
        """Name the lock; nothing is taken yet."""
        self.device = device
        real = os.path.realpath(device).removeprefix("/dev/").replace("/", "_")
        self.path = folder / f"LCK..{real}"
        self._ours = False

    def take(self) -> None:
        """Take the lock; raise TransportError naming who has it.

        Where the folder is missing or not ours to write, there is no lock to take:
        the device's own exclusive flag stays.
        """
        for _attempt in range(2):
            try:
                descriptor = os.open(
                    self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644
                )
            except FileExistsError:
                holder = lock_holder(self.path)
                if holder is not None:
                    raise self._held(holder, str(self.path)) from None
                with contextlib.suppress(OSError):
                    self.path.unlink()
            except OSError:
                return
            else:
                os.write(descriptor, b"%10d\n" % os.getpid())
                os.close(descriptor)
                self._ours = True
                return

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        if self._ours:
            self._ours = False
            with contextlib.suppress(OSError):
                self.path.unlink()

    def in_use(self) -> TransportError:
        """Return the error for a device another process has opened exclusively."""
        holder = open_holder(self.device)
        return self._held(holder, "the device's exclusive lock")

    def _held(self, holder: int | None, what: str) -> TransportError:
        who = "another process" if holder is None else process_words(holder)
        return TransportError(
            f"{self.device} is in use",
            why=f"{who} holds {what}",
            next_step="end it, or use its connection",
        )


def lock_holder(path: Path) -> int | None:
    """Return the living process a lock file names, None if it is stale."""
    try:
        number = int(path.read_bytes()[:11])
    except (OSError, ValueError):
        return None
    if number <= 0:
        return None
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # it lives, it is somebody else's
    return number


def open_holder(device: str) -> int | None:
    """Return another process that has the device open, as far as we may see."""
    real = os.path.realpath(device)
    for folder in Path("/proc").glob("[0-9]*/fd"):
        number = int(folder.parent.name)
        if number == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for link in folder.iterdir():
                with contextlib.suppress(OSError):
                    if str(link.readlink()) == real:
                        return number
    return None


def process_words(number: int) -> str:
    """Return ``process 123 (picocom)``."""
    try:
        name = Path(f"/proc/{number}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return f"process {number}"
    return f"process {number} ({name})"
