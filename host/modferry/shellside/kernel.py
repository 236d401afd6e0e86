"""The running kernel of a box, read and told to load by its shell's tools."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping

from modferry.shellside import scripts
from modferry.shellside.talk import Shell
from modferry.shellside.way import quoted
from modferry_agent.core import errnos
from modferry_agent.system.kernel import Kernel
from modferry_agent.system.loader import DELETE_FLAGS, Loader

QUICK_S = 30.0
LOAD_S = 180.0


class BoxKernel(Kernel):
    """The kernel's files, read when they are asked for."""

    def __init__(self, shell: Shell, uname: Mapping[str, str], root: str) -> None:
        """Know the release and machine; root: of the files that are no kernel's."""
        super().__init__(root, uname["release"], uname["machine"])
        self._shell = shell

    def read(self, name: str) -> str | None:
        """Return the text of a kernel file; None when there is none."""
        octets = self._shell.read_file(name, limit_s=QUICK_S)
        return None if octets is None else octets.decode("latin-1")

    def initstate(self, name: str) -> str | None:
        """Return live, coming or going; "builtin" for a directory without a state."""
        text = self.read(f"/sys/module/{name}/initstate")
        if text is not None:
            return text.strip()
        return "builtin" if self._is_there(f"/sys/module/{name}") else None

    def is_live(self, name: str) -> bool:
        """Say whether a module is loaded and ready."""
        return any(
            entry["name"] == name and entry["state"] == "Live"
            for entry in self.modules()
        )

    def holders(self, name: str) -> list[str] | None:
        """Return what holds a module; None where sysfs does not say."""
        place = quoted(f"/sys/module/{name}/holders")
        status, octets = self._shell.run(f"ls {place}", limit_s=QUICK_S)
        return None if status else octets.decode("latin-1").split()

    def _is_there(self, path: str) -> bool:
        return not self._shell.run(f"[ -d {quoted(path)} ]", limit_s=QUICK_S)[0]


class BoxLoader(Loader):
    """The box's insmod, rmmod and dmesg.

    known: sha256 of a module's bytes -> its path on the box.
    """

    kind = "insmod"

    def __init__(self, shell: Shell, known: dict[str, str]) -> None:
        """Remember where the modules are."""
        super().__init__()
        self.caller = -1  # no line of the log bears it
        self._shell = shell
        self._known = known

    def insert(self, image: bytes, parameters: str) -> tuple[str, int]:
        """Run insmod on the file with these bytes; sent first if it is compressed."""
        words = scripts.words_of(errnos.split_parameters(parameters))
        path = self._known.get(hashlib.sha256(image).hexdigest())
        if path is not None:
            # What was checked is what is loaded: its sum once more, just before.
            same = self._shell.sums([path], limit_s=LOAD_S).get(path)
            if same == self._shell.sum_of(image):
                return self._ran(f"insmod {quoted(path)} {words}")
        place = self._shell.scratch
        status, said = self._shell.run(
            f"exec 2>&1\numask 077;mkdir {place}", limit_s=QUICK_S
        )
        if status:
            raise scripts.refused(said, place)
        with self._shell.tidied(f"rm -rf {place}"):
            self._shell.write_file(f"{place}/module.ko", image, limit_s=LOAD_S)
            return self._ran(f"insmod {place}/module.ko {words}")

    def delete(self, name: str, flags: int = DELETE_FLAGS) -> tuple[str, int]:
        """Run rmmod; it does not wait unless told to."""
        return self._ran(f"rmmod {quoted(name)}")

    def read_ring(self) -> tuple[bytes, int]:
        """Run dmesg; -r keeps the levels, and old ones do not know it."""
        ring = self._shell.output(
            "if dmesg -r >/dev/null; then o=-r; else o=; dmesg >/dev/null; fi",
            "dmesg $o",
            limit_s=QUICK_S,
        )
        return (b"", errno.EPERM) if ring is None else (ring, 0)

    def _ran(self, command: str) -> tuple[str, int]:
        status, said = self._shell.run(f"exec 2>&1\n{command}", limit_s=LOAD_S)
        if not status:
            return self.kind, 0
        return self.kind, errnos.errno_of_text(said.decode("latin-1"), os.strerror)
