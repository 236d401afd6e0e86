"""Every request of the agent on every Python of this machine, and on Debian's newest.

The agent runs as it does on a box: from its archive, started by the bootstrap, over a
pipe to a shell.  What it answers must not depend on the Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modferry import resources
from modferry.core.snapshots import document_of
from modferry.errors import ReplyError
from modferry.fleet.inventory import resolve
from modferry.session import Session
from modferry_agent.jobs.indexes import write_indexes
from modferry_agent.requests import TABLE
from support import rootfs
from support.pythons import Interpreter, found, newest_of_debian

NEWEST = "newest of Debian"
RELEASE = os.uname().release
CONTENT = bytes(range(256)) * 100


@pytest.fixture(scope="module", params=[*found(), NEWEST])
def python(request: pytest.FixtureRequest) -> Interpreter:
    if request.param != NEWEST:
        return found()[request.param]
    try:
        return newest_of_debian()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def scratch(python: Interpreter) -> Iterator[str]:
    """Yield a directory, as the agent sees it; for us it is below `python.root`."""
    path = f"/tmp/modferry-test-{os.getpid()}"
    Path(f"{python.root}{path}").mkdir(mode=0o700)
    yield path
    while Path(f"{python.root}{path}").exists():
        # An agent that has ended may still be writing its byte code.
        shutil.rmtree(f"{python.root}{path}", ignore_errors=True)


@pytest.fixture(scope="module")
def session(python: Interpreter, scratch: str) -> Iterator[Session]:
    box = resolve("local:")
    profile = replace(
        box.profile, python=(python.command,), directories=(f"{scratch}/modferry",)
    )
    with Session.open(replace(box, profile=profile)) as opened:
        yield opened


@pytest.fixture(scope="module")
def tree(python: Interpreter, scratch: str) -> str:
    """Return the base directory of a module tree, as the agent sees it."""
    rootfs.make_tree(
        Path(f"{python.root}{scratch}/root"),
        rootfs.rtai_files(),
        links=rootfs.rtai_links(),
        release=RELEASE,
    )
    return f"{scratch}/root"


def test_the_agent_greets_from_this_python(session, python):
    assert session.greeting["python"] == python.name
    assert session.greeting["sha256"] == resources.part_sha256("base")


def test_a_file_goes_there_and_back(session, scratch):
    reply = session.push(CONTENT, f"{scratch}/file")

    assert reply["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert session.request("hash", path=f"{scratch}/file") == reply["sha256"]
    assert session.pull(f"{scratch}/file") == CONTENT


def test_facts(session, python):
    facts = session.request("facts")

    assert facts["python"] == python.name
    assert facts["release"] == os.uname().release
    assert facts["uid"] == os.geteuid()


def test_depmod_writes_the_same_indexes(session, python, tree, tmp_path):
    reply = session.request("depmod", basedir=tree, release=RELEASE)

    assert reply["warnings"] == []
    folder = Path(f"{python.root}{tree}/lib/modules/{RELEASE}")
    line = "rtai/rtai_sem.ko: rtai/rtai_sched.ko rtai/rtai_malloc.ko rtai/rtai_hal.ko"
    assert line in (folder / "modules.dep").read_text().splitlines()
    ours = _indexes_here(tmp_path)
    for name, content in ours.items():
        assert (folder / name).read_bytes() == content, name


def _indexes_here(folder: Path) -> dict[str, bytes]:
    # That these are kmod's own bytes is tests/against_kmod's to say.
    files, links = rootfs.rtai_files(), rootfs.rtai_links()
    tree = rootfs.make_tree(folder, files, links=links, release=RELEASE)
    reply = write_indexes(RELEASE, str(folder))
    return {name: (tree / name).read_bytes() for name in reply["changed"]}


def test_find(session, tree):
    folder = f"{tree}/lib/modules/{RELEASE}"

    got = session.request("find", names=["rtai_sem.ko", "none.ko"], tree=folder)

    assert got["found"] == {"rtai_sem.ko": ["rtai/rtai_sem.ko"]}


def test_explain(session, tree):
    reply = session.request("explain", module="rtai_sem", basedir=tree, release=RELEASE)

    assert "wake_up_srq" in str(reply)


def test_what_an_old_depmod_breaks_is_foretold(session, tree):
    reply = session.request(
        "foresee", tool="kmod", version=9, basedir=tree, release=RELEASE
    )

    assert sorted(each["module"] for each in reply["broken"]) == [
        *("rtai_mbx", "rtai_sem"),
    ]


def test_a_snapshot_has_the_graph(session, tree):
    session.request("depmod", basedir=tree, release=RELEASE)

    answer = _answer(session, "snapshot", basedir=tree, release=RELEASE)

    if Path("/proc/modules").exists():
        lines = document_of(answer, "box", "now")["lines"]
        assert lines["rtai/rtai_mbx.ko"][0] == "rtai/rtai_sem.ko"
        assert len(answer["links"]) == 5


def test_links_become_aliases_and_links_again(session, tree):
    there = session.request("alias-links", basedir=tree, release=RELEASE)
    again = session.request("restore-links", basedir=tree)

    assert len(there["links"]) == 5
    assert there["links"] == again["links"]


def test_a_load_without_doing_it_says_the_steps(session, tree):
    answer = _answer(session, "load", module="rtai_sem", basedir=tree, dry_run=True)

    if Path("/proc/modules").exists():
        names = [step["name"] for step in answer["steps"]]
        assert names == ["rtai_hal", "rtai_malloc", "rtai_sched", "rtai_sem"]
    else:
        assert "no list of modules" in answer.message  # a kernel without modules


def test_what_is_not_there_is_an_error_with_its_parts(session):
    with pytest.raises(ReplyError) as caught:
        session.request("load", module="no_such_module", dry_run=True)

    assert caught.value.code != "internal", caught.value.details
    assert caught.value.where


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("modules", {}),
        ("klog", {"limit": 5}),
        ("unload", {"module": "no_such_module", "dry_run": True}),
        ("diagnose", {"module": "no_such_module"}),
        ("mend", {"module": "no_such_module", "dry_run": True}),
        ("prove", {"modules": ["no_such_module"]}),
        ("repair", {"kind": "indexes", "dry_run": True}),
        ("repair", {"kind": "divert", "release": "none", "dry_run": True}),
        ("undo-repair", {"kind": "divert", "release": "none", "dry_run": True}),
        ("install-hook", {"dry_run": True}),
        ("remove-hook", {"dry_run": True}),
    ],
)
def test_the_kernels_own_answers_or_an_error_that_is_none_of_ours(
    session, name, arguments
):
    assert _answer(session, name, **arguments) is not None


def _answer(session: Session, name: str, **arguments: Any) -> Any:
    try:
        return session.request(name, **arguments)
    except ReplyError as error:
        if error.code == "internal":
            pytest.fail(str(error.details["traceback"]))
        return error


def test_a_pipe_has_no_speed(session):
    assert _answer(session, "speed", baud=115_200).code == "no-speed"


def test_install_and_uninstall(session, python, scratch):
    directory = f"{scratch}/sbin"
    session.push(resources.agent_archive(), f"{directory}/modferry-agent.pyz")

    there = session.request("install", directory=directory)
    gone = session.request("uninstall", directory=directory)

    assert len(there["changed"]) == 6
    assert len(gone["changed"]) == 7
    assert not Path(f"{python.root}{directory}").exists()


def test_every_request_was_asked():
    text = Path(__file__).read_text(encoding="utf-8")
    by_methods = ("push", "pull", "deliver")

    names = [name for name in TABLE if name not in by_methods]
    assert [name for name in names if f'"{name}"' not in text] == []


def test_the_next_session_runs_from_byte_code(python, scratch):
    home = f"{scratch}/again"
    box = resolve("local:")
    profile = replace(box.profile, python=(python.command,), directories=(home,))
    box = replace(box, profile=profile)
    folder = Path(f"{python.root}{home}/modferry-{os.geteuid()}")

    with Session.open(box) as first:
        facts = first.request("facts")
    codes = _appeared(folder)
    where = _where_link_is(python, f"{home}/modferry-{os.geteuid()}")
    with Session.open(box) as second:
        again = second.request("facts")
    codes[0].write_bytes(codes[0].read_bytes()[:-1])
    codes[1].write_bytes(b"")
    with Session.open(box) as third:
        damaged = third.request("facts")

    assert ".pyz." in where
    assert facts["python"] == again["python"] == damaged["python"] == python.name


def _appeared(folder: Path) -> list[Path]:
    # Of the base and the two parts that the request needs, when the session is over.
    limit = time.monotonic() + 30
    while len(found := sorted(folder.glob("*.*.*"))) < 3:
        assert time.monotonic() < limit, sorted(folder.iterdir())
        time.sleep(0.05)
    return found


def _where_link_is(python: Interpreter, home: str) -> str:
    archive = f"{home}/modferry-{resources.part_sha256('base')}.pyz"
    code = (
        f"import sys; sys.path.insert(0, '{archive}');"
        "from modferry_agent import bytecode; bytecode.use();"
        "from modferry_agent import link; sys.stdout.write(link.__file__)"
    )
    done = subprocess.run(
        f'{python.command} -E -S -c "{code}"',
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
