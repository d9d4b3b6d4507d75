"""A home that this process may write: locked, its catalog brought up to date, its shards repaired."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from filelock import FileLock

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index.database import reads, writes
from earwitness.index.database.catalog import Catalog, bring_up_to_date, refuse_without_catalog
from earwitness.index.database.records import Problem
from earwitness.index.store.files import convert_write_errors
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.lock import HomeLock, lock_for_server, server_runs
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
    server_lock : FileLock or None
        Held by the process that serves the home.
    """

    address: HomeAddress
    lock: HomeLock
    server_lock: FileLock | None
    catalog: Catalog
    codec: Codec
    builder: ShardBuilder
    repaired: tuple[Problem, ...]

    def close(self) -> None:
        """Close the catalog and release the locks."""
        self.catalog.close()
        self.lock.release()
        if self.server_lock is not None:
            self.server_lock.release()


def own_home(address: HomeAddress, codec: Codec | None = None, *, serves: bool = False) -> OwnedHome:
    """Lock a home, create it if it is new, and repair what a crash or lost files left behind.

    Parameters
    ----------
    codec : Codec or None
        The extractor; by default that of the home's scheme, and in a new home the newest.
    serves : bool
        Whether this process serves the home: it lends the lock to commands, and there is no other server.

    Raises
    ------
    HomeBusy
        When another process writes this home.
    HomeServed
        When another process serves it, where `serves`.
    HomeUnusable
        When the folder cannot be created or written.
    SchemeMismatch
        When the home holds fingerprints of another scheme than the codec's.
    CatalogTooNew
        When a newer program wrote it.
    """
    with ExitStack() as held:
        server_lock, lock = _locks(address, held, serves=serves)
        catalog = Catalog(address, owner=serves or not server_runs(address.path))
        held.callback(catalog.close)
        bring_up_to_date(catalog)
        catalog.check_changes()
        codec = _codec_of(catalog, address.tenant, codec)
        builder = ShardBuilder(catalog, address, codec)
        builder.sweep()
        repaired = _repair(catalog, address, builder)
        held.pop_all()
    return OwnedHome(
        address=address,
        lock=lock,
        server_lock=server_lock,
        catalog=catalog,
        codec=codec,
        builder=builder,
        repaired=repaired,
    )


def own_tenant(owned: OwnedHome, tenant: str) -> OwnedHome:
    """Bring what another tenant has in an owned home up to date; a new tenant gets the scheme of the first.

    The caller holds the home's lock. Locks and catalog are those of `owned`, which closes them.

    Raises
    ------
    SchemeMismatch
        When another program is needed to read it.
    """
    address, catalog = replace(owned.address, tenant=tenant), owned.catalog
    with catalog.reading() as connection:
        stored = reads.home(connection, tenant)
    is_same = stored is None or stored[0] == owned.codec.scheme
    codec = _codec_of(catalog, tenant, owned.codec if is_same else None)
    builder = ShardBuilder(catalog, address, codec)
    repaired = _repair(catalog, address, builder)
    return replace(owned, address=address, codec=codec, builder=builder, repaired=repaired)


def _locks(address: HomeAddress, held: ExitStack, *, serves: bool) -> tuple[FileLock | None, HomeLock]:
    """Make the folders of a home, and take its locks until `held` ends."""
    if address.database_url is None and address.path.is_dir():
        refuse_without_catalog(address.path)
    try:
        with convert_write_errors(address.path):
            address.shard_folder.mkdir(parents=True, exist_ok=True)
            server_lock = lock_for_server(address.path) if serves else None
            if server_lock is not None:
                held.callback(server_lock.release)
            lock = HomeLock(address.path, lends=serves)
            held.callback(lock.release)
    except OSError as error:
        raise HomeUnusable(home=str(address.path), reason=error.strerror or str(error)) from error
    return server_lock, lock


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
    """Build shards again whose files are missing or truncated, from the stored fingerprints; log which."""
    repaired = _repaired(catalog, address, builder)
    for problem in repaired:
        _log.warning("%s: %s; %s", problem.where, problem.what, problem.hint)
    return repaired


def _repaired(catalog: Catalog, address: HomeAddress, builder: ShardBuilder) -> tuple[Problem, ...]:
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
