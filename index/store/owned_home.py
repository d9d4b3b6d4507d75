"""A home that this process may write: locked, its catalog brought up to date, its shards repaired."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index.database import reads, writes
from earwitness.index.database.catalog import Catalog, bring_up_to_date, refuse_without_catalog
from earwitness.index.database.records import Problem
from earwitness.index.store.files import convert_write_errors
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.lock import HomeLock
from earwitness.index.store.shard_builder import ShardBuilder
from earwitness.index.store.shards import Codec, has_full_length
from earwitness.index.store.store_errors import HomeUnusable, ShardDamaged

_log: Final = logging.getLogger("earwitness.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedHome:
    """What the one writing process holds of a home, from `own_home` until `close`.

    Attributes
    ----------
    repaired : tuple of Problem
        Damage that was found when the home was opened, and repaired.
    """

    address: HomeAddress
    lock: HomeLock
    catalog: Catalog
    codec: Codec
    builder: ShardBuilder
    repaired: tuple[Problem, ...]

    def close(self) -> None:
        """Close the catalog and release the lock."""
        self.catalog.close()
        self.lock.release()


def own_home(address: HomeAddress, codec: Codec | None = None) -> OwnedHome:
    """Lock a home, create it if it is new, and repair what a crash or lost files left behind.

    Parameters
    ----------
    codec : Codec or None
        The extractor; by default that of the home's scheme, and in a new home the newest.

    Raises
    ------
    HomeBusy
        When another process writes this home.
    HomeUnusable
        When the folder cannot be created or written.
    SchemeMismatch
        When the home holds fingerprints of another scheme than the codec's.
    CatalogTooNew
        When a newer program wrote it.
    """
    lock = _lock(address)
    catalog = Catalog(address, owner=True)
    try:
        bring_up_to_date(catalog)
        catalog.check_changes()
        codec = _codec_of(catalog, address.tenant, codec)
        builder = ShardBuilder(catalog, address, codec)
        builder.sweep()
        repaired = _repair(catalog, address, builder)
        for problem in repaired:
            _log.warning("%s: %s; %s", problem.where, problem.what, problem.hint)
    except BaseException:
        catalog.close()
        lock.release()
        raise
    return OwnedHome(
        address=address, lock=lock, catalog=catalog, codec=codec, builder=builder, repaired=repaired
    )


def _lock(address: HomeAddress) -> HomeLock:
    if address.database_url is None and address.path.is_dir():
        refuse_without_catalog(address.path)
    try:
        with convert_write_errors(address.path):
            address.shard_folder.mkdir(parents=True, exist_ok=True)
            return HomeLock(address.path)
    except OSError as error:
        raise HomeUnusable(home=str(address.path), reason=error.strerror or str(error)) from error


def _codec_of(catalog: Catalog, tenant: str, codec: Codec | None) -> Codec:
    """Return the codec of the home's scheme; a new home gets the newest scheme, permanently."""
    with catalog.reading() as connection:
        stored = reads.home(connection, tenant)
    if codec is None:
        from earwitness.fingerprint.extract import extractor  # loads the inference runtime

        codec = extractor(stored[0] if stored else None)
    if stored is None:
        with catalog.writing() as connection:
            writes.new_home(connection, tenant, codec.scheme)
    elif codec.scheme != stored[0]:
        raise SchemeMismatch(index_scheme=stored[0], query_scheme=codec.scheme)
    return codec


def _repair(catalog: Catalog, address: HomeAddress, builder: ShardBuilder) -> tuple[Problem, ...]:
    """Build shards again whose files are missing or truncated, from the stored fingerprints."""
    hint = "it was built again from the stored fingerprints; look after the disk"
    with catalog.reading() as connection:
        collections = reads.collections(connection, address.tenant)
    try:
        with catalog.reading() as connection:
            rows = reads.shards(connection, address.tenant)
            reads.check_codes(connection, address.tenant, collections, rows)
    except ShardDamaged as error:
        for collection in collections:
            builder.rebuild(collection)
        builder.sweep()
        return (Problem(where=str(address.shard_folder), what=error.message, hint=hint),)
    repaired: list[Problem] = []
    for collection in collections:
        rows = builder.shards(collection.id)
        damaged = [row for row in rows if not has_full_length(address.shard_folder, row.file)]
        if damaged:
            builder.replace(collection.id, [row.id for row in damaged])
        paths = [str(address.shard_folder / row.file.file) for row in damaged]
        repaired += [Problem(where=path, what="it was missing or cut off", hint=hint) for path in paths]
    return tuple(repaired)
