"""Functions that read rows of the catalog as records; nothing here writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, bindparam, func, or_, select

from earwitness.index.database.packing import unpack_peaks, unpack_words
from earwitness.index.database.records import (
    Collection,
    CollectionKind,
    Failure,
    ItemRow,
    RecordingRow,
    ShardFile,
    Thumbnail,
)
from earwitness.index.database.row_digests import COVERED, digest_of, is_intact, verified_row
from earwitness.index.database.tables import (
    COLLECTION,
    FINGERPRINT,
    HOME,
    ITEM,
    MEMBERSHIP,
    RECORDING,
    SHARD,
    THUMBNAIL,
)
from earwitness.index.store.store_errors import CatalogDamaged, ShardDamaged

SUMMARY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRow:
    """One live shard of the manifest."""

    id: int
    collection: int
    file: ShardFile


def verified_blob(blob: bytes, sha256: str, what: str) -> bytes:
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
    """Scheme and epoch of a tenant's home; None before anything was stored.

    Raises
    ------
    CatalogDamaged
        When the row, or what it says of all collections together, is not what was stored.
    """
    # the damaged value may be the tenant's name, so every row is checked
    known = {row.tenant: verified_row(HOME, row) for row in connection.execute(select(HOME))}
    row = known.get(tenant)
    if row is None:
        return None
    if row.contents != collections_digest(connection, tenant):
        raise CatalogDamaged(where="the catalog's list of collections", reason="it is not what was stored")
    return row.scheme, row.epoch


def collections_digest(connection: Connection, tenant: str) -> int:
    """One digest of the rows of all of a tenant's collections; it changes when one vanishes."""
    statement = select(COLLECTION.c.digest).where(COLLECTION.c.tenant == tenant).order_by(COLLECTION.c.id)
    return digest_of(connection.execute(statement).scalars())


def collections(connection: Connection, tenant: str) -> tuple[Collection, ...]:
    """Every collection of a tenant, in the order in which they were made."""
    statement = select(COLLECTION).where(COLLECTION.c.tenant == tenant).order_by(COLLECTION.c.id)
    return tuple(_collection(verified_row(COLLECTION, row)) for row in connection.execute(statement))


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
        n_recordings=row.n_recordings,
    )


def shards(connection: Connection, tenant: str) -> list[ShardRow]:
    """The manifest: every live shard, smallest first.

    Raises
    ------
    ShardDamaged
        When a row is not what was stored; shards can be built again without it.
    """
    statement = select(SHARD).order_by(SHARD.c.n_codes, SHARD.c.id)
    found = connection.execute(statement).all()
    for row in found:  # the damaged value may be the tenant's name, so every row is checked
        if not is_intact(SHARD, row):
            raise ShardDamaged(path=row.file, reason="is not in the catalog as it was stored")
    return [
        ShardRow(
            id=row.id,
            collection=row.collection_id,
            file=ShardFile(file=row.file, sha256=row.sha256, size_bytes=row.size_bytes, n_codes=row.n_codes),
        )
        for row in found
        if row.tenant == tenant
    ]


def check_codes(
    connection: Connection, tenant: str, known: Sequence[Collection], live: Sequence[ShardRow]
) -> None:
    """Check that shards and what waits for one make up all that each collection holds.

    Raises
    ------
    ShardDamaged
        When codes are missing or too many: a search would not find what was stored.
    """
    waits = MEMBERSHIP.c.segment_id.is_(None) & (MEMBERSHIP.c.tenant == tenant)
    summed = select(MEMBERSHIP.c.collection_id, func.sum(RECORDING.c.n_codes)).where(waits)
    grouped = summed.join_from(MEMBERSHIP, RECORDING).group_by(MEMBERSHIP.c.collection_id)
    codes = {number: int(n_codes) for number, n_codes in connection.execute(grouped)}
    for row in live:
        codes[row.collection] = codes.get(row.collection, 0) + row.file.n_codes
    for each in known:
        found = codes.pop(each.id, 0)
        if found != each.n_codes:
            reason = f"hold {found} codes, where {each.n_codes} were stored"
            raise ShardDamaged(path=f"files of {each.name} (version {each.version})", reason=reason)
    if any(codes.values()):
        raise ShardDamaged(path="files", reason="are of no collection that is known")


def codes_by_shard(connection: Connection, members: ColumnElement[bool]) -> dict[int | None, int]:
    """Codes of the recordings that a condition on memberships names, for each shard; None is: waiting."""
    statement = select(MEMBERSHIP.c.segment_id, func.sum(RECORDING.c.n_codes)).where(members)
    grouped = statement.join_from(MEMBERSHIP, RECORDING).group_by(MEMBERSHIP.c.segment_id)
    return {number: int(n_codes) for number, n_codes in connection.execute(grouped)}


def members_of(collection: int, shard_ids: Sequence[int], *, waiting: bool) -> ColumnElement[bool]:
    """Condition for memberships of given shards of a collection, and (if `waiting`) of those without one."""
    inside = MEMBERSHIP.c.segment_id.in_(shard_ids)
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
        select(FINGERPRINT.c.codes, *_SMALL)
        .join(MEMBERSHIP, MEMBERSHIP.c.recording_id == FINGERPRINT.c.recording_id)
        .where(members)
        .order_by(FINGERPRINT.c.recording_id)
        .execution_options(yield_per=64)
    )
    for row in connection.execute(statement):
        yield row.recording_id, _codes(verified_row(FINGERPRINT, row), code_bytes)


def _codes(row: Row[Any], code_bytes: int) -> NDArray[np.uint8]:
    verified_blob(row.codes, row.codes_sha256, f"the fingerprint of recording {row.recording_id}")
    return np.frombuffer(row.codes, dtype=np.uint8).reshape(-1, code_bytes)


_SMALL: Final = tuple(FINGERPRINT.c[name] for name in (*COVERED[FINGERPRINT], "digest"))


def _of_one(column: Column[Any]) -> Select[Any]:
    return select(column, *_SMALL).where(
        FINGERPRINT.c.tenant == bindparam("of_tenant"), FINGERPRINT.c.recording_id == bindparam("number")
    )


# built once: a query reads dozens of recordings, and building a statement takes as long as executing it
_CODES: Final = _of_one(FINGERPRINT.c.codes)
_CHROMAPRINT: Final = _of_one(FINGERPRINT.c.chromaprint)
_PEAKS: Final = _of_one(FINGERPRINT.c.peaks)


def codes(connection: Connection, tenant: str, recording: int, code_bytes: int) -> NDArray[np.uint8]:
    """Packed codes of one recording, shape (n_codes, code_bytes)."""
    return _codes(_one(connection, _CODES, tenant, recording), code_bytes)


def chromaprint(connection: Connection, tenant: str, recording: int) -> NDArray[np.uint32]:
    """Chromaprint vector of one recording."""
    row = _one(connection, _CHROMAPRINT, tenant, recording)
    verified_blob(row.chromaprint, row.chromaprint_sha256, f"the Chromaprint of recording {recording}")
    return unpack_words(row.chromaprint)


def peaks(connection: Connection, tenant: str, recording: int) -> NDArray[np.int32]:
    """Frame and band of one recording's peaks, int32, shape (n_peaks, 2)."""
    row = _one(connection, _PEAKS, tenant, recording)
    return unpack_peaks(verified_blob(row.peaks, row.peaks_sha256, f"the peaks of recording {recording}"))


def _one(connection: Connection, statement: Select[Any], tenant: str, recording: int) -> Row[Any]:
    row = connection.execute(statement, {"of_tenant": tenant, "number": recording}).one_or_none()
    if row is None:  # the caller has the number from a row or a shard
        raise CatalogDamaged(where=f"recording {recording}", reason="it has no fingerprint")
    return verified_row(FINGERPRINT, row)


def thumbnail(connection: Connection, tenant: str, recording: int) -> Thumbnail | None:
    """The stored thumbnail of a recording, or None."""
    found = select(THUMBNAIL).where(THUMBNAIL.c.tenant == tenant, THUMBNAIL.c.recording_id == recording)
    row = connection.execute(found).one_or_none()
    if row is None:
        return None
    verified_row(THUMBNAIL, row)
    verified_blob(row.levels, row.levels_sha256, f"the spectrogram of recording {recording}")
    return Thumbnail(
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
    verified_row(RECORDING, row)
    return RecordingRow(
        id=row.id, sha256=row.sha256, duration_s=row.duration_s, active_s=row.active_s, n_codes=row.n_codes
    )


def chromaprint_summaries(
    connection: Connection, collection: Collection
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Numbers, lengths in seconds and Chromaprint summaries of a collection's recordings that have one."""
    statement = (
        select(RECORDING)
        .join(MEMBERSHIP, MEMBERSHIP.c.recording_id == RECORDING.c.id)
        .where(MEMBERSHIP.c.collection_id == collection.id)
        .order_by(RECORDING.c.id)
    )
    found = connection.execute(statement).all()
    check_count(collection, "recordings", len(found), collection.n_recordings)
    rows = [verified_row(RECORDING, row) for row in found if row.summary is not None]
    joined = b"".join(row.summary for row in rows)
    return (
        np.array([row.id for row in rows], dtype=np.int64),
        np.array([row.duration_s for row in rows], dtype=np.float64),
        np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), SUMMARY_BYTES),
    )


def durations(connection: Connection, collection: Collection) -> dict[int, float]:
    """Length in seconds of every recording of a collection, by its number."""
    statement = (
        select(RECORDING)
        .join(MEMBERSHIP, MEMBERSHIP.c.recording_id == RECORDING.c.id)
        .where(MEMBERSHIP.c.collection_id == collection.id)
    )
    found = [verified_row(RECORDING, row) for row in connection.execute(statement)]
    check_count(collection, "recordings", len(found), collection.n_recordings)
    return {row.id: row.duration_s for row in found}


def check_count(collection: Collection, what: str, found: int, stored: int) -> None:
    """Raise CatalogDamaged where a collection has not as many of something as were stored."""
    if found != stored:
        name = f"collection {collection.name} (version {collection.version})"
        raise CatalogDamaged(where=name, reason=f"it has {found} {what}, where {stored} were stored")


def items_of_recording(
    connection: Connection, tenant: str, recording: int, collections: Sequence[int]
) -> list[ItemRow]:
    """Every item of the given collections that names a recording.

    Raises
    ------
    CatalogDamaged
        When there are more or fewer than were stored.
    """
    member = (MEMBERSHIP.c.recording_id == recording) & MEMBERSHIP.c.collection_id.in_(collections)
    counted = connection.execute(select(MEMBERSHIP).where(member)).all()
    stored = sum(verified_row(MEMBERSHIP, row).n_items for row in counted)
    found = items(connection, tenant, ITEM.c.recording_id == recording, ITEM.c.collection_id.in_(collections))
    if len(found) != stored:
        reason = f"{len(found)} places name it, where {stored} were stored"
        raise CatalogDamaged(where=f"recording {recording}", reason=reason)
    return found


def items(connection: Connection, tenant: str, *where: ColumnElement[bool]) -> list[ItemRow]:
    """Items that meet the conditions, in the order in which they were added."""
    statement = select(ITEM).where(ITEM.c.tenant == tenant, *where).order_by(ITEM.c.id)
    return [item(row) for row in connection.execute(statement)]


def item(row: Row[Any]) -> ItemRow:
    """One row of the item table as a record."""
    verified_row(ITEM, row)
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
        artist=row.artist,
        album=row.album,
        owner=row.owner,
        isrc=row.isrc,
        start_s=row.start_s,
        end_s=row.end_s,
        metadata=json.loads(row.metadata),
        added_at=row.added_at,
    )
