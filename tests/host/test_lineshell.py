"""Boxes without Python behind a simulated line: their shell, asked until whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from modferry.core import events
from modferry.core.profilekeys import replaced
from modferry.errors import BoxEndedError, ReplyError, TransportError
from modferry.fleet.inventory import Box, resolve
from modferry.session import Session
from modferry.shellside import indexing, tty
from modferry.shellside.asker import Asker
from support.fakebox import FakeBox
from support.line import Faults
from support.noisybox import bare_path, lines, ptys, shell_on
from support.plainbox import make_root
from support.plaintree import RELEASE, TREE, by_agent, plant, remove_written, written
from support.sshd import needed

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
]

FEW = ("base64", "gzip", "head", "stat", "sha256sum", "sha1sum", "flock", "readlink")
GOOD = Faults()
BAD = Faults(flip=2e-5, drop=1e-5, kernel_lines_hz=2.0, seed=11)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODFERRY_SENT", str(tmp_path / "cache" / "sent"))
    monkeypatch.setattr(indexing, "TREES", indexing.Trees())


def planted(folder: Path, shell: str, without=()) -> Path:
    root = make_root(folder / "root", without)
    if shell == "dash":
        (root / "bin/sh").unlink()
        shutil.copy(needed("dash"), root / "bin/sh")
    os.mknod(root / "dev/null", 0o020666, os.makedev(1, 3))
    plant(root)
    return root


def in_root(root: Path) -> list[str]:
    return [needed("chroot"), str(root), "/bin/sh", "-i"]


def at(device: str, **keys: object) -> Box:
    box = resolve(f"serial://{device}?baud=115200")
    return replace(box, name="plain", profile=replaced(box.profile, keys))


@contextmanager
def session_over(
    faults: Faults, argv: list[str], path: str = "/bin", **options
) -> Iterator[Session]:
    """Open a session over a line with faults; the terminal has to be as it was."""
    with ptys(*lines(115_200, faults, deaf=True)) as line:
        with shell_on(line.box_tty, argv, path):
            with Session.open(at(line.host_device), **options) as session:
                assert session.greeting["python"] is None
                assert not is_left(line.box_tty)
                yield session
            soon(lambda: is_left(line.box_tty))


# A shell with a line editor has modes of its own at its prompt; none times a read.
def is_left(tty: int) -> bool:
    return termios.tcgetattr(tty)[6][termios.VTIME] in (0, b"\0")


def soon(holds: Callable[[], bool], limit_s: float = 40.0) -> None:
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.parametrize("shell", ["busybox", "dash"])
@pytest.mark.parametrize(
    ("faults", "without"), [(GOOD, FEW), (BAD, ())], ids=["few tools", "bad line"]
)
def test_indexes_and_files_are_whole(tmp_path, shell, faults, without):
    root = planted(tmp_path, shell, without)
    content = os.urandom(3000)

    with session_over(faults, in_root(root)) as session:
        pushed = session.push(content, "/root/it's new/file.bin", mode=0o600)
        pulled = session.pull("/root/it's new/file.bin")
        with pytest.raises(ReplyError):
            session.pull("/no/such/file")
        got = session.request("depmod", release=RELEASE)
        again = session.request("depmod", release=RELEASE)
    found = written(root)
    remove_written(root)
    expected = by_agent(root)

    assert pushed["changed"]
    assert pulled == content == (root / "root/it's new/file.bin").read_bytes()
    assert found == written(root)
    for answer in (got, expected):
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert got == expected
    assert again["changed"] == []
    assert list((root / "tmp").iterdir()) == []
    assert not (root / TREE / ".modferry").exists()


def test_each_script_runs_once_whatever_is_lost(tmp_path):
    root = planted(tmp_path, "dash")
    faults = replace(BAD, flip=5e-5, seed=5)

    with session_over(faults, in_root(root)) as session:
        shell = session._side._work.shell
        for number in range(25):
            done = shell.run(f"echo {number} >>/root/log; exit {number}", limit_s=60)
            assert done == (number, b"")
        big = shell.run("dd if=/bin/busybox bs=1000 count=20", limit_s=60)

    assert (root / "root/log").read_text().split() == [str(n) for n in range(25)]
    assert big == (0, (root / "bin/busybox").read_bytes()[:20_000])


def test_the_kernels_lines_are_the_consoles_and_in_no_answer(tmp_path):
    root = planted(tmp_path, "busybox")
    said: list[str] = []

    def sink(event: events.Event) -> None:
        if isinstance(event, events.ConsoleText):
            said.append(event.text)

    faults = Faults(kernel_lines_hz=4.0, seed=3)
    with session_over(faults, in_root(root), events=sink) as session:
        session.request("find", names=["rtai_sem.ko"], tree=f"/{TREE}")
        assert session.console.count

    kernels = [text for text in said if "the kernel says" in text]
    assert len(kernels) > 5


def test_a_box_with_coreutils_and_cksum(tmp_path):
    content = os.urandom(2000)
    argv = [needed("dash"), "-i"]

    with session_over(GOOD, argv, bare_path(tmp_path / "bin")) as session:
        session.push(content, str(tmp_path / "file"))
        assert session.pull(str(tmp_path / "file")) == content
        assert session._side._work.shell._way._line._answers.tool == "cksum"

    assert (tmp_path / "file").read_bytes() == content


def test_where_we_logged_in_we_log_out(tmp_path):
    root = planted(tmp_path, "busybox")

    with FakeBox(shell=in_root(root), password="-") as box:
        with Session.open(at(box.device)) as session:
            assert session.request("hash", path="/bin/none") is None
        before = len(box.said)
        soon(lambda: b"login: " in box.said[before - 200 :])


DYING = """
import os, sys
from dataclasses import replace
from modferry.fleet.inventory import resolve
from modferry.session import Session
box = resolve("serial://%s?baud=115200")
with Session.open(box) as session:
    session._side._work.shell._way._line.send("0 k")
    os.write(1, b"there\\n")
    sys.stdin.read()
"""


@pytest.mark.parametrize("comes_at_once", [False, True])
def test_a_host_that_dies_leaves_a_terminal_that_can_be_used(tmp_path, comes_at_once):
    root = planted(tmp_path, "dash")
    with ptys(*lines(115_200, GOOD)) as line, shell_on(line.box_tty, in_root(root)):
        sane = termios.tcgetattr(line.box_tty)
        with subprocess.Popen(
            [sys.executable, "-c", DYING % line.host_device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as host:  # fmt: skip
            assert host.stdout.readline() == b"there\n"
            assert list((root / "tmp").iterdir())
            host.send_signal(signal.SIGKILL)
        if not comes_at_once:
            soon(lambda: termios.tcgetattr(line.box_tty) == sane)
            assert list((root / "tmp").iterdir()) == []

        with Session.open(at(line.host_device)) as session:
            assert session.request("hash", path="/bin/none") is None

        soon(lambda: termios.tcgetattr(line.box_tty) == sane)
        assert list((root / "tmp").iterdir()) == []


@pytest.mark.parametrize("shell", ["busybox", "dash"])
def test_a_script_that_hangs_keeps_neither_us_nor_the_terminal(
    tmp_path, monkeypatch, shell
):
    monkeypatch.setattr(tty, "WAITED_S", 0.0)
    root = planted(tmp_path, shell)

    with session_over(GOOD, in_root(root)) as session:
        shell = session._side._work.shell
        with pytest.raises(TransportError, match="does not answer"):
            shell.run("sleep 120", limit_s=2)
        with pytest.raises(TransportError, match="still runs"):
            shell.run("echo next", limit_s=2)

    soon(lambda: list((root / "tmp").iterdir()) == [])


class Restarting:
    """A line whose box says that it resets; what comes to it is kept."""

    kind, name = "tty", "a line"

    def __init__(self) -> None:
        self.came = [b"\r\n[   41.310112] sysrq: Resetting\r\n"]
        self.typed: list[bytes] = []

    def read(self, timeout_s: float) -> bytes:
        time.sleep(timeout_s)
        return self.came.pop() if self.came else b""

    def write(self, octets: bytes) -> None:
        self.typed.append(octets)


def test_a_box_that_restarts_is_typed_nothing():
    line = Restarting()
    asker = Asker(line, lambda *_: None, "box", lambda _text: None, "abcd", 115_200)
    asker.listen(0)
    line.typed.clear()

    with pytest.raises(BoxEndedError, match="has restarted"):
        asker.find_out()
    asker.leave()

    assert line.typed == []
