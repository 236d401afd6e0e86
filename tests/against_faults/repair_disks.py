"""Disks for repairs on the practice box that stop, until the power is cut."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

from against_faults import in_box, in_repaired_box, repair_site, repairs_in_site
from modferry.bundle import build_agent
from modferry.lab import oldindexes
from modferry.lab.box import PracticeBox
from support import powercut

KINDS = ("indexes", "aliases", "divert", "hook")
WAYS = ("repair", "undo")
MODULES = ("virtio_blk",)
MOST = 16
_MEGABYTES = 24
# Emulated, and with other work on the host, a run can take minutes.
LIMIT_S = 900.0
_SCRIPTS = (in_box, in_repaired_box, repair_site, repairs_in_site, oldindexes)


def make(folder: Path, count: int) -> list[Path]:
    """Return so many empty disks with ext4, as sparse files."""
    first = folder / "ext4-0"
    with first.open("wb") as stream:
        stream.truncate(_MEGABYTES << 20)
    # What a box of that time has: times to the nanosecond, so that none is lost here.
    made = ["mkfs.ext4", "-q", "-F", "-b", "1024", "-I", "256", first]
    subprocess.run(made, check=True, capture_output=True)
    disks = [first]
    for number in range(1, count):
        disks.append(folder / f"ext4-{number}")
        subprocess.run(["cp", "--sparse=always", first, disks[-1]], check=True)
    return disks


class Bench:
    """A practice box with such disks, and what runs on it.

    disks: their names; each lies below /d
    """

    def __init__(
        self, box: PracticeBox, root: Path, disks: list[str], folder: Path
    ) -> None:
        """Mount the disks, and make on each a site as the box is."""
        self._box = box
        self._disks = disks
        self._boots = 1
        modules = powercut.kernel_modules(box.release, MODULES, folder)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as parcel:
            for path in (*modules, *(Path(script.__file__) for script in _SCRIPTS)):
                parcel.add(path, path.name)
            agent = build_agent(root / "agent" / "modferry_agent")
            member = tarfile.TarInfo("agent.pyz")
            member.size = len(agent)
            parcel.addfile(member, io.BytesIO(agent))
        self._parcel = stream.getvalue()
        powercut.set_up(box, self._parcel, MODULES, disks)
        self._run("start", *(f"/d/{disk}" for disk in disks))

    def calls(self, kind: str, way: str) -> list[str]:
        """Return the calls of a run that change something."""
        calls: list[str] = json.loads(
            self._run("calls", f"/d/{self._disks[0]}", kind, way).splitlines()[-1]
        )
        return calls

    def cut(self, stops: list[tuple[str, str, int]]) -> dict[str, list[str]]:
        """Cut the power with a run stopped on each disk; return case -> what is wrong.

        stops: (kind, way, number of the call)
        """
        cases = [
            f"/d/{disk}:{kind}:{way}:{number}"
            for disk, (kind, way, number) in zip(self._disks, stops, strict=False)
        ]
        powercut.start(self._box, self._command("cut", *cases))
        self._boots += 1
        powercut.wait_for_reset(self._box, self._boots, LIMIT_S)
        powercut.set_up(self._box, self._parcel, MODULES, self._disks)
        lines = [json.loads(line) for line in self._run("look", *cases).splitlines()]
        return {line["case"]: line["wrong"] for line in lines}

    def _command(self, what: str, *words: str) -> str:
        script = f"python3 -B in_repaired_box.py {what} {self._box.release} agent.pyz"
        return f"cd /w && PYTHONPATH=agent.pyz {script} {' '.join(words)}"

    def _run(self, what: str, *words: str) -> str:
        return powercut.run(self._box, self._command(what, *words), LIMIT_S)
