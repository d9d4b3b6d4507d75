"""Entries as rows of the store: columns, and the terms by which the full-text index finds them.

The terms of an entry are its identifiers (``youtube:…``), the key of its title (``t:…``) and those of its
artists (``a:…``), each as one word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from earwitness.index.database.records import storable
from earwitness.index.names.name_entries import LONGEST_TEXT, MOST_NAMES, NameEntry
from earwitness.index.names.name_keys import keys_of_artists, title_key
from earwitness.index.names.recording_ids import RecordingId

SEPARATOR: Final = "\x1f"
MAX_COLUMN_CHARS: Final = (LONGEST_TEXT + 1) * MOST_NAMES
"""Most characters of a column, and of the terms."""
_PLAIN_IDS: Final = frozenset({"isrc", "youtube", "spotify", "musicbrainz", "deezer", "freesound", "jamendo"})
LONGEST_S: Final = 1e7


class StoredRow(NamedTuple):
    """One entry as it is stored; several artists or identifiers are joined by `SEPARATOR`.

    Attributes
    ----------
    is_named : bool
        Whether it has artist and title.
    """

    place: str
    artists: str | None
    title: str | None
    album: str | None
    duration_s: float | None
    ids: str | None
    terms: str
    is_named: bool


def title_term(key: str) -> str:
    """Return the term of a title."""
    return f"t:{key}"


def artist_term(key: str) -> str:
    """Return the term of an artist."""
    return f"a:{key}"


def id_term(recording: RecordingId) -> str:
    """Return the term of an identifier; blanks and quotation marks would divide it."""
    kind, value = recording
    if kind in _PLAIN_IDS:
        return f"{kind}:{value}"
    return f"{kind}:{quote(value, safe='-_/.~').replace('%', '_')}"


def stored_row(
    place: str,
    *,
    artists: Sequence[str] = (),
    title: str | None = None,
    album: str | None = None,
    duration_s: float | None = None,
    ids: Sequence[RecordingId] = (),
) -> StoredRow | None:
    """Return the row of an entry; None where it has neither an identifier nor artist and title."""
    terms = [id_term(each) for each in ids]
    key = title_key(title) if title and artists else ""
    keys = keys_of_artists(artists) if key else ()
    if keys:
        terms.append(title_term(key))
        terms += map(artist_term, keys)
    if not terms:
        return None
    return StoredRow(
        _kept(place),
        _kept(artists[0]) or None if len(artists) == 1 else _joined(map(_kept, artists)),
        None if title is None else _kept(title),
        None if album is None else _kept(album),
        duration_s if duration_s is not None and 0 < duration_s < LONGEST_S else None,
        SEPARATOR.join([f"{kind}:{value}" for kind, value in ids]) or None,
        " ".join(terms),
        bool(keys),
    )


def row_of(entry: NameEntry) -> StoredRow | None:
    """Return the row of an entry; see `stored_row`."""
    return stored_row(
        entry.place,
        artists=entry.artists[:MOST_NAMES],
        title=entry.title,
        album=entry.album,
        duration_s=entry.duration_s,
        ids=entry.ids[:MOST_NAMES],
    )


def entry_of(
    place: str,
    artists: str | None,
    title: str | None,
    album: str | None,
    duration_s: float | None,
    ids: str | None,
) -> NameEntry:
    """Return the entry of a row."""
    return NameEntry(
        place=place,
        artists=tuple(artists.split(SEPARATOR)) if artists else (),
        title=title,
        album=album,
        duration_s=duration_s,
        ids=tuple(_id_of(each) for each in ids.split(SEPARATOR)) if ids else (),
    )


def checked_row(row: Sequence[object]) -> StoredRow:
    """Return a row that another process made.

    Raises
    ------
    ValueError
        When it has not the form of a row.
    """
    place, artists, title, album, duration_s, ids, terms, is_named = row
    if place is None or terms is None:
        raise ValueError("no row")
    for text in (place, artists, title, album, ids, terms):
        if text is not None and (not isinstance(text, str) or len(text) > MAX_COLUMN_CHARS):
            raise ValueError("no text")
        if text is not None and not text.isascii():
            text.encode()  # a lone surrogate is no text
    if duration_s is not None and not (isinstance(duration_s, float | int) and 0 < duration_s < LONGEST_S):
        raise ValueError("no length")
    if not isinstance(is_named, bool):
        raise ValueError("no row")
    return StoredRow(place, artists, title, album, duration_s, ids, terms, is_named)  # type: ignore[arg-type]


def _id_of(text: str) -> RecordingId:
    kind, _, value = text.partition(":")
    return RecordingId(kind, value)


def _kept(text: str) -> str:
    """Return a text in one line that every database stores."""
    text = text[:LONGEST_TEXT]
    return text if text.isascii() and text.isprintable() else " ".join(storable(text).split())


def _joined(texts: Iterable[str]) -> str | None:
    return SEPARATOR.join(texts) or None
