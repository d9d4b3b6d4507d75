"""Rows of changed copies: written with a work, read when works are searched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, delete, func, insert, select

from earwitness.index.database.reads import verified_blob
from earwitness.index.database.records import ChangedCopies
from earwitness.index.database.row_digests import verified_row, with_digest
from earwitness.index.database.tables import CHANGED_COPIES, MEMBERSHIP
from earwitness.index.match import Change


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


def copies_of_members(
    connection: Connection, collection: int, code_bytes: int
) -> Iterator[tuple[int, ChangedCopies]]:
    """Yield the number of each recording of a collection that has changed copies, and the copies.

    Raises
    ------
    CatalogDamaged
        When they are not what was stored.
    """
    statement = (
        select(CHANGED_COPIES)
        .join(MEMBERSHIP, _SAME_RECORDING)
        .where(MEMBERSHIP.c.collection_id == collection)
        .order_by(CHANGED_COPIES.c.recording_id)
        .execution_options(yield_per=16)
    )
    for row in connection.execute(statement):
        yield row.recording_id, _copies(verified_row(CHANGED_COPIES, row), code_bytes)


_SAME_RECORDING = MEMBERSHIP.c.recording_id == CHANGED_COPIES.c.recording_id


def _layout(copies: ChangedCopies) -> str:
    listed = [
        [change.speed, change.pitch_cents, change.tempo, len(codes)]
        for change, codes in zip(copies.changes, copies.codes, strict=True)
    ]
    return json.dumps({"every": copies.every, "copies": listed}, separators=(",", ":"))


def _copies(row: Row[Any], code_bytes: int) -> ChangedCopies:
    verified_blob(row.codes, row.codes_sha256, f"the changed copies of recording {row.recording_id}")
    layout = json.loads(row.layout)
    lengths = [n_codes for *_, n_codes in layout["copies"]]
    codes = np.frombuffer(row.codes, dtype=np.uint8).reshape(-1, code_bytes)
    return ChangedCopies(
        changes=tuple(
            Change(speed=speed, pitch_cents=cents, tempo=tempo) for speed, cents, tempo, _ in layout["copies"]
        ),
        codes=tuple(np.split(codes, np.cumsum(lengths)[:-1])),
        every=layout["every"],
    )
