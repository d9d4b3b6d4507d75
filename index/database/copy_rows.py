"""Rows of changed copies: written with a work, read when works are searched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from earwitness.index.database.reads import verified_blob
from earwitness.index.database.records import ChangedCopies
from earwitness.index.database.row_digests import COVERED, verified_row, with_digest
from earwitness.index.database.tables import CHANGED_COPIES, MEMBERSHIP
from earwitness.index.match import Change

_SAME_RECORDING = MEMBERSHIP.c.recording_id == CHANGED_COPIES.c.recording_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesHead:
    """What changed copies of a recording are, without their codes.

    Attributes
    ----------
    every : int
        As in `ChangedCopies`.
    n_codes : tuple of int
        Codes of each copy.
    digest : int
        Of the row, the checksum of the codes included.
    """

    changes: tuple[Change, ...]
    every: int
    n_codes: tuple[int, ...]
    digest: int


def store_copies(connection: Connection, tenant: str, recording: int, copies: ChangedCopies) -> bool:
    """Store the changed copies of a recording, in place of others; return whether they were new."""
    codes = b"".join(np.ascontiguousarray(each).tobytes() for each in copies.codes)
    values = {
        "recording_id": recording,
        "tenant": tenant,
        "layout": _layout(copies),
        "codes": codes,
        "codes_sha256": hashlib.sha256(codes).hexdigest(),
    }
    here = CHANGED_COPIES.c.recording_id == recording
    stored = connection.execute(select(CHANGED_COPIES.c.layout).where(here)).scalar_one_or_none()
    if stored == values["layout"]:
        return False
    connection.execute(delete(CHANGED_COPIES).where(here))
    connection.execute(insert(CHANGED_COPIES).values(with_digest(CHANGED_COPIES, values)))
    return True


def has_copies(connection: Connection, recording: int) -> bool:
    """Whether a recording has changed copies."""
    found = select(CHANGED_COPIES.c.recording_id).where(CHANGED_COPIES.c.recording_id == recording)
    return connection.execute(found).first() is not None


def count_copied(connection: Connection, collection: int) -> tuple[int, int]:
    """Number of recordings of a collection that have changed copies, and the bytes of these."""
    sums = select(func.count(), func.coalesce(func.sum(func.length(CHANGED_COPIES.c.codes)), 0))
    members = sums.select_from(CHANGED_COPIES).join(MEMBERSHIP, _SAME_RECORDING)
    n_recordings, n_bytes = connection.execute(members.where(MEMBERSHIP.c.collection_id == collection)).one()
    return int(n_recordings), int(n_bytes)


def heads_of_members(connection: Connection, collection: int) -> dict[int, CopiesHead]:
    """Return what the changed copies of each recording of a collection are, by its number.

    Raises
    ------
    CatalogDamaged
        When a row is not what was stored.
    """
    columns = [CHANGED_COPIES.c[name] for name in (*COVERED[CHANGED_COPIES], "digest")]
    rows = connection.execute(_of_members(select(*columns), collection)).all()
    return {row.recording_id: _head(verified_row(CHANGED_COPIES, row)) for row in rows}


def copies_of_members(
    connection: Connection, collection: int, code_bytes: int
) -> Iterator[tuple[int, ChangedCopies]]:
    """Yield the number of each recording of a collection that has changed copies, and the copies.

    Raises
    ------
    CatalogDamaged
        When they are not what was stored.
    """
    rows = connection.execute(_of_members(select(CHANGED_COPIES), collection).execution_options(yield_per=16))
    for row in rows:
        yield row.recording_id, _copies(verified_row(CHANGED_COPIES, row), code_bytes)


def _of_members(columns: Select[Any], collection: int) -> Select[Any]:
    return (
        columns.join(MEMBERSHIP, _SAME_RECORDING)
        .where(MEMBERSHIP.c.collection_id == collection)
        .order_by(CHANGED_COPIES.c.recording_id)
    )


def _layout(copies: ChangedCopies) -> str:
    listed = [
        [change.speed, change.pitch_cents, change.tempo, len(codes)]
        for change, codes in zip(copies.changes, copies.codes, strict=True)
    ]
    return json.dumps({"every": copies.every, "copies": listed}, separators=(",", ":"))


def _head(row: Row[Any]) -> CopiesHead:
    layout = json.loads(row.layout)
    return CopiesHead(
        changes=tuple(
            Change(speed=speed, pitch_cents=cents, tempo=tempo) for speed, cents, tempo, _ in layout["copies"]
        ),
        every=layout["every"],
        n_codes=tuple(n_codes for *_, n_codes in layout["copies"]),
        digest=row.digest,
    )


def _copies(row: Row[Any], code_bytes: int) -> ChangedCopies:
    verified_blob(row.codes, row.codes_sha256, f"the changed copies of recording {row.recording_id}")
    head, codes = _head(row), np.frombuffer(row.codes, dtype=np.uint8).reshape(-1, code_bytes)
    return ChangedCopies(
        changes=head.changes, codes=tuple(np.split(codes, np.cumsum(head.n_codes)[:-1])), every=head.every
    )
