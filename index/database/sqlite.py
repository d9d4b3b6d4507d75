"""What is particular to SQLite: how a database is opened, copied while in use, and checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from earwitness.index.store.files import may_write
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    DiskFailed,
    DiskFull,
    HomeBusy,
    StoreError,
    StoreUnwritable,
)

WRITES: Final = "earwitness_writes"
"""Execution option of connections that will write: they take SQLite's write lock at once, or wait for it."""

BUSY_MS: Final = 60_000


def address(path: Path, *, read_only: bool = False) -> URL:
    """The SQLAlchemy address of a database file; any character may stand in its path.

    Parameters
    ----------
    read_only : bool
        Nothing is written, not even beside the file. A log that is still to be folded in is read where
        SQLite can do so without writing; where it can not, opening fails.
    """
    if not read_only:
        return URL.create("sqlite+pysqlite", database=str(path))
    name, how = _unwritten(path)
    return URL.create("sqlite+pysqlite", database=name, query={**how, "uri": "true"})


def _unwritten(path: Path) -> tuple[str, dict[str, str]]:
    """Name a database, and how to open it, so that nothing is written."""
    how = {"mode": "ro"}
    if not _has_log(path):
        how["immutable"] = "1"  # otherwise SQLite would have to make a file beside it
    return f"file:{quote(str(path.absolute()))}", how


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def prepare(engine: Engine, path: Path, *, owner: bool, read_only: bool = False) -> None:
    """Configure an engine: durable writes, store errors, and explicit transactions."""
    pragmas = [f"busy_timeout = {BUSY_MS}"]
    if not read_only:
        pragmas += [
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = FAST",  # what was removed is overwritten where that costs no extra write
            # SQLite before 3.51.3 can lose data when two processes fold the log back at once
            f"wal_autocheckpoint = {1_000 if owner else 0}",
        ]

    def connected(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # otherwise Python's driver begins transactions of its own
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            connection.close()
            raise (as_store_error(error, path) or error) from error

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def failed(context: ExceptionContext) -> StoreError | None:
        return as_store_error(context.original_exception, path)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    event.listen(engine, "handle_error", failed)


def fold_log(connection: Connection) -> None:
    """Write the log back into the file, without waiting for readers or writers."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def as_store_error(error: BaseException, path: Path) -> StoreError | None:
    """Return the store error for an error of SQLite at `path`; None for errors that callers handle.

    The statements are correct: where SQLite finds no such table, or bytes that are no text, the file is
    damaged.
    """
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.IntegrityError):
        return None
    name, reason = getattr(error, "sqlite_errorname", ""), str(error)
    meant = next((make for begins, make in _MEANT.items() if name.startswith(begins)), _damaged)
    return meant(str(path), reason)


def _damaged(path: str, reason: str) -> StoreError:
    return CatalogDamaged(where=path, reason=reason)


_MEANT: Final[dict[str, Callable[[str, str], StoreError]]] = {
    "SQLITE_FULL": lambda path, _: DiskFull(path=path),
    "SQLITE_READONLY": lambda path, reason: StoreUnwritable(path=path, reason=reason),
    "SQLITE_CANTOPEN": lambda path, reason: StoreUnwritable(path=path, reason=reason),
    "SQLITE_PERM": lambda path, reason: StoreUnwritable(path=path, reason=reason),
    "SQLITE_IOERR": lambda path, reason: DiskFailed(path=path, reason=reason),
    "SQLITE_BUSY": lambda path, _: HomeBusy(home=path, holder="another process"),
    "SQLITE_LOCKED": lambda path, _: HomeBusy(home=path, holder="another process"),
}
"""By the beginning of SQLite's name for an error; extended names go on after the plain ones."""


def copy_while_in_use(source: Path, target: Path) -> None:
    """Copy a database at one instant, whatever others write meanwhile (SQLite's online backup)."""
    name, how = _unwritten(source)
    if may_write(source.parent):
        name = f"file:{quote(str(source.absolute()))}?mode=rw"
    else:
        name += "?" + "&".join(f"{key}={value}" for key, value in how.items())
    here, there = sqlite3.connect(name, uri=True), sqlite3.connect(target)
    try:
        here.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        here.backup(there)  # all pages in one step: one read transaction
        there.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
    except sqlite3.DatabaseError as error:
        raise (as_store_error(error, target) or error) from error
    finally:
        here.close()
        there.close()


def check(connection: Connection) -> list[str]:
    """What SQLite's own check finds wrong with the database's pages; empty when nothing is."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [str(row) for row in rows if row != "ok"]
