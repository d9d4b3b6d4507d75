"""A checksum of every row that answers use: a flipped bit is an error and never changes an answer.

A database's own check misses most flipped bits, so each row has a digest of all its values. A missing or
moved row changes no digest of another row; the counts in the rows of collections and homes detect it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Row,
    Table,
    bindparam,
    select,
    update,
)

from earwitness.index.database.tables import (
    ANNOUNCED,
    CHANGED_COPIES,
    COLLECTION,
    COMPARISON,
    FINDING,
    FINGERPRINT,
    HOME,
    ITEM,
    MEMBERSHIP,
    NOTICE,
    RECORDING,
    SHARD,
    SIGHTING,
    THUMBNAIL,
    WATCH,
    WEBHOOK,
)
from earwitness.index.store.store_errors import CatalogDamaged

AT_ONCE: Final = 500
"""Number of rows that one statement updates."""

_NOT_COVERED: Final[Mapping[Table, frozenset[str]]] = {
    # large blobs have their own SHA-256, which is covered
    FINGERPRINT: frozenset({"codes", "chromaprint", "peaks"}),
    THUMBNAIL: frozenset({"levels"}),
    CHANGED_COPIES: frozenset({"codes"}),
    # changes for all recordings of a shard at once; checked by counting codes
    MEMBERSHIP: frozenset({"segment_id"}),
}


_ADDED_LATER: Final[Mapping[Table, int]] = {ITEM: 2}
"""How many of a table's last columns were added after its rows had digests.

Those of them that are empty and at the end of a row are left out of its digest. So rows of before keep
theirs, and a migration that adds such a column need not read the table.
"""


def _covered(table: Table) -> tuple[str, ...]:
    not_covered = _NOT_COVERED.get(table, frozenset()) | {"digest"}
    return tuple(column.name for column in table.columns if column.name not in not_covered)


COVERED: Final[Mapping[Table, tuple[str, ...]]] = {
    table: _covered(table)
    for table in (
        HOME,
        COLLECTION,
        RECORDING,
        FINGERPRINT,
        THUMBNAIL,
        CHANGED_COPIES,
        ITEM,
        SHARD,
        MEMBERSHIP,
        FINDING,
        *(WATCH, SIGHTING, COMPARISON, ANNOUNCED, NOTICE, WEBHOOK),
    )
}
"""The columns of each table that the digests of its rows cover, in this order."""

_VALUES: Final[Mapping[Table, Callable[[Any], tuple[Any, ...]]]] = {
    table: attrgetter(*names) for table, names in COVERED.items()
}


def _digest_of_row(table: Table, values: tuple[Any, ...]) -> int:
    n_always = len(values) - _ADDED_LATER.get(table, 0)
    n_values = len(values)
    while n_values > n_always and values[n_values - 1] is None:
        n_values -= 1
    return digest_of(values[:n_values])


_to_json: Final = json.JSONEncoder(default=bytes.hex, separators=(",", ":")).encode


def digest_of(values: Iterable[object]) -> int:
    """Return a 64-bit digest of a sequence of values: numbers, texts, bytes, None.

    Digests are stored in the database: this function must never change.
    """
    text = _to_json(tuple(values))
    return int.from_bytes(blake2b(text.encode("ascii"), digest_size=8).digest(), "big", signed=True)


def with_digest(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row with their digest; all covered columns are required."""
    stored = {name: _as_stored(table, name, value) for name, value in values.items()}
    return {**stored, "digest": _digest_of_row(table, tuple(stored[name] for name in COVERED[table]))}


def _as_stored(table: Table, name: str, value: Any) -> Any:
    """Return a value as the database returns it."""
    kind = table.c[name].type
    if value is None:
        return None
    if isinstance(kind, Float):
        return float(value) + 0.0  # SQLite has no negative zero
    if isinstance(kind, Boolean):
        return bool(value)
    return int(value) if isinstance(kind, Integer) else value


def store_digests(connection: Connection, table: Table, where: ColumnElement[bool]) -> None:
    """Compute and store the digests of the selected rows."""
    keys = tuple(column.name for column in table.primary_key)
    rows = connection.execute(select(table).where(where)).all()
    values = [
        {
            **{f"of_{key}": getattr(row, key) for key in keys},
            "digest": _digest_of_row(table, _VALUES[table](row)),
        }
        for row in rows
    ]
    statement = update(table).where(*(table.c[key] == bindparam(f"of_{key}") for key in keys))
    for start in range(0, len(values), AT_ONCE):
        connection.execute(statement, values[start : start + AT_ONCE])


def is_intact(table: Table, row: Row[Any]) -> bool:
    """Whether a row matches the digest stored with it; the row must have all covered columns."""
    return bool(_digest_of_row(table, _VALUES[table](row)) == row.digest)


def verified_row(table: Table, row: Row[Any]) -> Row[Any]:
    """Return `row` if it matches its digest.

    Raises
    ------
    CatalogDamaged
    """
    if not is_intact(table, row):
        raise CatalogDamaged(
            where=name_of(table, row), reason="its values do not have the checksum stored with them"
        )
    return row


def name_of(table: Table, row: Row[Any]) -> str:
    """Return the name of a row for messages."""
    key = ", ".join(str(getattr(row, column.name)) for column in table.primary_key)
    return f"the catalog's row of {table.name} {key}"
