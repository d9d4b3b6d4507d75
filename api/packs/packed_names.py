"""The names in a pack: rows of ``names.parquet`` of a list or of indexed items, and their check when read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from earwitness.api.datasets.name_lists.list_columns import columns_of, row_in
from earwitness.api.packs.read_pack import Pack
from earwitness.index.names.name_entries import LONGEST_TEXT, MOST_NAMES, NameEntry
from earwitness.index.names.recording_ids import KINDS, RecordingId, recording_id
from earwitness.index.names.stored_rows import LONGEST_S, StoredRow, entry_of, stored_row
from earwitness.index.store.dataset_rows import DatasetRow

PART: Final = "names.parquet"
_ROWS_SHOWN: Final = 200
"""Items by which the columns of their metadata are recognised."""


def name_rows(entries: Iterable[NameEntry]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``names.parquet``."""
    for each in entries:
        yield {
            "place": each.place,
            "artists": list(each.artists),
            "title": each.title,
            "album": each.album,
            "duration_s": each.duration_s,
            "ids": [str(one) for one in each.ids],
        }


def names_of_items(rows: Iterable[DatasetRow]) -> Iterator[NameEntry]:
    """Yield the names that the metadata of indexed items give."""
    unread = iter(rows)
    first = list(islice(unread, _ROWS_SHOWN))
    columns = columns_of([_fields(row) for row in first])
    for row in chain(first, unread):
        names = row_in(columns, _fields(row), place=row.item.path)
        if names is not None:
            yield entry_of(*names[:6])


def _fields(row: DatasetRow) -> Mapping[str, Any]:
    return row.item.metadata


def packed_names(pack: Pack) -> Iterator[StoredRow]:
    """Yield the names of a pack.

    Raises
    ------
    PackDamaged
        When a row has not the form of names, or an identifier is none.
    """
    for number, row in enumerate(pack.rows(PART)):
        try:
            yield _checked(row.fields)
        except (ValueError, KeyError, TypeError) as error:
            raise pack.damaged(PART, f"has a row that is not valid ({number:,})") from error


def _checked(fields: Mapping[str, Any]) -> StoredRow:
    duration_s = fields["duration_s"]
    if duration_s is not None and not (isinstance(duration_s, float) and 0 < duration_s < LONGEST_S):
        raise ValueError("no length")
    row = stored_row(
        _text(fields["place"]),
        artists=[_text(each) for each in _list(fields["artists"])],
        title=None if fields["title"] is None else _text(fields["title"]),
        album=None if fields["album"] is None else _text(fields["album"]),
        duration_s=duration_s,
        ids=[_id(each) for each in _list(fields["ids"])],
    )
    if row is None:
        raise ValueError("it names nothing")
    return row


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError("no text")
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise ValueError("no list")
    return value


def _id(value: object) -> RecordingId:
    kind, _, text = _text(value).partition(":")
    found = recording_id(kind, text) if kind in KINDS else None
    if found is None:
        raise ValueError("no identifier")
    return found
