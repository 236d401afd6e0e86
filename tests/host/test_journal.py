"""The journal: what is written, when, by whom it may be read, and old and new files."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from modferry.core.outcomes import Outcome
from modferry.core.results import Result
from modferry.errors import BootstrapError, ExitStatus, LoadError, UsageError
from modferry.fleet import schema
from modferry.fleet.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "journal.sqlite"


def outcome(name, value=None, error=None, status=ExitStatus.DONE):
    return Outcome(name, Result("x", value or {}, name, status, error), 2, 0.5)


def test_what_is_written_is_read_back(path):
    refused = LoadError("refused", code="load-failed", details={"errno": 2}, why="w")
    with closing(Journal(path)) as journal:
        run = journal.begin("load", ["load", "m", "--on", "all"], ["a", "b", "c"])
        journal.started(run, "a", 1)
        journal.ended(run, outcome("a", {"records": [{"text": "said"}]}), [(1.0, "in")])
        journal.ended(run, outcome("b", None, refused, ExitStatus.FAILED))
        journal.finish(run, 4)

    with closing(Journal(path)) as journal:
        a, b, c = journal.outcomes(run)
        assert (a.result.value, a.attempts) == ({"records": [{"text": "said"}]}, 2)
        assert type(b.result.error) is LoadError
        assert (b.result.error.code, b.result.error.details, b.result.error.why) == (
            "load-failed", {"errno": 2}, "w",
        )  # fmt: skip
        assert (c.result, c.unfinished) == (None, True)
        assert journal.said(run, "a") == [("steps", "in"), ("lines", "said")]
        found, counts = journal.runs()[0]
        assert (found.arguments, found.status) == (("load", "m", "--on", "all"), 4)
        assert counts == {"0": 1, "4": 1, "waiting": 1}


def test_findings_are_kept_by_themselves(path):
    finding = {"code": "c", "severity": "error", "module": "m", "symbol": "s",
               "owner": "o", "why": "w"}  # fmt: skip
    with closing(Journal(path)) as journal:
        run = journal.begin("diagnose", [], ["a"])
        journal.ended(run, outcome("a", {"findings": [finding]}))

    with closing(sqlite3.connect(path)) as sql:
        assert sql.execute("SELECT box, code, symbol FROM findings").fetchall() == [
            ("a", "c", "s")
        ]


def test_nobody_else_may_read_it(path):
    Journal(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_newer_file_is_refused_and_left_alone(path):
    Journal(path).close()
    with closing(sqlite3.connect(path)) as sql:
        sql.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="newer modferry"):
        Journal(path)

    assert path.read_bytes() == before


@pytest.mark.parametrize("version", range(len(schema.STEPS)))
def test_an_older_file_is_brought_up_with_what_it_holds(path, version, monkeypatch):
    path.parent.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:version])
        with closing(sqlite3.connect(path, isolation_level=None)) as sql:
            schema.migrate(sql, "x")
            if version:
                sql.execute("INSERT INTO runs VALUES (7, 1, 2, 'c', '[]', '/', '0', 0)")

    with closing(Journal(path)) as journal:
        assert [run.number for run, _ in journal.runs()] == ([7] if version else [])


def test_another_programs_database_is_refused(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("CREATE TABLE theirs (a)")

    with pytest.raises(UsageError, match="no journal of modferry"):
        Journal(path)


def test_what_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(UsageError, match="cannot be written") as caught:
        Journal(path)

    assert "not a database" in caught.value.why


def test_several_processes_may_write_at_once(path):
    def write():
        with closing(Journal(path)) as journal:
            for _ in range(10):
                run = journal.begin("x", [], ["a"])
                journal.ended(run, outcome("a"))
                journal.finish(run, 0)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with closing(Journal(path)) as journal:
        assert len(journal.runs()) == 40
        assert all(counts == {"0": 1} for _, counts in journal.runs())


def test_an_interruption_in_mid_writing_leaves_none_of_it(path):
    with closing(Journal(path)) as journal:
        run = journal.begin("x", [], ["a"])

        def steps():
            yield (1.0, "first")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            journal.ended(run, outcome("a"), steps())
        assert journal.outcomes(run)[0].result is None
        journal.ended(run, outcome("a", None, BootstrapError("x"), ExitStatus.FAILED))
        assert journal.outcomes(run)[0].result.error.message == "x"
