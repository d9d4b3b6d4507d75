"""Write the names of one dataset; memory does not grow with their number."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from earwitness.index.database.sqlite import as_store_error
from earwitness.index.names.list_digest import DIGEST_KEY, placeholder, seal
from earwitness.index.names.name_entries import NamedDataset
from earwitness.index.names.name_errors import FullTextMissing
from earwitness.index.names.name_list import FORMAT
from earwitness.index.names.stored_rows import StoredRow
from earwitness.index.store.files import TEMPORARY_PREFIX, convert_write_errors, fsync_folder

BATCH_ENTRIES: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE head (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE frequent (term TEXT PRIMARY KEY, n_entries INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    place TEXT NOT NULL, artists TEXT, title TEXT, album TEXT, duration_s REAL, ids TEXT
);
CREATE VIRTUAL TABLE term USING fts5 (
    terms, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '_:-./~'"
);
INSERT INTO term (term, rank) VALUES ('hashsize', 33554432);
INSERT INTO term (term, rank) VALUES ('automerge', 0);
"""
FREQUENT: Final = 500
"""Entries with one title or artist from which on their number is stored, so that they are not counted."""
_FAST: Final = (
    "journal_mode = OFF",  # an unfinished file is deleted, never read
    "synchronous = OFF",  # the finished file is made durable as a whole
    "locking_mode = EXCLUSIVE",
    "cache_size = -65536",
    "page_size = 8192",
)


class NameListWriter:
    """A list of names that is being written; use it as a context manager.

    The file appears under its name, whole and durable, when `finish` returns; without it, nothing is left.

    Attributes
    ----------
    n_entries, n_named : int
        Entries so far, and those with artist and title.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
        self.n_entries = self.n_named = 0
        with convert_write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._store_errors():
            self._connection = sqlite3.connect(self._unfinished, isolation_level=None)
            for pragma in _FAST:
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_SCHEMA)
            self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._unfinished.unlink(missing_ok=True)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if "fts5" in str(error):
                self._unfinished.unlink(missing_ok=True)
                raise FullTextMissing(reason=str(error)) from error
            raise (as_store_error(error, self._path) or error) from error

    def add(self, rows: Iterable[StoredRow]) -> None:
        """Add the rows of entries.

        Raises
        ------
        DiskFull, DiskFailed, StoreUnwritable
        """
        unwritten = iter(rows)
        while batch := list(islice(unwritten, BATCH_ENTRIES)):
            first = self.n_entries + 1
            with self._store_errors():
                self._connection.executemany(
                    "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(n, *row[:6]) for n, row in enumerate(batch, first)],
                )
                self._connection.executemany(
                    "INSERT INTO term (rowid, terms) VALUES (?, ?)",
                    [(n, row.terms) for n, row in enumerate(batch, first)],
                )
            self.n_entries += len(batch)
            self.n_named += sum(row.is_named for row in batch)

    def _count_frequent(self) -> None:
        self._connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, term, row)")
        for begin, end in (("a:", "a;"), ("t:", "t;")):
            self._connection.execute(
                "INSERT INTO frequent SELECT term, doc FROM temp.vocabulary"
                " WHERE term >= ? AND term < ? AND doc >= ?",
                (begin, end, FREQUENT),
            )
        self._connection.execute("DROP TABLE temp.vocabulary")

    def finish(self, about: Mapping[str, Any]) -> NamedDataset:
        """Make the list visible, in place of an earlier one.

        Parameters
        ----------
        about
            The fields of `NamedDataset` but the two numbers.

        Raises
        ------
        DiskFull, DiskFailed, StoreUnwritable
        """
        dataset = NamedDataset(**about, n_entries=self.n_entries, n_named=self.n_named)
        with self._store_errors():
            self._connection.execute("INSERT INTO term (term) VALUES ('optimize')")
            self._count_frequent()
            digest = placeholder()
            self._connection.executemany(
                "INSERT INTO head VALUES (?, ?)",
                [(DIGEST_KEY, digest), ("format", FORMAT), ("dataset", json.dumps(asdict(dataset)))],
            )
            self._connection.execute("COMMIT")
            self._connection.close()
        with convert_write_errors(self._path):
            seal(self._unfinished, digest)
            descriptor = os.open(self._unfinished, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._unfinished.replace(self._path)
            fsync_folder(self._path.parent)
        return dataset
