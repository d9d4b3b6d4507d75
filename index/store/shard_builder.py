"""The shard files of a home: written from stored fingerprints, and deleted when nothing names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, select

from earwitness.index.database import reads
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.records import ShardFile
from earwitness.index.database.tables import SHARD
from earwitness.index.store.files import convert_write_errors, fsync_folder
from earwitness.index.store.shards import Codec, build, save
from earwitness.index.store.store_errors import ShardDamaged


class ShardBuilder:
    """Builds the shards of one tenant's collections; whoever has one holds the home's lock."""

    def __init__(self, catalog: Catalog, folder: Path, tenant: str, codec: Codec) -> None:
        self._catalog, self._folder, self._tenant, self._codec = catalog, folder, tenant, codec

    def shards(self, collection: int) -> list[reads.ShardRow]:
        """The live shards of a collection, smallest first."""
        with self._catalog.reading() as connection:
            return [row for row in reads.shards(connection, self._tenant) if row.collection == collection]

    def check(self, members: ColumnElement[bool], old: Sequence[int]) -> None:
        """Check that the catalog gives each shard as many codes as it holds, before one takes its place."""
        with self._catalog.reading() as connection:
            stored = {row.id: row.file.n_codes for row in reads.shards(connection, self._tenant)}
            found = reads.codes_by_shard(connection, members)
            wrong = [number for number in old if found.get(number, 0) != stored.get(number)]
        if wrong:
            raise ShardDamaged(path=f"files in {self._folder}", reason="are not what the catalog says")

    def write(self, members: ColumnElement[bool]) -> ShardFile | None:
        """Write a shard of the recordings that a condition on memberships names; None without codes."""
        with self._catalog.reading() as connection:
            n_codes = reads.count_codes(connection, members)
            if not n_codes:
                return None
            codes = reads.member_codes(connection, members, self._codec.params.code_bytes)
            return save(build(codes, n_codes, self._codec), self._folder)

    def delete(self, files: Iterable[str]) -> None:
        """Delete shard files that nothing names any more."""
        with convert_write_errors(self._folder):
            for file in files:
                # a library that holds it open keeps reading it
                (self._folder / file).unlink(missing_ok=True)
            fsync_folder(self._folder)

    def sweep(self) -> None:
        """Delete what a crash left: files that were never finished, never named, or no longer are."""
        with self._catalog.reading() as connection:
            named = set(connection.execute(select(SHARD.c.file)).scalars())
        self.delete(path.name for path in self._folder.iterdir() if path.name not in named)
