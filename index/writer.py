"""The one writer of a home: adds and removes items, publishes and rebuilds shards.

When `Writer.add` returns, its items are on the disk and can be found at once: a `Library` that opens later
also searches recordings that wait for a shard. Publishing gives them one (see `ShardBuilder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection, delete, exists, func, select

from earwitness.index.changed_copies.index_file import forget_indexes
from earwitness.index.database import reads, writes
from earwitness.index.database.records import (
    WORKS,
    Added,
    AddStatus,
    Collection,
    CollectionKind,
    ItemRow,
    NewItem,
    Removed,
    storable,
)
from earwitness.index.database.row_digests import verified_row
from earwitness.index.database.tables import COLLECTION, HOME, ITEM, MEMBERSHIP
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.owned_home import OwnedHome, own_home, own_tenant
from earwitness.index.store.shards import Codec
from earwitness.index.store.store_errors import (
    CollectionExists,
    CollectionUnknown,
    ItemUnknown,
    NameReserved,
)
from earwitness.index.store.turns import Turns

MAX_WAITING: Final = 200_000
"""Codes that may wait for a shard: every library that opens holds them in memory until they have one."""

REMOVED_AT_ONCE: Final = 10_000
"""Items removed in one transaction."""


class Writer:
    """The one writer of a home; open it with `Writer.open`. Its methods may be called from any thread.

    Attributes
    ----------
    scheme : str
        The one scheme of this home's fingerprints.
    repaired : tuple of Problem
        Damage that was found when the home was opened, and repaired.
    """

    def __init__(self, owned: OwnedHome, turns: Turns | None = None) -> None:
        self.address, self.catalog, self.repaired = owned.address, owned.catalog, owned.repaired
        self.tenant, self.scheme = owned.address.tenant, owned.codec.scheme
        self._owned, self._builder = owned, owned.builder
        self._owns_home = turns is None
        fold = None if owned.server_lock is None else owned.catalog.fold_log
        self._guard = turns if turns is not None else Turns(owned.lock, fold)

    @classmethod
    def open(cls, address: HomeAddress, *, codec: Codec | None = None, serves: bool = False) -> Self:
        """Open a home to write; parameters and errors are those of `own_home`."""
        return cls(own_home(address, codec, serves=serves))

    def of_tenant(self, tenant: str) -> Self:
        """Return the writer of another tenant of this home. Both take turns; this one closes the home.

        Raises
        ------
        SchemeMismatch
            When another program is needed to read what the tenant has stored.
        """
        with self._guard:
            return type(self)(own_tenant(self._owned, tenant), self._guard)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and release the lock; what was added but not published stays findable.

        A writer that `of_tenant` returned closes nothing.
        """
        if self._owns_home:
            self._guard.close()
            self._owned.close()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._guard, writes.changing(self.catalog, self.tenant) as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Open one transaction for rows that are no items; nothing else changes the home meanwhile."""
        with self._changing() as connection:
            yield connection

    @property
    def codec(self) -> Codec:
        """The codec of the home's scheme."""
        return self._owned.codec

    @property
    def epoch(self) -> int:
        """The number of the last change."""
        with self.catalog.reading() as connection:
            return writes.epoch_of(connection, self.tenant)

    @property
    def home_epoch(self) -> int:
        """The number of changes of all tenants together."""
        with self.catalog.reading() as connection:
            return int(connection.execute(select(func.sum(HOME.c.epoch))).scalar_one())

    @property
    def collections(self) -> tuple[Collection, ...]:
        """Every collection in its present state."""
        with self.catalog.reading() as connection:
            return reads.collections(connection, self.tenant)

    def collection(self, kind: CollectionKind, name: str = WORKS, version: str = "1") -> int:
        """The number of a collection, which is made if it is new.

        Raises
        ------
        NameReserved
            When a new dataset is to be called as the registry of works is.
        """
        with self._guard:
            wanted = (kind, name, version)
            for known in self.collections:
                if (known.kind, known.name, known.version) == wanted:
                    return known.id
            if kind is CollectionKind.DATASET and name.strip().casefold() == WORKS:
                raise NameReserved(name=name)
            with self._changing() as connection:
                return writes.new_collection(connection, self.tenant, self.scheme, kind, name, version)

    def mark(self, collection: int, *, complete: bool) -> None:
        """Record whether a collection holds all of its source."""
        with self._changing() as connection:
            self._known(connection, collection)
            writes.change_collection(
                connection, collection, {"complete": complete, "indexed_at": writes.now()}
            )

    def item(self, collection: int, path: str, audio_key: str | None) -> ItemRow | None:
        """The item stored at a place; `audio_key` None asks for one whose bytes could not be had."""
        here = (ITEM.c.collection_id == collection) & (ITEM.c.path == storable(path))
        with self.catalog.reading() as connection:
            rows = reads.items(connection, self.tenant, here & (ITEM.c.audio_key == (audio_key or "")))
        return rows[0] if rows else None

    def find(self, collection: int, name: str) -> list[ItemRow]:
        """Items of a collection whose path or whose sha256 is `name`."""
        name = storable(name)
        called = (ITEM.c.collection_id == collection) & ((ITEM.c.path == name) | (ITEM.c.sha256 == name))
        with self.catalog.reading() as connection:
            return reads.items(connection, self.tenant, called)

    def add(
        self,
        collection: int,
        items: Sequence[NewItem],
        *,
        also: Callable[[Connection, Sequence[Added]], None] = lambda *_: None,
    ) -> list[Added]:
        """Store items; all of them are on the disk and findable when it returns, or none is.

        Parameters
        ----------
        also
            Further writes of the same transaction, called last, with its connection and the added items.

        Raises
        ------
        SchemeMismatch
            When a fingerprint is of another scheme than the home's.
        RecordingUnknown
            When an item has neither a fingerprint nor a failure and its audio is not known.
        DiskFull
            When there is no room; then nothing was stored.
        """
        with self._guard:
            if self._builder.n_waiting() > MAX_WAITING:
                self.publish()
            with self._changing() as connection:
                known = self._known(connection, collection)
                epoch = writes.epoch_of(connection, self.tenant) + 1
                pairs = [writes.add_item(connection, self.tenant, known, item, epoch) for item in items]
                added = [one for one, _ in pairs]
                if any(one.status is not AddStatus.EXISTING for one in added):
                    writes.next_epoch(connection, self.tenant)
                    n_joined = sum(joined for _, joined in pairs)
                    writes.count_added(connection, collection, added, n_joined, epoch)
                also(connection, added)
            return added

    def add_dataset(
        self,
        name: str,
        version: str,
        batches: Iterable[Sequence[NewItem]],
        *,
        indexed_at: str,
        complete: bool,
    ) -> int:
        """Store a dataset as a whole: other processes see all of it once this returns, or nothing of it.

        Parameters
        ----------
        indexed_at
            When it was indexed where it comes from: ISO 8601, UTC.

        Returns
        -------
        collection : int

        Raises
        ------
        CollectionExists
            When the home holds a dataset of this name and version.
        NameReserved, SchemeMismatch, RecordingUnknown, DiskFull
        """
        if name.strip().casefold() == WORKS:
            raise NameReserved(name=name)
        with self._guard, self._changing() as connection:
            kind, added, n_joined = CollectionKind.DATASET, list[Added](), 0
            stored = reads.collections(connection, self.tenant)
            if any((kind, name, version) == (each.kind, each.name, each.version) for each in stored):
                raise CollectionExists(name=name, version=version)
            number = writes.new_collection(connection, self.tenant, self.scheme, kind, name, version)
            known = self._known(connection, number)
            epoch = writes.epoch_of(connection, self.tenant)
            for batch in batches:
                pairs = [writes.add_item(connection, self.tenant, known, item, epoch) for item in batch]
                added += [one for one, _ in pairs]
                n_joined += sum(joined for _, joined in pairs)
            writes.count_added(connection, number, added, n_joined, epoch)
            writes.change_collection(connection, number, {"complete": complete, "indexed_at": indexed_at})
            return number

    def update_metadata(
        self,
        collection: int,
        item: int,
        *,
        title: str | None = None,
        artist: str | None = None,
        album: str | None = None,
        owner: str | None = None,
        isrc: str | None = None,
        metadata: Mapping[str, object] | None = None,
        without: Iterable[str] = (),
    ) -> bool:
        """Change the metadata of a stored item; None leaves a value unchanged.

        Stored findings hold the old values, so the collection counts as changed and items are searched again.

        Parameters
        ----------
        without : collection of str
            Texts that the item shall not have any more, such as ``("isrc",)``.

        Returns
        -------
        changed : bool
            False when the item had all these values already; then nothing is written.

        Raises
        ------
        ItemUnknown
            When the collection has no such item.
        """
        texts = {"title": title, "artist": artist, "album": album, "owner": owner, "isrc": isrc}
        values: dict[str, object] = {name: storable(text) for name, text in texts.items() if text is not None}
        values |= dict.fromkeys(without)
        if metadata is not None:
            values["metadata"] = writes.metadata_json(metadata)
        with self._changing() as connection:
            here = (ITEM.c.collection_id == collection) & (ITEM.c.id == item)
            stored = connection.execute(select(ITEM).where(ITEM.c.tenant == self.tenant, here)).one_or_none()
            if stored is None:
                raise ItemUnknown(item=str(item))
            verified_row(ITEM, stored)
            changed = {name: value for name, value in values.items() if getattr(stored, name) != value}
            if changed:
                writes.change_item(connection, item, changed)
                writes.mark_changed(connection, collection, writes.next_epoch(connection, self.tenant))
        return bool(changed)

    def publish(self) -> int:
        """Give every waiting recording a shard, and merge small shards; returns the epoch."""
        with self._guard:
            for known in self.collections:
                self._builder.publish(known.id)
            return self.epoch

    def rebuild(self) -> int:
        """Build every collection's shards again, into one each, from the stored fingerprints."""
        with self._guard:
            for known in self.collections:
                self._builder.rebuild(known)
            self._builder.sweep()
            return self.epoch

    def remove(self, collection: int, *, items: Sequence[int] | None = None) -> Removed:
        """Remove a collection, or some of its items by number.

        Fingerprints that no other item shares are deleted, and shards that held them are built again. When it
        returns, neither a shard nor a row holds them.
        """
        with self._guard:
            removed = self._remove_all(collection) if items is None else self._remove_items(collection, items)
            forget_indexes(self.address.path)
            return removed

    def _known(self, connection: Connection, collection: int) -> Collection:
        for known in reads.collections(connection, self.tenant):
            if known.id == collection:
                return known
        raise CollectionUnknown(collection=str(collection))

    def _remove_items(self, collection: int, items: Sequence[int]) -> Removed:
        removed = Removed(n_items=0, n_recordings=0)
        for start in range(0, len(items), REMOVED_AT_ONCE):
            some = self._remove_some(collection, items[start : start + REMOVED_AT_ONCE])
            removed = Removed(
                n_items=removed.n_items + some.n_items, n_recordings=removed.n_recordings + some.n_recordings
            )
        return removed

    def _remove_some(self, collection: int, items: Sequence[int]) -> Removed:
        here = ITEM.c.collection_id == collection
        stays = exists().where(
            here, ITEM.c.recording_id == MEMBERSHIP.c.recording_id, ITEM.c.id.not_in(items)
        )
        losing = (MEMBERSHIP.c.collection_id == collection) & ~stays
        with self.catalog.reading() as connection:
            self._known(connection, collection)
            hit = connection.execute(select(MEMBERSHIP.c.segment_id).where(losing).distinct()).scalars()
            old = [shard for shard in hit if shard is not None]
        counts: list[int] = []

        def forget(connection: Connection, epoch: int) -> None:
            counts.append(writes.remove_items(connection, collection, items))
            counts.append(writes.delete_unreferenced(connection, self.tenant, collection))
            writes.recount(connection, collection, epoch)

        self._builder.replace(collection, old, without=losing, also=forget)
        return Removed(n_items=counts[0], n_recordings=counts[1])

    def _remove_all(self, collection: int) -> Removed:
        old = [row.id for row in self._builder.shards(collection)]
        with self._changing() as connection:
            self._known(connection, collection)
            epoch = writes.next_epoch(connection, self.tenant)
            files = writes.replace_shards(connection, self.tenant, collection, old, None, epoch)
            n_items = connection.execute(delete(ITEM).where(ITEM.c.collection_id == collection)).rowcount
            n_recordings = writes.delete_unreferenced(connection, self.tenant, collection)
            connection.execute(delete(COLLECTION).where(COLLECTION.c.id == collection))
        self._builder.delete(files)
        return Removed(n_items=n_items, n_recordings=n_recordings)
