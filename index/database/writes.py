"""Write rows of the catalog: each function is part of a transaction that its caller began."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.fingerprint.types import Fingerprint
from earwitness.index.database import reads
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.copy_rows import store_copies
from earwitness.index.database.packing import pack_peaks, pack_words
from earwitness.index.database.records import (
    TEXTS,
    Added,
    AddStatus,
    Collection,
    CollectionKind,
    ItemRow,
    NewItem,
    ShardFile,
    Thumbnail,
    storable,
    storable_json,
)
from earwitness.index.database.row_digests import AT_ONCE, digest_of, store_digests, verified_row, with_digest
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
from earwitness.index.store.shards import MAX_CODES
from earwitness.index.store.store_errors import CatalogDamaged, RecordingTooLong, RecordingUnknown


def now() -> str:
    """Return the current time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(blob: bytes) -> str:
    """Return the hexadecimal SHA-256 of a blob."""
    return hashlib.sha256(blob).hexdigest()


@contextmanager
def changing(catalog: Catalog, tenant: str) -> Iterator[Connection]:
    """Open one transaction that checks the home's digest at its start and stores a new one at its end."""
    try:
        with catalog.writing() as connection:
            reads.home(connection, tenant)
            yield connection
            store_home_digest(connection, tenant)
    except IntegrityError as error:  # a row exists that a query had not returned
        reason = f"an index does not fit its table ({error.orig})"
        raise CatalogDamaged(where=str(catalog.path), reason=reason) from error


def new_home(connection: Connection, tenant: str, scheme: str) -> None:
    """Insert a tenant's home at epoch 0; its scheme never changes."""
    values = {"tenant": tenant, "scheme": scheme, "epoch": 0, "created_at": now(), "contents": digest_of(())}
    connection.execute(insert(HOME).values(with_digest(HOME, values)))


def store_home_digest(connection: Connection, tenant: str) -> None:
    """Store the digest of a home's collections; the last step of a transaction that checked it first."""
    this_home = HOME.c.tenant == tenant
    connection.execute(
        update(HOME).where(this_home).values(contents=reads.collections_digest(connection, tenant))
    )
    store_digests(connection, HOME, this_home)


def next_epoch(connection: Connection, tenant: str) -> int:
    """Increase the epoch by one and return it."""
    connection.execute(update(HOME).where(HOME.c.tenant == tenant).values(epoch=HOME.c.epoch + 1))
    return epoch_of(connection, tenant)


def epoch_of(connection: Connection, tenant: str) -> int:
    """Return the current epoch, including changes of this transaction."""
    return int(connection.execute(select(HOME.c.epoch).where(HOME.c.tenant == tenant)).scalar_one())


def new_collection(
    connection: Connection, tenant: str, scheme: str, kind: CollectionKind, name: str, version: str
) -> int:
    """Insert an empty collection and return its number."""
    values = {
        "tenant": tenant,
        "kind": kind.value,
        "name": name,
        "version": version,
        "scheme": scheme,
        "indexed_at": now(),
        "complete": kind is CollectionKind.WORKS,  # works have no source of which items could be missing
        "n_items": 0,
        "n_unreadable": 0,
        "n_codes": 0,
        "changed_epoch": next_epoch(connection, tenant),
        "n_recordings": 0,
    }
    return _insert(connection, COLLECTION, values)


def _insert(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Insert a row and return the number that the database gives it; the digest covers the number."""
    number = _number(connection.execute(insert(table).values(values)).inserted_primary_key)
    store_digests(connection, table, table.c.id == number)
    return number


def _number(key: Sequence[object] | None) -> int:
    assert key is not None
    number = key[0]
    assert isinstance(number, int)
    return number


def count_added(
    connection: Connection, collection: int, added: Sequence[Added], n_joined: int, epoch: int
) -> None:
    """Update the counts of a collection after an addition; the cost does not depend on its size."""
    read = sum(each.recording is not None for each in added if each.status is not AddStatus.EXISTING)
    unread = sum(each.recording is None for each in added if each.status is AddStatus.ADDED)
    unread -= sum(each.status is AddStatus.READ_AT_LAST for each in added)
    counts = {
        "n_items": COLLECTION.c.n_items + read,
        "n_unreadable": COLLECTION.c.n_unreadable + unread,
        "n_recordings": COLLECTION.c.n_recordings + n_joined,
    }
    _changed(connection, collection, counts, epoch)


def recount(connection: Connection, collection: int, epoch: int) -> None:
    """Count all items of a collection again, after a removal."""
    items = select(func.count()).select_from(ITEM).where(ITEM.c.collection_id == collection)
    members = select(func.count()).select_from(MEMBERSHIP).where(MEMBERSHIP.c.collection_id == collection)
    counts = {
        "n_items": items.where(ITEM.c.recording_id.is_not(None)).scalar_subquery(),
        "n_unreadable": items.where(ITEM.c.recording_id.is_(None)).scalar_subquery(),
        "n_recordings": members.scalar_subquery(),
    }
    _changed(connection, collection, counts, epoch)


def _changed(connection: Connection, collection: int, counts: Mapping[str, object], epoch: int) -> None:
    in_shards = select(func.coalesce(func.sum(SHARD.c.n_codes), 0))
    n_codes = connection.execute(in_shards.where(SHARD.c.collection_id == collection)).scalar_one()
    n_codes += reads.count_codes(connection, reads.members_of(collection, (), waiting=True))
    values = {**counts, "n_codes": n_codes, "changed_epoch": epoch, "indexed_at": now()}
    change_collection(connection, collection, values)


def change_collection(connection: Connection, collection: int, values: Mapping[str, object]) -> None:
    """Update columns of a collection."""
    this_collection = COLLECTION.c.id == collection
    connection.execute(update(COLLECTION).where(this_collection).values(values))
    store_digests(connection, COLLECTION, this_collection)


def mark_changed(connection: Connection, collection: int, epoch: int) -> None:
    """Store that the content of a collection changed in this epoch."""
    change_collection(connection, collection, {"changed_epoch": epoch})


def add_item(
    connection: Connection, tenant: str, collection: Collection, item: NewItem, epoch: int
) -> tuple[Added, bool]:
    """Insert one item, and its recording when the audio is new to the store.

    An item that is stored already is unchanged, unless it was unreadable and can be read now.

    Returns
    -------
    added, joined
        The added item, and whether its recording is new to the collection.
    """
    stored = _stored(connection, tenant, collection, item)
    if stored is not None and (stored.recording is not None or item.failure is not None):
        known_audio = stored.recording is not None
        status = AddStatus.EXISTING
        if stored.recording is not None and item.changed_copies is not None:
            store_copies(connection, tenant, stored.recording, item.changed_copies)
        return Added(
            item=stored.id, recording=stored.recording, status=status, known_audio=known_audio
        ), False
    recording, known_audio = _recording(connection, tenant, collection.scheme, item)
    joined = recording is not None and _join(connection, tenant, collection.id, recording, epoch)
    number = _write_item(connection, tenant, collection.id, item, recording, stored)
    status = AddStatus.ADDED if stored is None else AddStatus.READ_AT_LAST
    return Added(item=number, recording=recording, status=status, known_audio=known_audio), joined


def _stored(connection: Connection, tenant: str, collection: Collection, item: NewItem) -> ItemRow | None:
    here = (ITEM.c.collection_id == collection.id) & (ITEM.c.audio_key == item.audio_key)
    if collection.kind is CollectionKind.WORKS and item.fingerprint is not None:
        # the same audio of the same owner is the same work, at any path; two owners are two works
        same_audio = reads.items(connection, tenant, here & _same_owner(item.owner))
        readable = [row for row in same_audio if row.recording is not None]
        if readable:
            return readable[0]
    same_place = reads.items(connection, tenant, here & (ITEM.c.path == item.path))
    if same_place or item.fingerprint is None:
        return same_place[0] if same_place else None
    # an item whose bytes could not be read has no audio key: it is identified by its path
    bytes_missing = (ITEM.c.collection_id == collection.id) & (ITEM.c.audio_key == "")
    unread = reads.items(connection, tenant, bytes_missing & (ITEM.c.path == item.path))
    return unread[0] if unread else None


def _same_owner(owner: str | None) -> ColumnElement[bool]:
    return ITEM.c.id.is_not(None) if owner is None else or_(ITEM.c.owner == owner, ITEM.c.owner.is_(None))


def _recording(connection: Connection, tenant: str, scheme: str, item: NewItem) -> tuple[int | None, bool]:
    if item.failure is not None:
        return None, False
    known = reads.recording_of(connection, tenant, item.audio_key)
    if known is not None:
        number = known.id
    elif item.fingerprint is not None:
        number = _new_recording(connection, tenant, scheme, item, item.fingerprint)
    else:
        raise RecordingUnknown(recording=item.audio_key)
    if item.thumbnail is not None:
        _insert_thumbnail(connection, tenant, number, item.thumbnail)
    if item.changed_copies is not None:
        store_copies(connection, tenant, number, item.changed_copies)
    return number, known is not None


def _new_recording(
    connection: Connection, tenant: str, scheme: str, item: NewItem, fingerprint: Fingerprint
) -> int:
    if fingerprint.scheme != scheme:
        raise SchemeMismatch(index_scheme=scheme, query_scheme=fingerprint.scheme)
    if len(fingerprint.codes) > MAX_CODES:
        raise RecordingTooLong(name=item.path, n_codes=len(fingerprint.codes), limit=MAX_CODES)
    from earwitness.fingerprint.chromaprint import summary_bits  # loads libchromaprint

    values = {
        "tenant": tenant,
        "audio_key": item.audio_key,
        "sha256": item.sha256,
        "duration_s": fingerprint.duration_s,
        "active_s": fingerprint.active_s,
        "n_codes": len(fingerprint.codes),
        "summary": summary_bits(fingerprint.chromaprint).tobytes() if fingerprint.chromaprint.size else None,
    }
    number = _insert(connection, RECORDING, values)
    codes = np.ascontiguousarray(fingerprint.codes).tobytes()
    chromaprint, peaks = pack_words(fingerprint.chromaprint), pack_peaks(fingerprint.peaks)
    values = {
        "recording_id": number,
        "tenant": tenant,
        "scheme": scheme,
        "codes": codes,
        "codes_sha256": digest(codes),
        "chromaprint": chromaprint,
        "chromaprint_sha256": digest(chromaprint),
        "peaks": peaks,
        "peaks_sha256": digest(peaks),
    }
    connection.execute(insert(FINGERPRINT).values(with_digest(FINGERPRINT, values)))
    return number


def _insert_thumbnail(connection: Connection, tenant: str, recording: int, thumbnail: Thumbnail) -> None:
    if reads.thumbnail(connection, tenant, recording) is not None:
        return
    levels = np.ascontiguousarray(thumbnail.levels).tobytes()
    values = {
        "recording_id": recording,
        "tenant": tenant,
        "n_bands": thumbnail.levels.shape[1],
        "frame_s": thumbnail.frame_s,
        "lowest_db": thumbnail.lowest_db,
        "step_db": thumbnail.step_db,
        "levels": levels,
        "levels_sha256": digest(levels),
    }
    connection.execute(insert(THUMBNAIL).values(with_digest(THUMBNAIL, values)))


def _join(connection: Connection, tenant: str, collection: int, recording: int, epoch: int) -> bool:
    """Count one more item of a collection that names a recording; return whether it is the first."""
    here = (MEMBERSHIP.c.collection_id == collection) & (MEMBERSHIP.c.recording_id == recording)
    existing = connection.execute(select(MEMBERSHIP).where(here)).one_or_none()
    if existing is not None:
        values = {**verified_row(MEMBERSHIP, existing)._mapping, "n_items": existing.n_items + 1}
        connection.execute(update(MEMBERSHIP).where(here).values(with_digest(MEMBERSHIP, values)))
        return False
    values = {"collection_id": collection, "recording_id": recording, "tenant": tenant, "epoch": epoch}
    connection.execute(insert(MEMBERSHIP).values(with_digest(MEMBERSHIP, {**values, "n_items": 1})))
    return True


def metadata_json(metadata: Mapping[str, object]) -> str:
    """Return an item's metadata as the JSON text that the catalog stores."""
    return json.dumps(storable_json(metadata), ensure_ascii=False, sort_keys=True)


def change_item(connection: Connection, item: int, values: Mapping[str, object]) -> None:
    """Update columns of a stored item."""
    connection.execute(update(ITEM).where(ITEM.c.id == item).values(values))
    store_digests(connection, ITEM, ITEM.c.id == item)


def _write_item(
    connection: Connection,
    tenant: str,
    collection: int,
    item: NewItem,
    recording: int | None,
    stored: ItemRow | None,
) -> int:
    failure = item.failure
    values = {
        "tenant": tenant,
        "collection_id": collection,
        "path": item.path,
        "audio_key": item.audio_key,
        "sha256": item.sha256,
        "size_bytes": item.size_bytes,
        "recording_id": recording,
        "error_code": failure and failure.code,
        "error_message": failure and storable(failure.message),
        "error_hint": failure and storable(failure.hint),
        **{name: getattr(item, name) for name in TEXTS},
        "start_s": item.start_s,
        "end_s": item.end_s,
        "metadata": metadata_json(item.metadata),
        "added_at": now(),
    }
    if stored is not None:
        change_item(connection, stored.id, values)
        return stored.id
    return _insert(connection, ITEM, values)


def remove_items(connection: Connection, collection: int, items: Sequence[int]) -> int:
    """Delete items of a collection and update its memberships; return the number of deleted items."""
    here = ITEM.c.collection_id == collection
    removed = here & ITEM.c.id.in_(items)
    readable = removed & ITEM.c.recording_id.is_not(None)
    named = connection.execute(select(ITEM.c.recording_id).where(readable).distinct()).scalars().all()
    n_items = connection.execute(delete(ITEM).where(removed)).rowcount
    n_left = (
        select(func.count()).select_from(ITEM).where(here, ITEM.c.recording_id == MEMBERSHIP.c.recording_id)
    )
    for start in range(0, len(named), AT_ONCE):
        batch = MEMBERSHIP.c.recording_id.in_(named[start : start + AT_ONCE])
        members = (MEMBERSHIP.c.collection_id == collection) & batch
        connection.execute(update(MEMBERSHIP).where(members).values(n_items=n_left.scalar_subquery()))
        store_digests(connection, MEMBERSHIP, members)
    return n_items


def delete_unreferenced(connection: Connection, tenant: str, collection: int) -> int:
    """Delete memberships, and recordings with all their data, that no item names.

    Returns
    -------
    n_recordings : int
        Number of recordings that were deleted from the store.
    """
    named_here = exists().where(
        ITEM.c.recording_id == MEMBERSHIP.c.recording_id, ITEM.c.collection_id == collection
    )
    connection.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.collection_id == collection, ~named_here))
    connection.execute(delete(FINDING).where(FINDING.c.tenant == tenant))  # findings may name removed items
    named = exists().where(ITEM.c.recording_id == RECORDING.c.id)
    return connection.execute(delete(RECORDING).where(RECORDING.c.tenant == tenant, ~named)).rowcount


def replace_shards(
    connection: Connection,
    tenant: str,
    collection: int,
    old: Sequence[int],
    new: ShardFile | None,
    epoch: int,
) -> list[str]:
    """Move the recordings of the `old` shards, and those without a shard, to a new shard (None: to no shard).

    Returns
    -------
    files : list of str
        Names of shard files that have no row once the transaction is committed.
    """
    number = None
    if new is not None:
        values = {"tenant": tenant, "collection_id": collection, "epoch": epoch, **asdict(new)}
        number = _insert(connection, SHARD, values)
    moved = reads.members_of(collection, old, waiting=True)
    connection.execute(update(MEMBERSHIP).where(moved).values(segment_id=number))
    files = connection.execute(select(SHARD.c.file).where(SHARD.c.id.in_(old))).scalars().all()
    connection.execute(delete(SHARD).where(SHARD.c.id.in_(old)))
    return list(files)


def assign_all(
    connection: Connection, tenant: str, collection: int, new: ShardFile | None, epoch: int
) -> list[str]:
    """Move every recording of a collection to one new shard, regardless of its present shard.

    Returns
    -------
    files : list of str
        Names of shard files that have no row once the transaction is committed.
    """
    number = None
    if new is not None:
        values = {"tenant": tenant, "collection_id": collection, "epoch": epoch, **asdict(new)}
        number = _insert(connection, SHARD, values)
    here = MEMBERSHIP.c.collection_id == collection
    connection.execute(update(MEMBERSHIP).where(here).values(segment_id=number))
    unused = ~exists().where(MEMBERSHIP.c.segment_id == SHARD.c.id)
    files = connection.execute(select(SHARD.c.file).where(unused)).scalars().all()
    connection.execute(delete(SHARD).where(unused))
    return list(files)
