"""The second process: its answers, and that nothing depends on it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from modferry_agent.jobs import encoding, indexes, reading
from modferry_agent.system import forked
from support import elfwriter, rootfs

COUNT = 5000


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(forked, "processors", lambda: 2)
    before = children()
    yield
    assert children() <= before  # None is left, not even a zombie.


def children() -> set[str]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # Source: proc(5): "pid (comm) state ppid ..."
            if stat.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(stat.parent.name)
    return found


def test_jobs_are_answered_one_after_the_other():
    helper = forked.Helper((lambda value: value + value, len))

    for value in ("ab", "x" * 3_000_000):  # More than a pipe holds.
        assert helper.begin(0, value)
        assert helper.answer() == (True, value + value)
    assert helper.begin(1, "four")
    assert helper.answer() == (True, 4)
    helper.end()


def test_who_was_given_no_job_is_not_waited_for():
    helper = forked.Helper((len,))

    assert helper.answer() == (False, None)
    helper.end()
    assert not helper.begin(0, "x")
    assert helper.answer() == (False, None)


def _fails(_argument: object) -> None:
    raise ZeroDivisionError


def _is_killed(_argument: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _answers_what_cannot_be_sent(_argument: object) -> object:
    return object()


BAD = [_fails, _is_killed, _answers_what_cannot_be_sent]


@pytest.mark.parametrize("job", BAD)
def test_a_job_that_fails_has_no_answer(job, capfd: pytest.CaptureFixture[str]):
    helper = forked.Helper((job,))

    assert helper.begin(0, None)
    assert helper.answer() == (False, None)
    assert not helper.begin(0, None)
    assert capfd.readouterr().err == ""


def test_a_process_in_the_middle_of_a_job_is_ended():
    helper = forked.Helper((lambda _: time.sleep(600),))
    helper.begin(0, None)

    began = time.monotonic()
    helper.end()

    assert time.monotonic() - began < 60


def test_without_a_second_processor_or_process_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(forked.os, "fork", refuse)
    assert not forked.Helper((len,)).begin(0, "x")
    monkeypatch.setattr(forked, "processors", lambda: 1)
    assert not forked.Helper((len,)).begin(0, "x")


def test_no_descriptor_is_left_open():
    folder = Path("/proc/self/fd")
    before = {path.name for path in folder.iterdir()}

    for _ in range(3):
        _all_of()

    assert {path.name for path in folder.iterdir()} == before


def _work(index: int) -> list[int]:
    return [index, os.getpid()]


def _all_of(job=None, report=None) -> list[list[int]]:
    shares = forked.Shares(COUNT, _work)
    helper = forked.Helper((job or (lambda _: shares.work_off()),))
    try:
        return shares.all(helper, 0, report)
    finally:
        helper.end()


def test_a_pile_is_worked_off_by_both_and_in_order():
    told: list[int] = []

    done = _all_of(report=told.append)

    assert [index for index, _pid in done] == list(range(COUNT))
    assert told == sorted(told)


@pytest.mark.parametrize("job", BAD)
def test_what_the_other_process_does_not_bring_is_made_here(job):
    done = _all_of(job)

    assert done == [[index, os.getpid()] for index in range(COUNT)]


def test_what_a_killed_process_had_taken_is_made_here():
    shares = forked.Shares(COUNT, _work)

    def take_and_die(_argument: object) -> None:
        shares._numbers.take()
        shares._numbers.take()
        os.kill(os.getpid(), signal.SIGKILL)

    helper = forked.Helper((take_and_die,))

    done = shares.all(helper, 0)

    assert done == [[index, os.getpid()] for index in range(COUNT)]


# The indexes, whatever becomes of the process.


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reading, "_MANY", 2)
    monkeypatch.setattr(forked, "_FEWEST", 2)
    files = rootfs.rtai_files()
    for name in "abc":
        files[f"extra/{name}.ko"] = elfwriter.kernel_module(
            exports=[f"of_{name}"], aliases=[f"a-{name}", "odd]", "", "high\x80"]
        )
    return rootfs.make_tree(tmp_path, files, links=rootfs.rtai_links())


def _made(tree: Path) -> tuple[dict[str, bytes], object]:
    rootfs.remove_indexes(tree)
    reply = indexes.write_indexes(tree.name, str(tree.parents[2]), fingerprints=False)
    return rootfs.index_files(tree), reply


@pytest.mark.parametrize("job", [None, *BAD])
@pytest.mark.parametrize("which", ["work_off", "encode_theirs"])
def test_the_indexes_do_not_depend_on_the_process(
    tree: Path, monkeypatch: pytest.MonkeyPatch, job, which: str
):
    with monkeypatch.context() as patched:
        patched.setattr(forked, "processors", lambda: 1)
        expected = _made(tree)
    own = os.getpid()
    owner, name = {
        "work_off": (forked.Shares, "work_off"),
        "encode_theirs": (encoding, "encode_theirs"),
    }[which]
    real = getattr(owner, name)

    def replaced(*arguments):
        if os.getpid() != own and job is not None:
            return job(None)
        return real(*arguments)

    monkeypatch.setattr(owner, name, replaced)

    assert _made(tree) == expected
