"""The journal's tables, by version; each step leads from one version to the next."""

from __future__ import annotations

import sqlite3

from modferry.errors import UsageError

APPLICATION_ID = 0x4D464A31
"""``MFJ1``: what SQLite keeps in a file's header to tell whose it is."""

STEPS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        started REAL NOT NULL,
        ended REAL,
        command TEXT NOT NULL,
        arguments TEXT NOT NULL,
        directory TEXT NOT NULL,
        version TEXT NOT NULL,
        status INTEGER
    );
    CREATE TABLE boxes (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        status INTEGER,
        result TEXT,
        error TEXT,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE TABLE steps (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        box TEXT NOT NULL,
        time REAL NOT NULL,
        text TEXT NOT NULL
    );
    CREATE TABLE lines (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        box TEXT NOT NULL,
        time REAL NOT NULL,
        text TEXT NOT NULL
    );
    CREATE TABLE findings (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        box TEXT NOT NULL,
        code TEXT NOT NULL,
        severity TEXT NOT NULL,
        module TEXT,
        symbol TEXT,
        owner TEXT,
        why TEXT
    );
    CREATE INDEX steps_of ON steps (run, box);
    CREATE INDEX lines_of ON lines (run, box);
    CREATE INDEX findings_of ON findings (code, module);
    """,
    """
    CREATE INDEX boxes_by_name ON boxes (name, run);
    """,
)
"""What leads from version 0, an empty file, to 1, to 2, ..."""


def migrate(connection: sqlite3.Connection, where: str) -> None:
    """Bring a journal to the newest version; raise UsageError for what is none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        raise UsageError(
            "the file is no journal of modferry's",
            where=where,
            next_step="name another file with --journal",
        )
    if version > len(STEPS):
        raise UsageError(
            "the journal was written by a newer modferry",
            where=where,
            why=f"it has version {version}, this modferry knows {len(STEPS)}",
            next_step="use the newer modferry, or another file with --journal",
        )
    if version == len(STEPS):
        return
    # Two processes may come to a new file together: the second finds it made.
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number in range(version, len(STEPS)):
        for statement in STEPS[number].split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number + 1}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
