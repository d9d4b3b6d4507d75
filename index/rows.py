"""Reading the catalog's rows as our types; nothing here writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, bindparam, func, or_, select

from index.blobs import unpack_peaks, unpack_words
from index.errors import CatalogDamaged, RecordingUnknown
from index.records import Collection, CollectionKind, Failure, ItemRow, Picture, RecordingRow, SegmentFile
from index.tables import COLLECTION, FINGERPRINT, HOME, ITEM, MEMBERSHIP, PICTURE, RECORDING, SEGMENT

SUMMARY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """One live segment of the manifest."""

    id: int
    collection: int
    file: SegmentFile


def checked(blob: bytes, sha256: str, what: str) -> bytes:
    """`blob`, if it still is what was stored.

    Raises
    ------
    CatalogDamaged
        A database's own checks miss most flipped bits, so each blob has a checksum beside it.
    """
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise CatalogDamaged(where=what, reason="its bytes do not have the checksum stored with them")
    return blob


def home(connection: Connection, tenant: str) -> tuple[str, int] | None:
    """Scheme and epoch of a tenant's home; None before anything was stored."""
    row = connection.execute(select(HOME.c.scheme, HOME.c.epoch).where(HOME.c.tenant == tenant)).one_or_none()
    return None if row is None else (row.scheme, row.epoch)


def collections(connection: Connection, tenant: str) -> tuple[Collection, ...]:
    """Every collection of a tenant, in the order in which they were made."""
    statement = select(COLLECTION).where(COLLECTION.c.tenant == tenant).order_by(COLLECTION.c.id)
    return tuple(_collection(row) for row in connection.execute(statement))


def _collection(row: Row[Any]) -> Collection:
    return Collection(
        id=row.id,
        kind=CollectionKind(row.kind),
        name=row.name,
        version=row.version,
        scheme=row.scheme,
        indexed_at=row.indexed_at,
        n_items=row.n_items,
        n_unreadable=row.n_unreadable,
        n_codes=row.n_codes,
        complete=row.complete,
        changed_epoch=row.changed_epoch,
    )


def segments(connection: Connection, tenant: str) -> list[SegmentRow]:
    """The manifest: every live segment, smallest first."""
    statement = select(SEGMENT).where(SEGMENT.c.tenant == tenant).order_by(SEGMENT.c.n_codes, SEGMENT.c.id)
    return [
        SegmentRow(
            id=row.id,
            collection=row.collection_id,
            file=SegmentFile(
                file=row.file, sha256=row.sha256, size_bytes=row.size_bytes, n_codes=row.n_codes
            ),
        )
        for row in connection.execute(statement)
    ]


def held_by(collection: int, segment_ids: Sequence[int], *, waiting: bool) -> ColumnElement[bool]:
    """Which memberships of a collection lie in given segments, and (if `waiting`) in none yet."""
    inside = MEMBERSHIP.c.segment_id.in_(segment_ids)
    return (MEMBERSHIP.c.collection_id == collection) & (
        or_(inside, MEMBERSHIP.c.segment_id.is_(None)) if waiting else inside
    )


def count_codes(connection: Connection, members: ColumnElement[bool]) -> int:
    """Codes of the recordings that a condition on memberships names."""
    statement = select(func.coalesce(func.sum(RECORDING.c.n_codes), 0)).where(members)
    return int(connection.execute(statement.join_from(RECORDING, MEMBERSHIP)).scalar_one())


def member_codes(
    connection: Connection, members: ColumnElement[bool], code_bytes: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Packed codes of the recordings that a condition on memberships names, in the order of their numbers."""
    statement = (
        select(FINGERPRINT.c.recording_id, FINGERPRINT.c.codes, FINGERPRINT.c.codes_sha256)
        .join(MEMBERSHIP, MEMBERSHIP.c.recording_id == FINGERPRINT.c.recording_id)
        .where(members)
        .order_by(FINGERPRINT.c.recording_id)
        .execution_options(yield_per=64)
    )
    for number, blob, sha256 in connection.execute(statement):
        yield number, _codes(blob, sha256, number, code_bytes)


def _codes(blob: bytes, sha256: str, recording: int, code_bytes: int) -> NDArray[np.uint8]:
    checked(blob, sha256, f"the fingerprint of recording {recording}")
    return np.frombuffer(blob, dtype=np.uint8).reshape(-1, code_bytes)


def _of_one(*columns: Column[Any]) -> Select[Any]:
    return select(*columns).where(
        FINGERPRINT.c.tenant == bindparam("of_tenant"), FINGERPRINT.c.recording_id == bindparam("number")
    )


# said once: a query reads dozens of recordings, and to phrase the statement takes as long as to run it
_CODES: Final = _of_one(FINGERPRINT.c.codes, FINGERPRINT.c.codes_sha256)
_CHROMAPRINT: Final = _of_one(FINGERPRINT.c.chromaprint, FINGERPRINT.c.chromaprint_sha256)
_PEAKS: Final = _of_one(FINGERPRINT.c.peaks, FINGERPRINT.c.peaks_sha256)


def codes(connection: Connection, tenant: str, recording: int, code_bytes: int) -> NDArray[np.uint8]:
    """Packed codes of one recording, shape (n_codes, code_bytes)."""
    row = _one(connection, _CODES, tenant, recording)
    return _codes(row.codes, row.codes_sha256, recording, code_bytes)


def chromaprint(connection: Connection, tenant: str, recording: int) -> NDArray[np.uint32]:
    """Chromaprint vector of one recording."""
    row = _one(connection, _CHROMAPRINT, tenant, recording)
    checked(row.chromaprint, row.chromaprint_sha256, f"the Chromaprint of recording {recording}")
    return unpack_words(row.chromaprint)


def peaks(connection: Connection, tenant: str, recording: int) -> NDArray[np.int32]:
    """Frame and band of one recording's peaks, int32, shape (n_peaks, 2)."""
    row = _one(connection, _PEAKS, tenant, recording)
    return unpack_peaks(checked(row.peaks, row.peaks_sha256, f"the peaks of recording {recording}"))


def _one(connection: Connection, statement: Select[Any], tenant: str, recording: int) -> Row[Any]:
    row = connection.execute(statement, {"of_tenant": tenant, "number": recording}).one_or_none()
    if row is None:
        raise RecordingUnknown(recording=str(recording))
    return row


def picture(connection: Connection, tenant: str, recording: int) -> Picture | None:
    """The small spectrogram kept of a work; None where none is kept."""
    found = select(PICTURE).where(PICTURE.c.tenant == tenant, PICTURE.c.recording_id == recording)
    row = connection.execute(found).one_or_none()
    if row is None:
        return None
    checked(row.levels, row.levels_sha256, f"the spectrogram of recording {recording}")
    return Picture(
        levels=np.frombuffer(row.levels, dtype=np.uint8).reshape(-1, row.n_bands),
        frame_s=row.frame_s,
        lowest_db=row.lowest_db,
        step_db=row.step_db,
    )


def recording(connection: Connection, tenant: str, number: int) -> RecordingRow | None:
    """One recording by its number."""
    return _recording(connection, tenant, RECORDING.c.id == number)


def recording_of(connection: Connection, tenant: str, audio_key: str) -> RecordingRow | None:
    """The recording of some audio: a sha256, or with a part of the file (see `NewItem.audio_key`)."""
    return _recording(connection, tenant, RECORDING.c.audio_key == audio_key)


def _recording(connection: Connection, tenant: str, which: ColumnElement[bool]) -> RecordingRow | None:
    row = connection.execute(select(RECORDING).where(RECORDING.c.tenant == tenant, which)).one_or_none()
    if row is None:
        return None
    return RecordingRow(
        id=row.id, sha256=row.sha256, duration_s=row.duration_s, active_s=row.active_s, n_codes=row.n_codes
    )


def summaries(
    connection: Connection, collection: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Numbers, lengths in seconds and Chromaprint summaries of a collection's recordings that have one."""
    statement = (
        select(RECORDING.c.id, RECORDING.c.duration_s, RECORDING.c.summary)
        .join(MEMBERSHIP, MEMBERSHIP.c.recording_id == RECORDING.c.id)
        .where(MEMBERSHIP.c.collection_id == collection, RECORDING.c.summary.is_not(None))
        .order_by(RECORDING.c.id)
    )
    rows = connection.execute(statement).all()
    joined = b"".join(row.summary for row in rows)
    return (
        np.array([row.id for row in rows], dtype=np.int64),
        np.array([row.duration_s for row in rows], dtype=np.float64),
        np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), SUMMARY_BYTES),
    )


def items(connection: Connection, tenant: str, *where: ColumnElement[bool]) -> list[ItemRow]:
    """Items that meet the conditions, in the order in which they were added."""
    statement = select(ITEM).where(ITEM.c.tenant == tenant, *where).order_by(ITEM.c.id)
    return [item(row) for row in connection.execute(statement)]


def item(row: Row[Any]) -> ItemRow:
    """One row of the item table as our type."""
    failure = None
    if row.error_code is not None:
        failure = Failure(code=row.error_code, message=row.error_message, hint=row.error_hint)
    return ItemRow(
        id=row.id,
        collection=row.collection_id,
        path=row.path,
        sha256=row.sha256,
        recording=row.recording_id,
        failure=failure,
        title=row.title,
        owner=row.owner,
        isrc=row.isrc,
        start_s=row.start_s,
        end_s=row.end_s,
        metadata=json.loads(row.metadata),
        added_at=row.added_at,
    )
