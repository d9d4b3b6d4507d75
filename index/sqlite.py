"""All that is said to SQLite in its own dialect: how it is opened, copied while in use, and checked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from index.errors import DiskFull

WRITES: Final = "earwitness_writes"
"""Execution option of connections that will write: they take SQLite's write lock at once, or wait for it."""

BUSY_MS: Final = 60_000

_DAMAGED: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


def address(path: Path) -> URL:
    """The SQLAlchemy address of a database file; any character may stand in its path."""
    return URL.create("sqlite+pysqlite", database=str(path))


def prepare(engine: Engine, *, owner: bool) -> None:
    """Make every connection of `engine` durable, and transactions start where SQLAlchemy says they do."""

    def connected(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # otherwise Python's driver begins transactions of its own
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = FAST",  # what was removed is overwritten where that costs no extra write
            # SQLite before 3.51.3 can lose data when two processes fold the log back at once
            f"wal_autocheckpoint = {1_000 if owner else 0}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _name(error: DatabaseError) -> str:
    # the extended names go on after the plain ones: SQLITE_CORRUPT_INDEX
    return getattr(error.orig, "sqlite_errorname", "")


def is_full(error: DatabaseError) -> bool:
    """Whether the disk had no room."""
    return _name(error).startswith("SQLITE_FULL")


def is_damaged(error: DatabaseError) -> bool:
    """Whether the file is not a sound database."""
    return any(_name(error).startswith(name) for name in _DAMAGED)


def copy_while_in_use(source: Path, target: Path) -> None:
    """Copy a database at one instant, whatever others write meanwhile (SQLite's online backup)."""
    here, there = sqlite3.connect(source), sqlite3.connect(target)
    try:
        here.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        here.backup(there)  # all pages in one step: one read transaction
        there.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise DiskFull(path=str(target)) from error
        raise
    finally:
        here.close()
        there.close()


def check(connection: Connection) -> list[str]:
    """What SQLite's own check finds wrong with the database's pages; empty when nothing is."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [str(row) for row in rows if row != "ok"]
