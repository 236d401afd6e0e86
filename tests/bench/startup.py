"""modprobe of a loaded module, beside a bare Python that does nothing and kmod's own.

    /work-tree/.venv/bin/python tests/bench/startup.py

The box is a root of its own: a Debian kernel's real indexes, Debian's modprobe.d, and a
/sys with one loaded module, which all are made to see by a mount namespace (root). Each
row is one Python: the median of a run of starts, taken in turns with the bare start.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "agent"), str(TOP / "host"), str(TOP / "tests")]

from modferry import resources  # noqa: E402
from support import kmods, pythons, rootfs  # noqa: E402

ROUNDS = 60
MODULE = "loop"
_INSTALL = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from modferry_agent.jobs.install import install_names;"
    "install_names(sys.argv[2])"
)


def main() -> int:
    """Print a row a Python; run again below a mount namespace first."""
    if "--inside" not in sys.argv:
        command = ["unshare", "-m", sys.executable, __file__, "--inside"]
        return subprocess.run(command, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="startup-") as name:
        folder = Path(name)
        make_box(folder)
        kmod = kmods.machines_depmod()
        print(f"{'':12} {'bare':>8} {'modprobe':>9} {'ratio':>6} {'kmod':>7}   (ms)")
        for python in pythons.found().values():
            show(python.name, python.command, folder, kmod.tool("modprobe")[0])
    return 0


def make_box(folder: Path) -> None:
    """Bind a real kernel's tree and a loaded module over this machine's."""
    tree = next((rootfs.debian_kernel() / "lib/modules").iterdir())
    release = subprocess.run(
        ["uname", "-r"], capture_output=True, text=True, check=True
    )
    modules = folder / "modules" / release.stdout.strip()
    modules.parent.mkdir()
    modules.symlink_to(tree)
    if not (tree / "modules.dep.bin").exists():
        root = rootfs.debian_kernel()
        subprocess.run(["depmod", "-b", root, tree.name], check=True)
    state = folder / "sys" / MODULE
    state.mkdir(parents=True)
    (state / "initstate").write_text("live\n")
    for source, target in (
        (modules.parent, "/lib/modules"),
        (state.parent, "/sys/module"),
    ):
        Path(target).mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", source, target], check=True)


def show(name: str, python: str, folder: Path, kmod: str) -> None:
    """Measure one Python, in turns with the bare one."""
    target = folder / f"sbin-{name}"
    target.mkdir()
    (target / "modferry-agent.pyz").write_bytes(resources.agent_archive())
    agent = str(TOP / "agent")
    subprocess.run([python, "-E", "-c", _INSTALL, agent, str(target)], check=True)
    isolated = "-I" if not name.startswith("2.") else "-Es"
    commands = {
        "bare": [python, isolated, "-S", "-c", "pass"],
        "ours": [str(target / "modprobe"), MODULE],
        "kmod": [kmod, MODULE],
    }
    times: dict[str, list[float]] = {key: [] for key in commands}
    for _ in range(ROUNDS):
        for key, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True)
            times[key].append((time.perf_counter() - start) * 1000)
    middle = {key: statistics.median(values) for key, values in times.items()}
    ratio = middle["ours"] / middle["bare"]
    print(
        f"{name:12} {middle['bare']:8.1f} {middle['ours']:9.1f} {ratio:6.2f}"
        f" {middle['kmod']:7.1f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
