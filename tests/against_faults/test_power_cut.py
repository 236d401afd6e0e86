"""The power goes, in the practice box, while indexes are written and after."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from against_faults import in_box
from modferry.bundle import build_agent
from modferry.lab.image import Image
from support import powercut, rootfs
from support.practice import box_up

# Kind -> the smallest image, what makes its file system, modules to load for it.
KINDS = {
    "ext4": (8, ["mkfs.ext4", "-q", "-F"], []),
    "xfs": (300, ["mkfs.xfs", "-q", "-f"], ["libcrc32c", "xfs"]),
}
STOPS = 9


def _changing_calls(site) -> list[str]:
    """Return the calls that change something, of a run on this machine."""
    code = f"""if 1:
        from against_faults import in_box
        calls = []
        in_box.stop_before(0, calls)
        from modferry_agent.jobs import indexes
        indexes.write_indexes({rootfs.RELEASE!r}, {str(site.root)!r}, False, None,
            "file", False)
        print(*calls)
    """
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    site.restore()
    return done.stdout.split()


def _stops(calls: list[str]) -> list[int]:
    """Return the calls to stop before: around each turn of a publication."""
    renames = [number for number, call in enumerate(calls, 1) if call == "rename"]
    half = (len(renames) - 1) // 2  # the switch; the last one may be the cache's
    chosen = [
        *(calls.index("write") + 2, renames[0] - 1, renames[0] + 1, renames[half]),
        *(renames[half] + 1, renames[half + 1], renames[half + 1] + 1),
        *(renames[-1] + 1, len(calls) - 5),
    ]
    assert len(chosen) == STOPS
    return chosen


def _disks(site, folder: Path) -> dict[str, list[Path]]:
    made: dict[str, list[Path]] = {}
    for kind, (megabytes, command, _) in KINDS.items():
        if (
            shutil.which(command[0], path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
            is None
        ):
            pytest.skip(f"{command[0]} is not installed")
        first = folder / f"{kind}-0"
        with first.open("wb") as stream:
            stream.truncate(megabytes << 20)
        subprocess.run([*command, first], check=True, capture_output=True)
        made[kind] = [first]
        for number in range(1, STOPS + 3):
            copy = folder / f"{kind}-{number}"
            subprocess.run(["cp", "--sparse=always", first, copy], check=True)
            made[kind].append(copy)
    return made


def _parcel(site, root: Path, modules: list[Path]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as parcel:
        for path in modules:
            parcel.add(path, path.name)
        parcel.add(Path(in_box.__file__), "in_box.py")
        agent = build_agent(root / "agent" / "modferry_agent")
        member = tarfile.TarInfo("agent.pyz")
        member.size = len(agent)
        parcel.addfile(member, io.BytesIO(agent))
        parcel.add(site.start, "site/start")
        for kind, files in (("old", site.old), ("new", site.new)):
            for name, content in files.items():
                member = tarfile.TarInfo(f"site/{kind}/{name}")
                member.size = len(content)
                parcel.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.practice_box
@pytest.mark.slow
def test_after_a_power_cut_the_set_is_the_old_or_the_new_one(
    site, root: Path, practice_image: Image, tmp_path: Path
):
    calls = _changing_calls(site)
    disks = _disks(site, tmp_path)
    whats = [*(str(stop) for stop in _stops(calls)), "0", "first", "kmod"]
    mounts = [path.name for paths in disks.values() for path in paths]
    cases = [
        f"/d/{path.name}:{what}"
        for paths in disks.values()
        for path, what in zip(paths, whats, strict=True)
    ]
    names = ["virtio_blk", *(name for kind in KINDS.values() for name in kind[2])]
    modules = powercut.kernel_modules(practice_image.release, names, tmp_path)
    parcel = _parcel(site, root, modules)
    python = "cd /w && PYTHONPATH=agent.pyz python3 -B in_box.py"
    images = tuple(path for paths in disks.values() for path in paths)
    outcomes: Counter[tuple[str, str, float, str]] = Counter()
    wrong = []

    with box_up(practice_image, tmp_path / "lab", disks=images) as box:
        powercut.set_up(box, parcel, names, mounts)
        powercut.run(
            box, f"for disk in {' '.join(mounts)}; do cp -a /w/site/. /d/$disk; done"
        )
        for boots, delay_s in enumerate((0, 12), 2):
            words = " ".join(cases)
            powercut.start(box, f"{python} cut {delay_s} {words}")
            powercut.wait_for_reset(box, boots)
            powercut.set_up(box, parcel, names, mounts)
            for line in powercut.run(box, f"{python} look {words}").splitlines():
                case, before, after, left = line.split()
                disk, _, what = case.partition(":")
                label = what if not what.isdigit() or what == "0" else "stopped"
                kind = disk.partition("-")[0]
                outcomes[kind, label, delay_s, before] += 1
                allowed = {"stopped": ("old", "new"), "kmod": (before,)}
                if (
                    before not in allowed.get(label, ("new",))
                    or after != "new"
                    or (left != "False")
                ):
                    wrong.append((line, delay_s))

    for (kind, label, delay_s, before), count in sorted(outcomes.items()):
        print(f"{kind:5} {label:8} cut after {delay_s:2} s: {count} x {before}")
    assert wrong == []
    assert sum(outcomes.values()) == 2 * len(cases)
