"""Boxes without Python, behind a real sshd: the host does the agent's thinking."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator

import pytest

from modferry.errors import BootstrapError, LoadError, ReplyError
from modferry.session import Session
from modferry.shellside import indexing
from modferry.shellside.loadlock import one_at_a_time
from modferry.shellside.side import ANSWERS
from modferry_agent.requests import TABLE
from support.plainbox import PlainBox, make_root, plain_box
from support.plaintree import RELEASE, TREE, plant, session_on

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODFERRY_SENT", str(tmp_path / "cache" / "sent"))
    monkeypatch.setattr(indexing, "TREES", indexing.Trees())


@pytest.fixture
def box(tmp_path) -> Iterator[PlainBox]:
    root = make_root(tmp_path / "root")
    plant(root)
    with plain_box(root, tmp_path / "ssh") as found:
        yield found


def test_a_file_there_and_back(box):
    content = bytes(range(256)) * 1000
    with session_on(box) as session:
        first = session.push(content, "/root/new folder/it's.bin", mode=0o640)
        second = session.push(content, "/root/new folder/it's.bin")
        pulled = session.pull("/root/new folder/it's.bin")
        third = session.push(b"short", "/root/new folder/it's.bin")

    folder = box.root / "root/new folder"
    assert (first["changed"], first["replaced"]) == (True, None)
    assert (second["changed"], second["replaced"]) == (False, first["sha256"])
    assert (third["changed"], third["replaced"]) == (True, first["sha256"])
    assert pulled == content
    assert (folder / "it's.bin").read_bytes() == b"short"
    assert [path.name for path in folder.iterdir()] == ["it's.bin"]


def test_a_pushed_module_is_recorded_as_the_agent_does(box):
    content = (box.root / TREE / "rtai/rtai_sem.ko").read_bytes()
    path = f"/{TREE}/extra/more.ko"

    with session_on(box) as session:
        session.request("depmod", release=RELEASE)
        answer = session.push(content, path)

    lines = (box.root / f"var/lib/modferry/{RELEASE}.sha256").read_text().splitlines()
    assert f"{answer['sha256']}  {len(content)}  extra/more.ko" in lines
    assert any(line.endswith("  rtai/rtai_sem.ko") for line in lines)


def test_a_place_that_cannot_be_written_is_explained(box):
    with session_on(box) as session:
        with pytest.raises(ReplyError) as caught:
            session.push(b"x", "/proc/none/file")
        with pytest.raises(ReplyError) as missing:
            session.pull("/no/such/file")

    with session_on(box) as session, pytest.raises(ReplyError) as taken:
        session.push(b"x", "/bin/busybox/file")

    assert "name another directory" in taken.value.next_step
    assert "plain" in caught.value.where
    assert caught.value.code in ("no-such-directory", "not-permitted")
    assert "/no/such/file" in missing.value.where


def test_facts_say_what_the_box_has(box):
    with session_on(box) as session:
        facts = session.request("facts")
        found = session.request("find", names=["rtai_sem.ko"], tree=f"/{TREE}")
        busybox = session.request("hash", path="/bin/busybox")

    assert facts["release"] == os.uname().release
    assert facts["machine"] == os.uname().machine
    assert facts["python"] is None
    assert facts["bits"] == (64 if sys.maxsize > 2**32 else 32)
    assert facts["byte_order"] == sys.byteorder
    assert facts["uid"] == 0
    assert found["found"] == {"rtai_sem.ko": ["rtai/rtai_sem.ko"]}
    expected = box.shell("sha256sum /bin/busybox").split()[0]
    assert busybox == expected


def test_what_needs_an_agent_is_refused_with_the_next_step(box):
    with session_on(box) as session:
        with pytest.raises(ReplyError) as caught:
            session.request("snapshot")

    assert caught.value.code == "needs-python"
    assert "python3-minimal" in caught.value.next_step
    assert "modules, pull, push, unload" in caught.value.why
    assert "hash" not in caught.value.why


def test_a_tree_that_is_not_there(box):
    with session_on(box) as session:
        with pytest.raises(ReplyError) as caught:
            session.request("depmod", release="9.9.9")

    assert caught.value.code == "no-module-tree"
    assert caught.value.where == "plain, /lib/modules/9.9.9"


def test_strict_writes_nothing(box):
    with session_on(box) as session:
        with pytest.raises(ReplyError) as caught:
            session.request("depmod", release=RELEASE, strict=True)

    assert caught.value.code == "strict"
    assert not (box.root / TREE / "modules.dep").exists()


def test_why_a_module_has_its_dependencies(box):
    with session_on(box) as session:
        got = session.request("explain", module="rtai_sem", release=RELEASE)

    assert got["release"] == RELEASE
    assert "rtai_sched.ko" in str(got)
    assert str(box.root) not in str(got)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_request_takes_what_the_agents_takes(name):
    parameters = list(inspect.signature(ANSWERS[name]).parameters)

    assert set(parameters[1:]) == set(TABLE[name].arguments)


def test_without_a_tool_for_sums_it_says_what_to_install(tmp_path):
    root = make_root(tmp_path / "root", ("md5sum", "sha1sum", "sha256sum"))
    with plain_box(root, tmp_path / "ssh") as box:
        with pytest.raises(BootstrapError, match="tool for sums") as caught:
            with Session.open(box.box):
                pass

    assert "md5sum" in caught.value.next_step


def test_a_broken_python_is_none(tmp_path):
    root = make_root(tmp_path / "root")
    python = root / "bin/python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with plain_box(root, tmp_path / "ssh") as box:
        assert "python3" in box.box.profile.python
        with session_on(box) as session:
            assert session.request("hash", path="/no/such") is None


def test_of_two_loads_at_once_the_second_is_refused(box):
    with session_on(box) as first, session_on(box) as second:
        second.request("depmod", release=RELEASE)
        with one_at_a_time(first._side._work.shell):
            with pytest.raises(LoadError) as caught:
                second.request("load", module="rtai_sem")
        with one_at_a_time(second._side._work.shell):
            pass

    assert caught.value.code == "busy"
    assert "/run/modferry-load.d" in caught.value.where
    assert list((box.root / "run").iterdir()) == []


def test_the_lock_of_a_load_whose_shell_is_gone_holds_nobody_up(box):
    with session_on(box) as session:
        shell = session._side._work.shell
        with one_at_a_time(shell):
            held = (box.root / "run/modferry-load.d/by").read_text().split()
            # The same number, but another process: it began at another time.
            (box.root / "run/modferry-load.d/by").write_text(f"{held[0]} 1\n")
            with one_at_a_time(shell):
                pass
        (box.root / "run/modferry-load.d").mkdir()
        with one_at_a_time(shell):
            assert (box.root / "run/modferry-load.d/by").read_text().split() == held

    assert list((box.root / "run").iterdir()) == []
