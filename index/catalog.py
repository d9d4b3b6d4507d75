"""The one SQL database of a home: how it is opened, read at one instant, written, and kept at its schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from index import sqlite
from index.errors import CatalogDamaged, CatalogTooNew, CatalogUnreachable, DiskFull, HomeMissing
from index.lock import HomeLock

CATALOG_FILE: Final = "catalog.sqlite"
SCHEMA: Final = "0002"
"""The newest migration; migrations are numbered, so that a newer catalog is recognised as such."""


_WAIT_FOR_WRITERS: Final = text("SELECT pg_advisory_xact_lock(hashtext('earwitness' || current_schema()))")
"""PostgreSQL: writers take turns, as SQLite's do, and read after this what the last one left."""


class Catalog:
    """An open catalog database.

    Parameters
    ----------
    home : Path
        The folder; without a `url` the database is its ``catalog.sqlite``.
    url : str or None
        An SQLAlchemy address of another database (``postgresql+psycopg://...``).
    owner : bool
        True for the one process that holds the home's lock: it alone folds SQLite's log back into the file.
    """

    def __init__(self, home: Path, *, url: str | None = None, owner: bool = False) -> None:
        self.home = home
        self.path = home / CATALOG_FILE
        address = make_url(url) if url else sqlite.address(self.path)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self._where = address.render_as_string()  # without its password
        try:
            self.engine = create_engine(address)
        except ModuleNotFoundError as error:
            raise CatalogUnreachable(where=self._where, reason=str(error)) from error
        if self.is_sqlite:
            sqlite.prepare(self.engine, owner=owner)
            self._writing = self.engine.execution_options(**{sqlite.WRITES: True})
        else:
            self._writing = self.engine.execution_options(isolation_level="READ COMMITTED")
            self.engine = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is on the disk when the block ends, or never was."""
        with self._named_errors(), self._writing.begin() as connection:
            if not self.is_sqlite:
                connection.execute(_WAIT_FOR_WRITERS)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One instant of the catalog, for as long as the block lasts."""
        with self._named_errors(), self.engine.connect() as connection:
            yield connection

    def snapshot(self) -> Connection:
        """A connection that keeps seeing the instant of its first read, until it is closed."""
        with self._named_errors():
            return self.engine.connect()

    def close(self) -> None:
        """Close every connection of the pool."""
        self.engine.dispose()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if self.is_sqlite and sqlite.is_full(error):
                raise DiskFull(path=str(self.path)) from error
            if self.is_sqlite and sqlite.is_damaged(error):
                raise CatalogDamaged(where=str(self.path), reason=str(error.orig)) from error
            if not self.is_sqlite and isinstance(error, OperationalError):
                raise CatalogUnreachable(where=self._where, reason=str(error.orig)) from error
            raise


def schema_of(catalog: Catalog) -> str:
    """The number of the last migration that the catalog went through; empty when it has none yet.

    Raises
    ------
    CatalogTooNew
        When a newer program wrote it: its rows are not guessed at.
    """
    with catalog.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    if found > SCHEMA:
        raise CatalogTooNew(home=str(catalog.home), found=found, known=SCHEMA)
    return found


def bring_up_to_date(catalog: Catalog) -> None:
    """Run the migrations that are missing; the caller holds the home's lock."""
    if schema_of(catalog) != SCHEMA:
        from index.migrations import upgrade  # Alembic costs a quarter of a second, once a home

        upgrade(catalog.engine)


def open_catalog(home: Path, *, url: str | None = None) -> Catalog:
    """Open the catalog of a home to read it; an older one is brought up to date first.

    Raises
    ------
    HomeMissing
        When nothing was ever stored in this home.
    CatalogTooNew, HomeBusy
    """
    if url is None and not (home / CATALOG_FILE).is_file():
        raise HomeMissing(home=str(home))
    catalog = Catalog(home, url=url)
    try:
        if schema_of(catalog) != SCHEMA:
            lock = HomeLock(home)
            try:
                bring_up_to_date(catalog)
            finally:
                lock.release()
    except BaseException:
        catalog.close()
        raise
    return catalog
