r"""Fleets over SSH beside the peers: wall and client CPU for the same work on N boxes.

    PYTHONPATH=host:agent:tests python tests/bench/fleet/run.py \
        [--peers VENV] [--old] [--only WORD,...] [BOXES...]

A box is an address of one sshd on loopback, which shares the client's processors.
The work on each: connect, push 100 kB, run a command that hashes it and sleeps 50 ms,
collect the output.  The programs run in turns, so that what else the machine does meets
all of them; before each row of modferry's the boxes are as it says.  VENV has
ansible-core, pyinfra, parallel-ssh and asyncssh (pip's group "peers"); a program that
is not there is left out, and the table says so.

"modferry depmod" is to be run apart from "modferry push, first", which leaves the boxes
without the agent's parts that it needs.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from support.loopback import Boxes, boxes
from support.rootfs import RELEASE
from support.sshd import OLD

HERE = Path(__file__).resolve().parent
SIZE_BYTES = 100_000
COMMAND = f"head -c {SIZE_BYTES} | sha256sum; sleep 0.05"
FIRST, SECOND = "modferry push, first: no agent there", "modferry push, second"
PUSHES = (FIRST, SECOND, "modferry push, nothing changed")
DEPMOD = "modferry depmod, nothing changed"
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - copy: {src: %s, dest: "/dev/shm/ansible-{{ inventory_hostname }}"}
    - command: sh -c "sha256sum /dev/shm/ansible-{{ inventory_hostname }}; sleep 0.05"
"""


def commands(there: Boxes, peers: Path | None) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the command line of each contestant."""
    hosts, file = there.folder / "hosts", there.folder / "file"
    hosts.write_text("\n".join(there.addresses))
    file.write_bytes(os.urandom(SIZE_BYTES))
    words = list(map(str, (hosts, there.port, there.user, there.key,
                           there.known_hosts, file, COMMAND)))  # fmt: skip
    own = sys.executable
    yield "paramiko by hand, 64 threads", [own, str(HERE / "byhand.py"), *words]
    yield "modferry's engine, same work", [own, str(HERE / "ours.py"), *words]
    fleet = ["-i", str(there.fleet), "--on", "all"]
    place = str(there.folder / "own")
    for row in PUSHES:
        yield row, [
            own, "-m", "modferry", "push", str(file), "--to", place, *fleet,
        ]  # fmt: skip
    root = str(there.folder / "own" / "root")
    yield DEPMOD, [own, "-m", "modferry", "depmod", "-b", root, RELEASE, *fleet]
    yield "paramiko by hand, Python on the box", [
        own, str(HERE / "byhand.py"), *words[:-1], _on_the_box(there),
    ]  # fmt: skip
    python = str(peers / "bin" / "python") if peers else "no such program"
    yield "asyncssh by hand", [python, str(HERE / "asyncssh_byhand.py"), *words]
    yield "parallel-ssh (SFTP)", [python, str(HERE / "pssh_byhand.py"), *words]
    playbook = there.folder / "book.yaml"
    playbook.write_text(PLAYBOOK % file)
    folder = peers / "bin" if peers else Path("/none")
    yield "pyinfra 3 (SFTP)", [
        str(folder / "pyinfra"), "-y", str(_pyinfra_inventory(there)),
        str(HERE / "pyinfra_deploy.py"),
    ]  # fmt: skip
    yield "Ansible, 50 forks, pipelining", [
        str(folder / "ansible-playbook"), "-i", str(there.fleet), "-f", "50",
        str(playbook),
    ]  # fmt: skip


def _on_the_box(there: Boxes) -> str:
    script = (
        "import hashlib,os,sys;c=sys.stdin.buffer.read();"
        f"p='{there.folder}/own/byhand';f=open(p+'.part','wb');f.write(c);"
        "f.flush();os.fsync(f.fileno());os.rename(p+'.part',p);"
        "print(hashlib.sha256(c).hexdigest())"
    )
    return f'/usr/bin/python3 -E -S -c "{script}"'


def _pyinfra_inventory(there: Boxes) -> Path:
    path = there.folder / "pyinfra_inventory.py"
    options = {
        "ssh_port": there.port,
        "ssh_user": there.user,
        "ssh_key": str(there.key),
        "ssh_known_hosts_file": str(there.known_hosts),
    }
    path.write_text(f"boxes = ({list(there.addresses)!r}, {options!r})\n")
    return path


def prepare(name: str, there: Boxes) -> None:
    """Bring the boxes, and the file that is pushed, into the state of a row."""
    if name in (FIRST, SECOND):
        (there.folder / "file").write_bytes(os.urandom(SIZE_BYTES))
    if name == FIRST:
        for held in (there.folder / "boxes").glob("*/*"):
            if held.name == "root":
                continue  # the module tree
            shutil.rmtree(held) if held.is_dir() else held.unlink()


def measured(command: list[str], there: Boxes) -> tuple[float, float, str] | None:
    """Return wall and CPU seconds of a client and its children, and its last line."""
    if not Path(command[0]).exists():
        return None
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    } | {
        "BENCH_FILE": str(there.folder / "file"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "HOME": str(there.folder),
        "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=there.folder
    )
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    if done.returncode:
        print(f"{shlex.join(command)[:200]}: status {done.returncode}", file=sys.stderr)
        print(done.stderr[-2000:], file=sys.stderr)
    return wall, cpu, last[-1]


def main() -> None:
    """Print a table for each number of boxes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--old", action="store_true", help="servers like Squeeze's")
    parser.add_argument("--only", default="", help="words of the names to run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("boxes", type=int, nargs="*", default=[20, 200])
    options = parser.parse_args()
    lines = list(OLD["squeeze"].lines) if options.old else []
    for count in options.boxes:
        key = "rsa" if options.old else "ed25519"
        with boxes(count, lines, key, trees=True) as there:
            _table(count, there, options)


def _table(count: int, there: Boxes, options: argparse.Namespace) -> None:
    print(f"\n| {count} boxes | wall s | client CPU s | to by hand: wall, CPU |")
    print("|---|---|---|---|")
    wanted = [word for word in options.only.split(",") if word]
    rows = {
        name: command
        for name, command in commands(there, options.peers)
        if not wanted or any(word in name for word in wanted)
    }
    runs: dict[str, list[tuple[float, float, str]]] = {name: [] for name in rows}
    for _ in range(options.rounds):
        for name, command in rows.items():
            prepare(name, there)
            run = measured(command, there)
            runs[name] += [run] if run is not None else []
    first: tuple[float, float] | None = None
    for name, found in runs.items():
        if not found:
            print(f"| {name} | not installed | | |")
            continue
        wall = statistics.median(run[0] for run in found)
        cpu = statistics.median(run[1] for run in found)
        first = first or (wall, cpu)
        ratio = f"{wall / first[0]:.2f}, {cpu / first[1]:.2f}"
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {ratio} |", flush=True)
        print(f"{name}: {found[-1][2]}", file=sys.stderr)


if __name__ == "__main__":
    main()
