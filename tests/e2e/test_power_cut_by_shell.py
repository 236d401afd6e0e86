"""The power goes while a plain shell publishes indexes: the old set, or the new one."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from modferry.errors import ModferryError, TransportError
from modferry.lab.box import PracticeBox
from modferry_agent.jobs import indexes
from support import elfwriter, powercut, rootfs
from support.plainuserland import ROOT, plant, session_on
from support.practice import box_up, shell

CHANGING = ("chmod", "ln", "mkdir", "mv", "rm", "sync")
TREE = f"lib/modules/{rootfs.RELEASE}"
STOPS = 10

# Counts the calls for each disk, and stands still before the one that is named.
STANDING = """\
#!/bin/sh
d=${PWD#/d/}
at=/run/cut/${d%%/*}
n=$(($(busybox cat $at.count 2>/dev/null || echo 0) + 1))
echo $n >$at.count
echo NAME >>$at.calls
if [ "$n" = "$(busybox cat $at.stop 2>/dev/null)" ]; then
    echo >$at.stands
    while :; do busybox sleep 100; done
fi
exec busybox NAME "$@"
"""


def site_of(folder: Path) -> tuple[Path, dict[str, str], dict[str, str]]:
    """Return a root with old indexes and a new module, and the sums of both sets."""
    root = folder / "site"
    files = rootfs.rtai_files()
    tree = rootfs.make_tree(root, files, links=rootfs.rtai_links(), order=list(files))
    indexes.write_indexes(rootfs.RELEASE, str(root))
    old = sums_of(tree)
    added = elfwriter.kernel_module(
        "new", exports=["brand_new"], imports=["rt_printk"], aliases=["pci:new*"],
        fields=[("softdep", "pre: rtai_sem")],
    )  # fmt: skip
    (tree / "new.ko").write_bytes(added)
    copy = folder / "copy"
    shutil.copytree(root, copy, symlinks=True)
    indexes.write_indexes(rootfs.RELEASE, str(copy))
    return root, old, sums_of(copy / TREE)


def sums_of(tree: Path) -> dict[str, str]:
    found = rootfs.index_files(tree)
    return {name: hashlib.sha256(found[name]).hexdigest() for name in found}


def disks_of(folder: Path) -> list[Path]:
    """Return small ext4 disks, all alike, one for each stop and one for none."""
    first = folder / "disk"
    with first.open("wb") as stream:
        stream.truncate(8 << 20)
    command = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
    if command is None:
        pytest.skip("mkfs.ext4 is not installed: apt install e2fsprogs")
    subprocess.run([command, "-q", "-F", first], check=True, capture_output=True)
    disks = [folder / f"disk{number}" for number in range(STOPS + 1)]
    for disk in disks:
        subprocess.run(["cp", "--sparse=always", first, disk], check=True)
    return disks


NAMES = [f"ext4-{number}" for number in range(STOPS + 1)]
"""Of the disks; the first one's run is not stopped."""


def set_up(box: PracticeBox, site: Path, driver: Path, *, new: bool) -> None:
    """Mount the disks in the userland, too; put the site on each that is new."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as parcel:
        parcel.add(driver, driver.name)
        parcel.add(site, "site")
    powercut.set_up(box, stream.getvalue(), ["virtio_blk"], NAMES)
    script = ["set -e", f"mkdir -p {ROOT}/d {ROOT}/run/cut"]
    script += [f"cp -a /w/site/. /d/{name}" for name in NAMES if new]
    script += ["sync", f"mount --rbind /d {ROOT}/d"]
    powercut.run(box, "\n".join(script))


def stops_of(calls: list[str]) -> list[int]:
    """Return the calls to stand still before: around each turn of a publication."""
    # Those of the record of fingerprints come after the last rename of a link.
    moves = [number for number, call in enumerate(calls, 1) if call == "mv"]
    syncs = [number for number, call in enumerate(calls, 1) if call == "sync"]
    half = moves[len(moves) // 2]  # the switch
    around = {half, half + 1, moves[0], moves[0] + 1, moves[-1], moves[-1] + 1}
    around |= {each for number in syncs for each in (number, number + 1)}
    chosen = sorted(number for number in around if number <= len(calls))
    while len(chosen) > STOPS:
        # The closest to the one before says least.
        gaps = [right - left for left, right in pairwise(chosen)]
        del chosen[gaps.index(min(gaps)) + 1]
    assert len(chosen) == STOPS
    assert chosen[0] <= half < chosen[-1]
    return chosen


def publish(box: PracticeBox, name: str) -> None:
    with session_on(box, plain=True) as session:
        session.request("depmod", release=rootfs.RELEASE, basedir=f"/d/{name}")


def look(box: PracticeBox, old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return of each disk which set a reader finds, and what lies about."""
    script = [
        f"cd /d/{name}/{TREE} && sha256sum modules.*; ls -A; echo" for name in NAMES
    ]
    told = shell(box, "\n".join(script)).stdout.split("\n\n")
    states = []
    for text in told[: len(NAMES)]:
        lines = [line.split() for line in text.splitlines()]
        found = {
            line[1]: line[0] for line in lines if len(line) == 2 and line[1] in new
        }
        left = " .modferry" if [".modferry"] in lines else ""
        which = {str(old): "old", str(new): "new"}
        states.append(which.get(str(found), f"mixed {found}") + left)
    return states


def stand(box: PracticeBox, stops: list[int]) -> list[threading.Thread]:
    """Begin a run on each disk but the first; each stands still at its stop."""
    ended: dict[str, object] = {}

    def run(name: str) -> None:
        # The box's sshd turns logins away while ten others are at it.
        while name not in ended:
            try:
                publish(box, name)
                ended[name] = "it was not stopped"
            except ModferryError as error:
                if isinstance(error, TransportError) and error.passing:
                    time.sleep(1)
                else:
                    ended[name] = error

    words = " ".join(
        f"{name}:{stop}" for name, stop in zip(NAMES[1:], stops, strict=True)
    )
    powercut.run(
        box,
        f"cd {ROOT}/run/cut; for each in {words}; do"
        " echo ${each#*:} >${each%:*}.stop; done",
    )
    threads = []
    for name in NAMES[1:]:
        threads.append(threading.Thread(target=run, args=(name,), daemon=True))
        threads[-1].start()
    waiting = f"for n in {' '.join(NAMES[1:])}; do [ -e $n.stands ]||echo $n; done"
    deadline = time.monotonic() + 900
    while left := powercut.run(box, f"cd {ROOT}/run/cut; {waiting}").split():
        assert not ended
        assert time.monotonic() < deadline, left
        time.sleep(1)
    return threads


@pytest.mark.practice_box
@pytest.mark.slow
def test_after_a_power_cut_the_set_is_the_old_or_the_new_one(practice_image, tmp_path):
    site, old, new = site_of(tmp_path)
    driver = powercut.kernel_modules(practice_image.release, ["virtio_blk"], tmp_path)
    scripts = {name: STANDING.replace("NAME", name) for name in CHANGING}
    disks = tuple(disks_of(tmp_path))
    with box_up(practice_image, tmp_path / "lab", disks=disks) as box:
        plant(box, tmp_path / "standing", scripts)
        set_up(box, site, driver[0], new=True)
        publish(box, NAMES[0])
        assert look(box, old, new) == ["new", *(["old"] * STOPS)]
        calls = shell(box, f"cat {ROOT}/run/cut/{NAMES[0]}.calls").stdout.split()
        stops = stops_of(calls)

        threads = stand(box, stops)
        powercut.start(box, "(sleep 1; echo b >/proc/sysrq-trigger)")
        powercut.wait_for_reset(box, 2)
        for thread in threads:
            thread.join(120)
        plant(box, tmp_path / "whole")
        set_up(box, site, driver[0], new=False)
        before = look(box, old, new)
        for name in NAMES:
            publish(box, name)
        after = look(box, old, new)

    print(list(zip([0, *stops], before, strict=True)))
    found = Counter(each.partition(" ")[0] for each in before[1:])
    print(f"{len(calls)} calls, cut before {STOPS} of them: {dict(found)}")
    assert before[0] == "new"
    assert set(found) == {"old", "new"}
    assert set(after) == {"new"}
