"""The names of one dataset, stored for look-up: an SQLite file with a full-text index, which never changes.

Table ``entry`` holds the entries, and ``frequent`` how many have a frequent title or artist; the full-text
index ``term`` holds the terms of each entry (`earwitness.index.names.stored_rows`). Format
``earwitness.names/1``.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from earwitness.index.names.name_chance import expected_by_chance
from earwitness.index.names.name_entries import FoundNames, NamedDataset, NameEntry
from earwitness.index.names.name_errors import NameListDamaged, NameListTooNew
from earwitness.index.names.recording_ids import RecordingId
from earwitness.index.names.stored_rows import artist_term, entry_of, id_term, title_term

FORMAT: Final = "earwitness.names/1"
ENTRIES_SHOWN: Final = 5
"""Entries that a look-up returns; others are counted."""
_SAME_TERM: Final = 1_000
"""Entries that are compared with an identifier, whose case the full-text index does not keep."""


def _quoted(term: str) -> str:
    return '"' + term.replace('"', "") + '"'


def any_of(terms: Iterable[str]) -> str:
    """Return the query for entries with at least one of these terms."""
    return "(" + " OR ".join(map(_quoted, terms)) + ")"


class NameList:
    """An open list of names; its methods may be called from any thread.

    Raises
    ------
    NameListDamaged, NameListTooNew
    """

    def __init__(self, path: Path) -> None:
        self._path, self._guard = path, threading.Lock()
        with self._damage_named():
            address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            head = dict(self._connection.execute("SELECT key, value FROM head"))
            if head["format"] != FORMAT:
                raise NameListTooNew(path=str(path), stored_format=str(head["format"])[:100])
            self.dataset = NamedDataset(**json.loads(head["dataset"]))

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            raise NameListDamaged(path=str(self._path), reason=str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def find(self, asked: NameEntry) -> list[FoundNames]:
        """Return what the list holds of a work: for each identifier, else by artist and title.

        Artist and title are looked up also where an identifier is found: they may name further entries.
        """
        with self._guard, self._damage_named():
            found = [each for wanted in asked.ids if (each := self._by_id(wanted)) is not None]
            named = self._by_name(asked)
            return found if named is None else [*found, named]

    def expected(self, asked: NameEntry) -> float:
        """Return how many entries would have a work's artist and title by chance."""
        keys = asked.keys
        if keys is None:
            return 0.0
        with self._guard, self._damage_named():
            return self._expected(title_term(keys[0]), [artist_term(key) for key in keys[1]])

    def _expected(self, title: str, artists: Sequence[str]) -> float:
        n_title, n_named = self._number_with(title), self.dataset.n_named
        n_artist = 0
        if n_title:
            is_one = len(artists) == 1
            n_artist = self._number_with(artists[0]) if is_one else self._count(any_of(artists))
        return expected_by_chance(n_title=n_title, n_artist=n_artist, n_named=n_named)

    def entries(self) -> Iterator[NameEntry]:
        """Yield all entries in the order of the list."""
        with self._damage_named():
            for row in self._connection.execute(_SELECT_ALL):
                yield entry_of(*row)

    def _by_id(self, wanted: RecordingId) -> FoundNames | None:
        rows = self._connection.execute(_SELECT_MATCHING, (_quoted(id_term(wanted)), _SAME_TERM))
        entries = [each for each in (entry_of(*row) for row in rows) if wanted in each.ids]
        if not entries:
            return None
        return FoundNames(
            dataset=self.dataset,
            kind=wanted.kind,
            value=wanted.value,
            e_value=None,
            entries=tuple(entries[:ENTRIES_SHOWN]),
            n_entries=len(entries),
        )

    def _by_name(self, asked: NameEntry) -> FoundNames | None:
        keys = asked.keys
        if keys is None:
            return None
        title, artists = title_term(keys[0]), [artist_term(key) for key in keys[1]]
        both = f"{_quoted(title)} AND {any_of(artists)}"
        n_both = self._count(both)
        if not n_both:
            return None
        e_value = self._expected(title, artists)
        rows = self._connection.execute(_SELECT_MATCHING, (both, ENTRIES_SHOWN))
        return FoundNames(
            dataset=self.dataset,
            kind="artist_title",
            value=f"{', '.join(asked.artists)}: {asked.title}",
            e_value=e_value,
            entries=tuple(entry_of(*row) for row in rows),
            n_entries=n_both,
        )

    def _number_with(self, term: str) -> int:
        """Return how many entries have a term; the number is stored where it is large."""
        row = self._connection.execute("SELECT n_entries FROM frequent WHERE term = ?", (term,)).fetchone()
        return self._count(_quoted(term)) if row is None else int(row[0])

    def _count(self, query: str) -> int:
        row = self._connection.execute("SELECT count(*) FROM term WHERE term MATCH ?", (query,)).fetchone()
        return int(row[0])


_SELECT_ALL: Final = "SELECT place, artists, title, album, duration_s, ids FROM entry ORDER BY id"
_SELECT_MATCHING: Final = (
    "SELECT place, artists, title, album, duration_s, ids FROM entry"
    " WHERE id IN (SELECT rowid FROM term WHERE term MATCH ? ORDER BY rowid LIMIT ?)"
)
