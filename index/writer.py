"""The one writer of a home: what is added, published, merged, removed and built again.

What `Writer.add` returned for is on the disk. It is findable at once: a `Library` that opens next looks
through recordings that wait for a shard too. Publishing gives them one, in three steps of which each
leaves the old state whole: a shard file is written under a name that nothing knows; one transaction names
it, gives it its recordings and forgets the shards that it took in; then those files are deleted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index.database import reads, writes
from earwitness.index.database.catalog import (
    SHARD_FOLDER,
    Catalog,
    bring_up_to_date,
    refuse_without_catalog,
)
from earwitness.index.database.records import (
    Added,
    AddStatus,
    Collection,
    CollectionKind,
    ItemRow,
    NewItem,
    Problem,
    Removed,
    storable,
)
from earwitness.index.database.row_digests import verified_row
from earwitness.index.database.tables import COLLECTION, ITEM, MEMBERSHIP
from earwitness.index.store.files import convert_write_errors
from earwitness.index.store.lock import HomeLock
from earwitness.index.store.shard_builder import ShardBuilder
from earwitness.index.store.shards import Codec, has_full_length, n_shards_to_merge
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    CollectionUnknown,
    HomeUnusable,
    ItemUnknown,
    NameReserved,
    ShardDamaged,
)

WORKS: Final = "works"
_log: Final = logging.getLogger("earwitness.store")

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
    mended : tuple of Problem
        What was found damaged when the home was opened, and was built again.
    """

    def __init__(self, home: Path, tenant: str, catalog: Catalog, lock: HomeLock, codec: Codec) -> None:
        self.home, self.tenant, self.scheme = home, tenant, codec.scheme
        self.catalog = catalog
        self._lock, self._folder = lock, home / SHARD_FOLDER
        self._builder = ShardBuilder(catalog, self._folder, tenant, codec)
        self._guard = threading.RLock()
        self.mended: tuple[Problem, ...] = ()

    @classmethod
    def open(
        cls, home: Path, *, tenant: str = "local", codec: Codec | None = None, url: str | None = None
    ) -> Self:
        """Take the home's lock, make the home if it is new, and put right what a crash left behind.

        Parameters
        ----------
        codec : Codec or None
            The extractor; by default that of the home's scheme, and in a new home the newest.
        url : str or None
            SQLAlchemy address of the catalog, where it is not the home's own SQLite file.

        Raises
        ------
        HomeBusy
            When another process writes this home.
        HomeUnusable
            When the folder cannot be made or written to.
        SchemeMismatch
            When the home holds fingerprints of another scheme than the codec's.
        CatalogTooNew
            When a newer program wrote it.
        """
        lock = _take(home, url)
        catalog = Catalog(home, url=url, owner=True)
        try:
            bring_up_to_date(catalog)
            catalog.check_changes()
            writer = cls(home, tenant, catalog, lock, _begin(catalog, tenant, codec))
            writer._builder.sweep()
            writer.mended = writer._mend()
            for problem in writer.mended:
                _log.warning("%s: %s; %s", problem.where, problem.what, problem.hint)
        except BaseException:
            catalog.close()
            lock.release()
            raise
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalog and the lock; what was added but not published stays findable."""
        self.catalog.close()
        self._lock.release()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """One transaction that checks what the home states of itself, and states it anew at its end."""
        try:
            with self._guard, self.catalog.writing() as connection:
                reads.home(connection, self.tenant)
                yield connection
                writes.store_home_digest(connection, self.tenant)
        except IntegrityError as error:  # what was looked for and not found is there after all
            reason = f"an index does not fit its table ({error.orig})"
            raise CatalogDamaged(where=str(self.catalog.path), reason=reason) from error

    @property
    def epoch(self) -> int:
        """The number of the last change."""
        with self.catalog.reading() as connection:
            return writes.epoch_of(connection, self.tenant)

    @property
    def collections(self) -> tuple[Collection, ...]:
        """Every collection as it is now."""
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
        """Say whether a collection holds all of its source."""
        with self._changing() as connection:
            self._known(connection, collection)
            writes.change_collection(
                connection, collection, {"complete": complete, "indexed_at": writes.now()}
            )

    def item(self, collection: int, path: str, audio_key: str | None) -> ItemRow | None:
        """The item stored at a place; `audio_key` None asks for one whose bytes could not be had."""
        here = (ITEM.c.collection_id == collection) & (ITEM.c.path == storable(path))
        with self.catalog.reading() as connection:
            found = reads.items(connection, self.tenant, here & (ITEM.c.audio_key == (audio_key or "")))
        return found[0] if found else None

    def find(self, collection: int, name: str) -> list[ItemRow]:
        """Items of a collection that lie at a path, or whose bytes have a sha256, called `name`."""
        name = storable(name)
        called = (ITEM.c.collection_id == collection) & ((ITEM.c.path == name) | (ITEM.c.sha256 == name))
        with self.catalog.reading() as connection:
            return reads.items(connection, self.tenant, called)

    def add(self, collection: int, items: Sequence[NewItem]) -> list[Added]:
        """Store items; all of them are on the disk and findable when it returns, or none is.

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
            if self._waiting() > MAX_WAITING:
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
            return added

    def update_metadata(
        self,
        collection: int,
        item: int,
        *,
        title: str | None = None,
        owner: str | None = None,
        isrc: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> bool:
        """Change what is said of a stored item; None leaves a value as it is.

        Findings that are remembered name the old values, so the collection counts as changed: they are worked
        out anew.

        Returns
        -------
        changed : bool
            False when the item said all of it already; then nothing is written.

        Raises
        ------
        ItemUnknown
            When the collection has no such item.
        """
        texts = {"title": title, "owner": owner, "isrc": isrc}
        values: dict[str, object] = {name: storable(text) for name, text in texts.items() if text is not None}
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
        """Give every recording that waits a shard, merging small shards on the way; returns the epoch."""
        with self._guard:
            for known in self.collections:
                self._publish(known.id)
            return self.epoch

    def rebuild(self) -> int:
        """Build every collection's shards again, into one each, from the stored fingerprints."""
        with self._guard:
            for known in self.collections:
                self._build_again(known)
            self._builder.sweep()
            return self.epoch

    def remove(self, collection: int, *, items: Sequence[int] | None = None) -> Removed:
        """Forget a collection, or some of its items by number.

        Fingerprints that no other item shares are deleted, and shards that held them are built again
        without them: when it returns, neither a shard nor a row holds them.
        """
        with self._guard:
            return self._remove_all(collection) if items is None else self._remove_items(collection, items)

    def _known(self, connection: Connection, collection: int) -> Collection:
        for known in reads.collections(connection, self.tenant):
            if known.id == collection:
                return known
        raise CollectionUnknown(collection=str(collection))

    def _waiting(self, collection: int | None = None) -> int:
        waiting = MEMBERSHIP.c.segment_id.is_(None) & (MEMBERSHIP.c.tenant == self.tenant)
        if collection is not None:
            waiting &= MEMBERSHIP.c.collection_id == collection
        with self.catalog.reading() as connection:
            return reads.count_codes(connection, waiting)

    def _publish(self, collection: int) -> None:
        n_new = self._waiting(collection)
        if n_new:
            live = self._builder.shards(collection)
            taken = n_shards_to_merge([row.file.n_codes for row in live], n_new)
            self._swap(collection, [row.id for row in live[:taken]])

    def _swap(
        self,
        collection: int,
        old: Sequence[int],
        *,
        losing: ColumnElement[bool] | None = None,
        also: Callable[[Connection, int], None] = lambda *_: None,
    ) -> None:
        """Replace the `old` shards of a collection, and what waits for one, by one new shard.

        Parameters
        ----------
        losing
            Recordings that the new shard leaves out, as a condition on memberships.
        also
            What else belongs in the transaction that names the new shard, given the epoch; runs after that.
        """
        members = reads.members_of(collection, old, waiting=True)
        self._builder.check(members, old)
        written = self._builder.write(members if losing is None else members & ~losing)
        with self._changing() as connection:
            epoch = writes.next_epoch(connection, self.tenant)
            files = writes.replace_shards(connection, self.tenant, collection, old, written, epoch)
            writes.mark_changed(connection, collection, epoch)
            also(connection, epoch)
        self._builder.delete(files)

    def _build_again(self, known: Collection) -> None:
        """Build one shard of all that a collection holds, whatever the shards of now are said to hold."""
        members = MEMBERSHIP.c.collection_id == known.id
        with self.catalog.reading() as connection:
            counted = select(func.count()).select_from(MEMBERSHIP).where(members)
            n_recordings = connection.execute(counted).scalar_one()
            reads.check_count(known, "recordings", n_recordings, known.n_recordings)
            reads.check_count(known, "codes", reads.count_codes(connection, members), known.n_codes)
        written = self._builder.write(members)
        with self._changing() as connection:
            epoch = writes.next_epoch(connection, self.tenant)
            files = writes.assign_all(connection, self.tenant, known.id, written, epoch)
            writes.mark_changed(connection, known.id, epoch)
        self._builder.delete(files)

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

        self._swap(collection, old, losing=losing, also=forget)
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

    def _mend(self) -> tuple[Problem, ...]:
        """Build shards again whose files are missing or cut off; the stored fingerprints are the truth."""
        again = "it was built again from the stored fingerprints; look after the disk"
        try:
            with self.catalog.reading() as connection:
                live = reads.shards(connection, self.tenant)
                reads.check_codes(connection, self.tenant, reads.collections(connection, self.tenant), live)
        except ShardDamaged as error:
            self.rebuild()
            return (Problem(where=str(self._folder), what=error.message, hint=again),)
        mended: list[Problem] = []
        for known in self.collections:
            damaged = [
                row for row in self._builder.shards(known.id) if not has_full_length(self._folder, row.file)
            ]
            if damaged:
                self._swap(known.id, [row.id for row in damaged])
            mended += [
                Problem(where=str(self._folder / row.file.file), what="it was missing or cut off", hint=again)
                for row in damaged
            ]
        return tuple(mended)


def _take(home: Path, url: str | None) -> HomeLock:
    if url is None and home.is_dir():
        refuse_without_catalog(home)
    try:
        with convert_write_errors(home):
            (home / SHARD_FOLDER).mkdir(parents=True, exist_ok=True)
            return HomeLock(home)
    except OSError as error:
        raise HomeUnusable(home=str(home), reason=error.strerror or str(error)) from error


def _begin(catalog: Catalog, tenant: str, codec: Codec | None) -> Codec:
    """The codec of the home's scheme; a new home gets the newest, for good."""
    with catalog.reading() as connection:
        found = reads.home(connection, tenant)
    if codec is None:
        from earwitness.fingerprint.extract import extractor  # loads the inference runtime

        codec = extractor(found[0] if found else None)
    if found is None:
        with catalog.writing() as connection:
            writes.new_home(connection, tenant, codec.scheme)
    elif codec.scheme != found[0]:
        raise SchemeMismatch(index_scheme=found[0], query_scheme=codec.scheme)
    return codec
