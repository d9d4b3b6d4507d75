"""The SQL database of a home: open it, read snapshots, write transactions, and run migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, event, inspect, select, text, update
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError

from earwitness.index.database import sqlite
from earwitness.index.database.change_counter import (
    COUNTER_FILE,
    is_intact,
    last_number,
    write_number,
)
from earwitness.index.database.tables import CHANGE
from earwitness.index.store.files import TEMPORARY_PREFIX, may_write
from earwitness.index.store.home_address import SHARD_FOLDER, HomeAddress
from earwitness.index.store.lock import HomeLock
from earwitness.index.store.store_errors import (
    CatalogMissing,
    CatalogNotUnicode,
    CatalogTooNew,
    CatalogUnreachable,
    ChangesLost,
    DiskFailed,
    DiskFull,
    HomeMissing,
    StoreUnwritable,
)

CATALOG_FILE: Final = "catalog.sqlite"
SCHEMA: Final = "0008"
"""Number of the newest migration; a catalog with a greater number is newer than this program."""


_WAIT_FOR_WRITERS: Final = text("SELECT pg_advisory_xact_lock(hashtext('earwitness' || current_schema()))")
"""PostgreSQL: writers run one after another, as with SQLite, and read what the previous one stored."""


class Catalog:
    """An open catalog database.

    Parameters
    ----------
    address : HomeAddress
        The home; its tenant is not used.
    owner : bool
        True for the process that holds the home's lock: only it writes SQLite's log back into the file.
    read_only : bool
        Write nothing, not even beside the file; then a catalog without write permission can be opened.
    """

    def __init__(self, address: HomeAddress, *, owner: bool = False, read_only: bool = False) -> None:
        home, database_url = address.path, address.database_url
        self.home = home
        self.path = home / CATALOG_FILE
        self.counter = home / COUNTER_FILE
        self.read_only = read_only or (database_url is None and not owner and not _may_write(self.path))
        url = make_url(database_url) if database_url else sqlite.address(self.path, read_only=self.read_only)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._owner, self.where = owner, url.render_as_string()  # without its password
        try:
            # psycopg returns bytes where a database with the encoding SQL_ASCII decides
            encoding = {"client_encoding": "utf8"} if url.get_backend_name() == "postgresql" else {}
            self.engine = create_engine(url, **encoding)
        except ModuleNotFoundError as error:
            raise CatalogUnreachable(where=self.where, reason=str(error)) from error
        self._has_change_table = False
        if self.is_sqlite:
            sqlite.prepare(self.engine, self.path, owner=owner, read_only=self.read_only)
            self._writing = self.engine.execution_options(**{sqlite.WRITES: True})
        else:
            event.listen(self.engine, "handle_error", _unreachable(self.where))
            self._writing = self.engine.execution_options(isolation_level="READ COMMITTED")
            self.engine = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open one transaction: when the block ends it is on the disk; after an error nothing is."""
        number = None
        with self._writing.begin() as connection:
            if not self.is_sqlite:
                connection.execute(_WAIT_FOR_WRITERS)
            yield connection
            if self.is_sqlite and self._is_counted(connection):
                connection.execute(update(CHANGE).values(number=CHANGE.c.number + 1))
                number = connection.execute(select(CHANGE.c.number)).scalar_one()
        if number is not None:
            write_number(self.counter, number)

    def _is_counted(self, connection: Connection) -> bool:
        self._has_change_table = self._has_change_table or inspect(connection).has_table(CHANGE.name)
        return self._has_change_table

    def check_changes(self) -> None:
        """Check that no stored change is lost; the owner writes a counter file where there is none.

        Raises
        ------
        ChangesLost
        """
        if not self.is_sqlite:
            return
        stored = last_number(self.counter)  # before the catalog is read: a writer updates the counter last
        with self.reading() as connection:
            present = connection.execute(select(CHANGE.c.number)).scalar() or 0
        if present < stored:
            raise ChangesLost(where=str(self.path), present=present, stored=stored, counter=str(self.counter))
        if self._owner and (not stored or not is_intact(self.counter)):
            write_number(self.counter, present)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that reads one snapshot of the catalog; it is closed when the block ends."""
        with self.engine.connect() as connection:
            yield connection

    def fold_log(self) -> None:
        """Write SQLite's log back into the catalog, as far as no reader needs it."""
        if self.is_sqlite:
            with self.engine.connect() as connection:
                sqlite.fold_log(connection)

    def snapshot(self) -> Connection:
        """Return a connection that reads the snapshot of its first read until it is closed."""
        return self.engine.connect()

    def close(self) -> None:
        """Close every connection of the pool."""
        self.engine.dispose()


def _may_write(path: Path) -> bool:
    return may_write(path.parent) and (may_write(path) or not path.exists())


def _unreachable(where: str) -> Callable[[ExceptionContext], CatalogUnreachable | None]:
    def failed(context: ExceptionContext) -> CatalogUnreachable | None:
        if not isinstance(context.sqlalchemy_exception, OperationalError):
            return None
        return CatalogUnreachable(where=where, reason=str(context.original_exception))

    return failed


def refuse_without_catalog(home: Path) -> None:
    """Refuse a home that has other files of a store but no catalog.

    Raises
    ------
    CatalogMissing
    """
    if (home / CATALOG_FILE).exists():
        return
    folder = home / SHARD_FOLDER
    paths = [home / COUNTER_FILE, *(folder.iterdir() if folder.is_dir() else ())]
    existing = [path for path in paths if path.exists() and not path.name.startswith(TEMPORARY_PREFIX)]
    if existing:
        what = f"{home / COUNTER_FILE} and {folder}"
        raise CatalogMissing(home=str(home), catalog=CATALOG_FILE, left=what)


def schema_of(catalog: Catalog) -> str:
    """Return the number of the last migration that ran on the catalog; empty when none has run.

    Raises
    ------
    CatalogNotUnicode
        When it is in an external database of another encoding than UTF8.
    CatalogTooNew
        When a newer version of earwitness wrote it.
    """
    with catalog.reading() as connection:
        if not catalog.is_sqlite:
            encoding = str(connection.execute(text("SHOW server_encoding")).scalar_one())
            if encoding != "UTF8":
                raise CatalogNotUnicode(where=catalog.where, encoding=encoding)
        if not inspect(connection).has_table("alembic_version"):
            return ""
        schema = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    if schema > SCHEMA:
        raise CatalogTooNew(home=str(catalog.home), schema=schema, known=SCHEMA)
    return schema


def bring_up_to_date(catalog: Catalog) -> None:
    """Run the migrations that are missing; the caller holds the home's lock."""
    if schema_of(catalog) != SCHEMA:
        from earwitness.index.database.migrations import (
            upgrade,  # loading Alembic takes 0.25 s
        )

        upgrade(catalog.engine)


def open_catalog(address: HomeAddress) -> Catalog:
    """Open the catalog of a home to read it; missing migrations are run first.

    Raises
    ------
    HomeMissing
        When nothing was ever stored in this home.
    CatalogMissing
        When the home holds other files of a store but no catalog.
    ChangesLost
        When the catalog lacks stored changes.
    CatalogTooNew, HomeBusy, StoreUnwritable
    """
    home = address.path
    if address.database_url is None and not (home / CATALOG_FILE).is_file():
        refuse_without_catalog(home)
        raise HomeMissing(home=str(home))
    catalog = _readable(address)
    try:
        if schema_of(catalog) != SCHEMA:
            if catalog.read_only:
                reason = "its catalog has an older schema, which must be upgraded first"
                raise StoreUnwritable(path=str(home), reason=reason)
            lock = HomeLock(home)
            try:
                bring_up_to_date(catalog)
            finally:
                lock.release()
        catalog.check_changes()
    except BaseException:
        catalog.close()
        raise
    return catalog


def _readable(address: HomeAddress) -> Catalog:
    catalog = Catalog(address)
    try:
        schema_of(catalog)
    except (DiskFull, DiskFailed, StoreUnwritable):  # SQLite writes files beside the catalog even to read
        catalog.close()
        return Catalog(address, read_only=True)
    except BaseException:
        catalog.close()
        raise
    return catalog
