"""The shards of a home: written from stored fingerprints, merged, replaced, and deleted when unnamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from earwitness.index.database import reads, writes
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.records import Collection, ShardFile
from earwitness.index.database.tables import MEMBERSHIP, SHARD
from earwitness.index.store.files import convert_write_errors, fsync_folder
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import Codec, build, n_shards_to_merge, save
from earwitness.index.store.store_errors import ShardDamaged


class ShardBuilder:
    """Builds the shards of one tenant's collections. Its user holds the home's lock.

    A new shard appears in three steps, each of which leaves the old state intact: a file is written under a
    fresh name; one transaction names it, assigns recordings to it and deletes the rows of the shards that it
    replaces; then their files are deleted.
    """

    def __init__(self, catalog: Catalog, address: HomeAddress, codec: Codec) -> None:
        self._catalog, self._codec = catalog, codec
        self._tenant, self._folder = address.tenant, address.shard_folder

    def shards(self, collection: int) -> list[reads.ShardRow]:
        """The live shards of a collection, smallest first."""
        with self._catalog.reading() as connection:
            return [row for row in reads.shards(connection, self._tenant) if row.collection == collection]

    def n_waiting(self, collection: int | None = None) -> int:
        """Codes that have no shard yet, of one collection or of all."""
        waiting = MEMBERSHIP.c.segment_id.is_(None) & (MEMBERSHIP.c.tenant == self._tenant)
        if collection is not None:
            waiting &= MEMBERSHIP.c.collection_id == collection
        with self._catalog.reading() as connection:
            return reads.count_codes(connection, waiting)

    def publish(self, collection: int) -> None:
        """Give the waiting codes of a collection a shard, which small shards are merged into."""
        n_new = self.n_waiting(collection)
        if n_new:
            live = self.shards(collection)
            n_merged = n_shards_to_merge([row.file.n_codes for row in live], n_new)
            self.replace(collection, [row.id for row in live[:n_merged]])

    def replace(
        self,
        collection: int,
        old: Sequence[int],
        *,
        without: ColumnElement[bool] | None = None,
        also: Callable[[Connection, int], None] = lambda *_: None,
    ) -> None:
        """Replace the `old` shards of a collection, and what waits for one, by one new shard.

        Parameters
        ----------
        without
            Recordings that the new shard leaves out, as a condition on memberships.
        also
            Further writes of the same transaction, called last, with its connection and the epoch.
        """
        members = reads.members_of(collection, old, waiting=True)
        self._check(members, old)
        written = self._write(members if without is None else members & ~without)
        with writes.changing(self._catalog, self._tenant) as connection:
            epoch = writes.next_epoch(connection, self._tenant)
            files = writes.replace_shards(connection, self._tenant, collection, old, written, epoch)
            writes.mark_changed(connection, collection, epoch)
            also(connection, epoch)
        self.delete(files)

    def rebuild(self, collection: Collection) -> None:
        """Build one shard of all that a collection holds, whatever the catalog says of its present shards."""
        members = MEMBERSHIP.c.collection_id == collection.id
        with self._catalog.reading() as connection:
            counted = select(func.count()).select_from(MEMBERSHIP).where(members)
            n_recordings = connection.execute(counted).scalar_one()
            n_codes = reads.count_codes(connection, members)
        reads.check_count(collection, "recordings", n_recordings, collection.n_recordings)
        reads.check_count(collection, "codes", n_codes, collection.n_codes)
        written = self._write(members)
        with writes.changing(self._catalog, self._tenant) as connection:
            epoch = writes.next_epoch(connection, self._tenant)
            files = writes.assign_all(connection, self._tenant, collection.id, written, epoch)
            writes.mark_changed(connection, collection.id, epoch)
        self.delete(files)

    def delete(self, files: Iterable[str]) -> None:
        """Delete shard files that no row names any more; a library that has one open keeps reading it."""
        with convert_write_errors(self._folder):
            for file in files:
                (self._folder / file).unlink(missing_ok=True)
            fsync_folder(self._folder)

    def sweep(self) -> None:
        """Delete files that a crash left: unfinished, not yet named, or no longer named."""
        with self._catalog.reading() as connection:
            named = set(connection.execute(select(SHARD.c.file)).scalars())
        self.delete(path.name for path in self._folder.iterdir() if path.name not in named)

    def _check(self, members: ColumnElement[bool], old: Sequence[int]) -> None:
        """Check that the catalog assigns as many codes to each shard as it holds, before it is replaced."""
        with self._catalog.reading() as connection:
            stored = {row.id: row.file.n_codes for row in reads.shards(connection, self._tenant)}
            assigned = reads.codes_by_shard(connection, members)
        if any(assigned.get(number, 0) != stored.get(number) for number in old):
            raise ShardDamaged(path=f"files in {self._folder}", reason="are not what the catalog says")

    def _write(self, members: ColumnElement[bool]) -> ShardFile | None:
        """Write a shard of the recordings that a condition on memberships names; None without codes."""
        with self._catalog.reading() as connection:
            n_codes = reads.count_codes(connection, members)
            if not n_codes:
                return None
            codes = reads.member_codes(connection, members, self._codec.params.code_bytes)
            return save(build(codes, n_codes, self._codec), self._folder)
