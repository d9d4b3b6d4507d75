"""A checksum of every row that answers rest on: a flipped bit is an error, never another answer.

A database's own check misses most flipped bits, so each row carries a digest of all its values, and what a
row alone can not show (that another one vanished, or moved) is shown by counts kept in rows above it.
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
    COLLECTION,
    FINDING,
    FINGERPRINT,
    HOME,
    ITEM,
    MEMBERSHIP,
    RECORDING,
    SHARD,
    THUMBNAIL,
)
from earwitness.index.store.store_errors import CatalogDamaged

AT_ONCE: Final = 500
"""Rows sealed with one statement."""

_NOT_COVERED: Final[Mapping[Table, frozenset[str]]] = {
    # large blobs have a SHA-256 of their own, which is covered
    FINGERPRINT: frozenset({"codes", "chromaprint", "peaks"}),
    THUMBNAIL: frozenset({"levels"}),
    # changes for whole shards at once; what it says is checked by counting codes (see `rows.check_codes`)
    MEMBERSHIP: frozenset({"segment_id"}),
}


def _covered(table: Table) -> tuple[str, ...]:
    left_out = _NOT_COVERED.get(table, frozenset()) | {"digest"}
    return tuple(column.name for column in table.columns if column.name not in left_out)


COVERED: Final[Mapping[Table, tuple[str, ...]]] = {
    table: _covered(table)
    for table in (HOME, COLLECTION, RECORDING, FINGERPRINT, THUMBNAIL, ITEM, SHARD, MEMBERSHIP, FINDING)
}
"""The columns of each table that its rows' digests cover, in this order."""

_VALUES: Final[Mapping[Table, Callable[[Any], tuple[Any, ...]]]] = {
    table: attrgetter(*names) for table, names in COVERED.items()
}


_in_text: Final = json.JSONEncoder(default=bytes.hex, separators=(",", ":")).encode


def digest_of(values: Iterable[object]) -> int:
    """Return 64 bits that stand for a sequence of values: numbers, texts, bytes, None.

    Stored rows keep these for good: what is written here must never change.
    """
    text = _in_text(tuple(values))
    return int.from_bytes(blake2b(text.encode("ascii"), digest_size=8).digest(), "big", signed=True)


def with_digest(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a whole row with their digest; every column that is covered must be there."""
    plain = {name: _plain(table, name, value) for name, value in values.items()}
    return {**plain, "digest": digest_of(plain[name] for name in COVERED[table])}


def _plain(table: Table, name: str, value: Any) -> Any:
    """Return a value as the database will give it back."""
    kind = table.c[name].type
    if value is None:
        return None
    if isinstance(kind, Float):
        return float(value) + 0.0  # SQLite has no negative zero
    if isinstance(kind, Boolean):
        return bool(value)
    return int(value) if isinstance(kind, Integer) else value


def store_digests(connection: Connection, table: Table, where: ColumnElement[bool]) -> None:
    """Give rows that were just written their digests."""
    keys = tuple(column.name for column in table.primary_key)
    found = connection.execute(select(table).where(where)).all()
    values = [
        {**{f"of_{key}": getattr(row, key) for key in keys}, "digest": digest_of(_VALUES[table](row))}
        for row in found
    ]
    statement = update(table).where(*(table.c[key] == bindparam(f"of_{key}") for key in keys))
    for start in range(0, len(values), AT_ONCE):
        connection.execute(statement, values[start : start + AT_ONCE])


def is_intact(table: Table, row: Row[Any]) -> bool:
    """Whether a row has the digest that was stored with it; it must have all columns that are covered."""
    return bool(digest_of(_VALUES[table](row)) == row.digest)


def verified_row(table: Table, row: Row[Any]) -> Row[Any]:
    """Return `row`, if it still is what was stored.

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
    """Name a row in a message."""
    key = ", ".join(str(getattr(row, column.name)) for column in table.primary_key)
    return f"the catalog's row of {table.name} {key}"
