"""In a site: a repair as the host asks for it, and what a box like it would do."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

try:
    from against_faults import in_box
except ImportError:  # On a box the files lie in one directory.
    import in_box  # type: ignore[import-not-found,no-redef]

from modferry_agent.errors import AgentError
from modferry_agent.jobs import hook, push, repair, shellfiles
from modferry_agent.system import indexstore, processes

# Of rtai_sched in the trees that are made for tests.
_ALIAS = "rtai-scheduler"
_LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Repairs:
    """What there is to repair, and with what.

    archive: the agent's, as bytes
    """

    release: str
    archive: bytes

    def run(self, kind: str, way: str) -> str:
        """Do in a site what the host has the agent do; return what it complains of."""
        try:
            if way == "repair" and kind in ("divert", "hook"):
                self._push()
            if kind == "hook":
                (hook.install_hook if way == "repair" else hook.remove_hook)()
            else:
                (repair.repair if way == "repair" else repair.undo)(kind, self.release)
        except AgentError as error:
            return f"{way}: {error.code}: {error}"
        return ""

    def _push(self) -> None:
        wanted = sha256(self.archive).hexdigest()
        sent = push.Push(shellfiles.ARCHIVE, len(self.archive), wanted)
        if not sent.present:
            sent.append(self.archive)
        sent.finish()

    def run_counted(
        self, kind: str, way: str, number: int, calls: list[str], stand: Callable
    ) -> str:
        """Do it until the call of that number, which calls `stand`; note all before."""
        # As many calls at any time: indexes just written are flushed, old ones are not.
        indexstore._WRITTEN_S = 1 << 40
        in_box.stop_before(number, calls, stand, in_box.EVERY)
        # Programs that change something are calls like the others.
        real = processes.run

        def run(command: list[str], *others: object) -> object:
            if {"--add", "--remove", "remove", "defaults"} & set(command):
                calls.append(Path(command[0]).name)
                if len(calls) == number:
                    stand()
            return real(command, *others)

        processes.run = run
        return self.run(kind, way)

    def names(self) -> list[str]:
        """Return what is asked for: RTAI's modules, by all names, and a few others."""
        tree = Path("/lib/modules", self.release)
        found = [path.stem for path in (tree / "rtai").iterdir()]
        found += [path.name.split(".")[0] for path in tree.glob("kernel/**/virtio*")]
        if (tree / "modules.alias").read_text().find(_ALIAS) >= 0:
            found.append(_ALIAS)
        return sorted(found)

    def steps(self, names: list[str]) -> dict[str, list[str]]:
        """Return name -> real paths that the box's own modprobe would load for it."""
        return {name: self._steps_of(name) for name in names}

    def _steps_of(self, name: str) -> list[str]:
        words = ["modprobe", "--show-depends", "-S", self.release, name]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        lines = [line.split() for line in done.stdout.splitlines()]
        paths = [words[1] for words in lines if words[:1] == ["insmod"]]
        if done.returncode or not all(Path(path).exists() for path in paths):
            return [f"status {done.returncode}", *paths]
        # kmod tells what a softdep names again.
        return list(dict.fromkeys(os.path.realpath(path) for path in paths))

    def wrong(self, before: dict[str, list[str]]) -> list[str]:
        """Return what a box would lack that is as this site."""
        found = []
        now = self.steps(list(before))
        for name, paths in before.items():
            if [path for path in now[name] if path in paths] != paths:
                found.append(f"modprobe {name}: {paths} -> {now[name]}")
            elif now[name][-1:] != paths[-1:] or "status" in " ".join(now[name][:1]):
                found.append(f"modprobe {name}: {now[name]}")
        modules = ["rtai_sem", "rtai_sched", "rtai_hal"]
        words = ["/sbin/depmod", "-n", self.release]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_LIMIT_S)
        lacking = [one for one in modules if f"/{one}.ko" not in done.stdout]
        if done.returncode or lacking or "did not end well" in done.stderr:
            found.append(f"depmod: status {done.returncode}: {done.stderr}")
        return found + _wrong_at_boot()


def _wrong_at_boot() -> list[str]:
    # What init, systemd and dpkg would run; they stop at a status other than 0, or a
    # link that leads nowhere.
    commands = []
    found = []
    for path in sorted(Path("/etc").glob("rc?.d/*")):
        if not path.exists():
            found.append(f"{path} leads nowhere")
        elif "modferry" in path.name:
            commands.append([str(path), "start"])
    unit = Path(shellfiles.UNIT_LINK)
    if unit.is_symlink() and not unit.exists():
        found.append(f"{unit} leads nowhere")
    if Path(shellfiles.DPKG).exists():
        text = Path(shellfiles.DPKG).read_text()
        line = next(one for one in text.splitlines() if one.startswith("post-invoke="))
        commands.append(["sh", "-c", line.partition("=")[2]])
    for command in commands:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S)
        if done.returncode:
            found.append(f"{shlex.join(command)}: status {done.returncode}")
    return found
