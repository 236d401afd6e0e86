"""Runs killed at any moment, full disks, readers and other runs beside them."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from modferry_agent.core import depfiles, triereader
from modferry_agent.system import indexstore
from support import rootfs

AGENT = Path(indexstore.__file__).parents[2]
KILLS = 40


def _command(root: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-B", "-m", "modferry_agent", "depmod"),
        *("-b", str(root), *options, rootfs.RELEASE),
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(AGENT)}


def test_killed_at_random_moments_a_run_leaves_one_of_the_two_sets(site):
    """As many forks of a run that publishes one set after the other."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    moments = random.Random(seed)
    sets = [sorted(site.old.items()), sorted(site.new.items())]
    names = sorted(path.name for path in site.folder.iterdir())
    outcomes: Counter[str] = Counter()

    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    for files in sets:
                        indexstore.publish(str(site.folder), files)
            finally:
                os._exit(99)
        time.sleep(moments.uniform(0.005, 0.06))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        outcomes[site.state()] += 1
        indexstore.tidy(str(site.folder))
        assert sorted(path.name for path in site.folder.iterdir()) == names

    print(dict(outcomes))
    assert set(outcomes) <= {"old", "new"}


def _look(folder: str, sets: list[dict[str, bytes]], stop, results) -> None:
    counts: Counter[str] = Counter()
    while not stop.is_set():
        found = []
        for name in sorted(sets[0]):
            try:
                content = Path(folder, name).read_bytes()
            except OSError:
                found.append(-1)
                continue
            kinds = [number for number, one in enumerate(sets) if one[name] == content]
            found.append(kinds[0] if len(kinds) == 1 else 2 if kinds else -1)
        if -1 in found:
            counts["missing or cut"] += 1
        counts["sets looked at"] += 1
    results.put(dict(counts))


def test_readers_always_find_every_file_whole(site):
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.Queue()
    arguments = (str(site.folder), [site.old, site.new], stop, results)
    readers = [context.Process(target=_look, args=arguments) for _ in range(2)]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 3
    count = 0
    while time.monotonic() < deadline:
        indexstore.publish(str(site.folder), sorted(site.new.items()))
        indexstore.publish(str(site.folder), sorted(site.old.items()))
        count += 2
    stop.set()
    found: Counter[str] = Counter()
    for reader in readers:
        found.update(results.get())
        reader.join()

    print(f"{count} publications", dict(found))
    assert found["missing or cut"] == 0
    assert found["sets looked at"] > 100


def test_runs_at_the_same_time_come_one_after_the_other(site):
    runs = [
        subprocess.Popen(
            _command(site.root), env=_environment(), stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]

    told = [run.communicate(timeout=60)[1] for run in runs]

    assert [run.returncode for run in runs] == [0] * 4, told
    assert site.state() == "new"
    assert not (site.folder / ".modferry").exists()


def test_a_run_waits_for_the_one_that_holds_the_tree(site):
    lock = indexstore.Lock(str(site.folder))
    run = subprocess.Popen(_command(site.root), env=_environment())

    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(timeout=1)

    assert site.state() == "old"
    lock.release()
    assert run.wait(timeout=60) == 0
    assert site.state() == "new"


# In a mount namespace of its own: nothing of it can stay behind.
_FULL = """
set -e
mount -t tmpfs -o size={size}k tmpfs {root}
cp -a {start}/. {root}
dd if=/dev/zero of={root}/filler bs=1k count=$(({free_command} - {free})) 2>/dev/null ||
    true
status=0
{command} 2>{log} || status=$?
echo $status
cp -a {folder} {result}
rm {root}/filler
{command} 2>>{log}
cp -a {folder} {result}.next
"""


@pytest.mark.root
def test_on_a_full_disk_the_old_set_stays(site, tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    size = 400
    outcomes: dict[int, tuple[str, str]] = {}
    for free in (*range(0, 60, 8), 80, 120):
        log, result = tmp_path / f"log{free}", tmp_path / f"result{free}"
        script = _FULL.format(
            size=size,
            root=site.root,
            start=site.start,
            free=free,
            free_command=f"$(df -k --output=avail {site.root} | tail -1)",
            command=" ".join(_command(site.root)),
            log=log,
            folder=site.folder,
            result=result,
        )
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + log.read_text()
        states = []
        for folder in (result, result.with_name(result.name + ".next")):
            found = rootfs.index_files(folder)
            kinds = {"old": site.old, "new": site.new}
            states += [kind for kind, one in kinds.items() if one == found] or ["mixed"]
        outcomes[free] = (done.stdout.strip(), "/".join(states))
        print(f"{free:4} KiB free: status {outcomes[free][0]}, set {states[0]}")

    assert outcomes[0] == ("1", "old/new")
    assert outcomes[120] == ("0", "new/new")
    assert set(outcomes.values()) == {("1", "old/new"), ("0", "new/new")}
    assert (
        "disk" in (tmp_path / "log0").read_text()
        or "space" in (tmp_path / "log0").read_text()
    )


def test_dep_and_its_index_agree_in_both_sets(site):
    for files in (site.old, site.new):
        lines = depfiles.parse_dep(files["modules.dep"].decode())
        index = triereader.Index(files["modules.dep.bin"])
        values = [value for _, _, value in index.items()]
        assert sorted(value.partition(":")[0] for value in values) == sorted(lines)
