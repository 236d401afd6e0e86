"""The journal: every run, box, result, step, line and finding, in a SQLite file.

A box's row is written when its work begins and when it has ended, each in a transaction
of its own; with SQLite's write-ahead log a process killed at any moment loses at most
the row it was writing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modferry.core.outcomes import Outcome
from modferry.core.records import findings_in, lines_in
from modferry.core.results import Result, error_values, restored_error
from modferry.core.runlines import Run
from modferry.errors import ExitStatus, UsageError, system_words
from modferry.fleet.schema import migrate
from modferry_agent import __version__

BUSY_S = 30.0
WAITING, RUNNING, ENDED = "waiting", "running", "ended"


def journal_path() -> Path:
    """Return where the journal is unless ``--journal`` says."""
    base = os.environ.get("XDG_STATE_HOME")
    folder = Path(base) if base else Path.home() / ".local" / "state"
    return folder / "modferry" / "journal.sqlite"


class Journal:
    """An open journal; used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, made if it is missing; raise UsageError if that cannot be."""
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What boxes say is for who runs modferry: nobody else reads it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._sql = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = NORMAL")
            self._sql.execute("PRAGMA foreign_keys = ON")
            migrate(self._sql, str(path))
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def begin(
        self, command: str, arguments: Sequence[str], names: Sequence[str]
    ) -> int:
        """Write down a run and its boxes; return its number."""
        with self._transaction():
            cursor = self._sql.execute(
                "INSERT INTO runs (started, command, arguments, directory, version)"
                " VALUES (?, ?, ?, ?, ?)",
                (time.time(), command, json.dumps(list(arguments)), str(Path.cwd()),
                 __version__),
            )  # fmt: skip
            number = int(cursor.lastrowid or 0)
            self._sql.executemany(
                "INSERT INTO boxes (run, name, position, state) VALUES (?, ?, ?, ?)",
                ((number, name, at, WAITING) for at, name in enumerate(names)),
            )
        return number

    def started(self, run: int, name: str, attempt: int) -> None:
        """Write down that a box's work begins."""
        with self._transaction():
            self._sql.execute(
                "UPDATE boxes SET state = ?, attempts = ? WHERE run = ? AND name = ?",
                (RUNNING, attempt, run, name),
            )

    def ended(
        self, run: int, outcome: Outcome, steps: Iterable[tuple[float, str]] = ()
    ) -> None:
        """Write down how a box ended; one that was never started stays as it is."""
        result = outcome.result
        if result is None:
            return
        error = result.error
        value = json.dumps(dict(result.value)) if result.value else None
        now = time.time()
        with self._transaction():
            self._sql.execute(
                "UPDATE boxes SET state = ?, attempts = ?, seconds = ?, status = ?,"
                " result = ?, error = ? WHERE run = ? AND name = ?",
                (ENDED, outcome.attempts, outcome.seconds, int(result.status), value,
                 json.dumps(error_values(error)) if error else None, run,
                 outcome.name),
            )  # fmt: skip
            key = (run, outcome.name)
            self._sql.executemany(
                "INSERT INTO steps VALUES (?, ?, ?, ?)",
                ((*key, when, text) for when, text in steps),
            )
            self._sql.executemany(
                "INSERT INTO lines VALUES (?, ?, ?, ?)",
                ((*key, now, text) for text in lines_in(result.value)),
            )
            self._sql.executemany(
                "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((*key, *finding) for finding in findings_in(result.value)),
            )

    def finish(self, run: int, status: int) -> None:
        """Write down that a run has come to its end."""
        with self._transaction():
            self._sql.execute(
                "UPDATE runs SET ended = ?, status = ? WHERE id = ?",
                (time.time(), status, run),
            )

    def runs(self, limit: int = -1) -> list[tuple[Run, dict[str, int]]]:
        """Return the newest runs, each with how many boxes ended with which status."""
        found = []
        rows = self._rows(f"{_RUNS} ORDER BY id DESC LIMIT ?", limit)
        for run in map(_run, rows):
            counts = self._rows(
                "SELECT coalesce(status, state), count(*) FROM boxes WHERE run = ?"
                " GROUP BY 1",
                run.number,
            )
            found.append((run, {str(key): count for key, count in counts}))
        return found

    def run(self, number: int | None) -> Run:
        """Return a run, None: the newest; raise UsageError if there is none."""
        if number is None:
            rows = self._rows(f"{_RUNS} ORDER BY id DESC LIMIT 1")
        else:
            rows = self._rows(f"{_RUNS} WHERE id = ?", number)
        if not rows:
            raise UsageError(
                "no run is written down" if number is None else f"no run {number}",
                where=str(self.path),
                next_step="modferry runs lists them",
            )
        return _run(rows[0])

    def outcomes(self, run: int) -> list[Outcome]:
        """Return how the boxes of a run ended, in its order."""
        rows = self._rows(
            "SELECT name, state, attempts, seconds, status, result, error FROM boxes"
            " WHERE run = ? ORDER BY position",
            run,
        )
        return [_outcome(row) for row in rows]

    def said(self, run: int, name: str) -> list[tuple[str, str]]:
        """Return the steps and the lines of a box, each with what it is."""
        found = []
        for table in ("steps", "lines"):
            query = f"SELECT text FROM {table} WHERE run = ? AND box = ?"  # noqa: S608 - ours
            found += [(table, text) for (text,) in self._rows(query, run, name)]
        return found

    def newest(self, command: str) -> dict[str, Any]:
        """Return each box's newest good answer to a command."""
        rows = self._rows(
            "SELECT boxes.name, boxes.result FROM boxes JOIN runs ON runs.id = run"
            " WHERE command = ? AND boxes.result IS NOT NULL AND boxes.status = 0"
            " ORDER BY run",
            command,
        )
        return {name: json.loads(result) for name, result in rows}

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._sql.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            yield
            self._sql.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")

    def _unusable(self, error: Exception) -> UsageError:
        return UsageError(
            "the journal cannot be written",
            where=str(self.path),
            why=system_words(error),
            next_step="make room or name another file with --journal",
        )


_RUNS = "SELECT id, started, ended, command, arguments, directory, status FROM runs"


def _run(row: Sequence[Any]) -> Run:
    number, started, ended, command, arguments, directory, status = row
    words = tuple(json.loads(arguments))
    return Run(number, started, ended, command, words, directory, status)


def _outcome(row: Sequence[Any]) -> Outcome:
    name, state, attempts, seconds, status, result, error = row
    if state != ENDED:
        return Outcome(name, None, attempts, seconds)
    answer = Result(
        "",
        json.loads(result) if result else {},
        box=name,
        status=ExitStatus(status),
        error=restored_error(json.loads(error)) if error else None,
    )
    return Outcome(name, answer, attempts, seconds)
