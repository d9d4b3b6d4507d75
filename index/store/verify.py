"""Check that everything in a home is unchanged since it was stored."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, exists, func, select

from earwitness.index.database import change_counter, reads, sqlite
from earwitness.index.database.catalog import Catalog, open_catalog
from earwitness.index.database.records import Collection, Problem
from earwitness.index.database.row_digests import COVERED, is_intact, name_of
from earwitness.index.database.tables import (
    CHANGED_COPIES,
    FINDING,
    FINGERPRINT,
    HOME,
    ITEM,
    MEMBERSHIP,
    RECORDING,
    SHARD,
    THUMBNAIL,
)
from earwitness.index.names.verify_names import name_problems, stored_name_lists
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import Shard
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    HomeMissing,
    ShardDamaged,
    ShardMissing,
)

SETTLED_S: Final = 3_600.0
OPEN_ATTEMPTS: Final = 5

RESTORE: Final = "restore a backup made before into a new home, or index the audio again"
REBUILD: Final = "run `earwitness rebuild`"
DELETE: Final = "the next command that writes to the home deletes it"
SCAN_AGAIN: Final = "no answer uses it; the next scan of the same audio computes it again"

_BLOBS: Final = (
    (FINGERPRINT, FINGERPRINT.c.codes, FINGERPRINT.c.codes_sha256, "fingerprint"),
    (FINGERPRINT, FINGERPRINT.c.chromaprint, FINGERPRINT.c.chromaprint_sha256, "Chromaprint"),
    (FINGERPRINT, FINGERPRINT.c.peaks, FINGERPRINT.c.peaks_sha256, "peaks"),
    (THUMBNAIL, THUMBNAIL.c.levels, THUMBNAIL.c.levels_sha256, "spectrogram"),
    (CHANGED_COPIES, CHANGED_COPIES.c.codes, CHANGED_COPIES.c.codes_sha256, "changed copies"),
)


def verify(address: HomeAddress, *, settled_s: float = SETTLED_S) -> list[Problem]:
    """Check one snapshot of a home: pages, checksums, shard files, counts, references and lists of names.

    A writer may change the home meanwhile.

    Parameters
    ----------
    settled_s
        Seconds. A shard file without a row is a problem only when it is older than this: a writer stores the
        row after the file, and deletes the file after the row.

    Returns
    -------
    problems : list of Problem
        Empty when everything is intact.

    Raises
    ------
    HomeMissing
        When nothing was ever stored in this home.
    """
    in_names = list(name_problems(address.path))
    try:
        return [*_catalog_problems(address, settled_s), *in_names]
    except HomeMissing:
        if not stored_name_lists(address.path):
            raise
        return in_names


def _catalog_problems(address: HomeAddress, settled_s: float) -> list[Problem]:
    with ExitStack() as open_files:
        catalog = open_catalog(address)
        open_files.callback(catalog.close)
        connection, shards = _snapshot(catalog, address, open_files)
        return _problems(catalog, connection, shards, address, settled_s)


Opened = list[tuple[reads.ShardRow, Shard | ShardDamaged]]


def _snapshot(catalog: Catalog, address: HomeAddress, open_files: ExitStack) -> tuple[Connection, Opened]:
    """Open a snapshot of the catalog and its shard files; try again when a writer replaced one."""
    for attempt in range(OPEN_ATTEMPTS):
        with ExitStack() as attempt_files:
            connection = attempt_files.enter_context(catalog.snapshot())
            shards = _open_shards(connection, address, attempt_files)
            damaged = any(isinstance(shard, ShardDamaged) for _, shard in shards)
            if not damaged or attempt == OPEN_ATTEMPTS - 1:
                open_files.push(attempt_files.pop_all())
                return connection, shards
    raise AssertionError("unreachable: the last attempt returns")


def _open_shards(connection: Connection, address: HomeAddress, open_files: ExitStack) -> Opened:
    """Open every shard file of a snapshot before reading any: an open file stays readable when deleted."""
    opened: Opened = []
    try:
        live_rows = reads.shards(connection, address.tenant)
    except (ShardDamaged, CatalogDamaged):  # `_rows` reports the damaged row
        return opened
    for row in live_rows:
        try:
            shard = Shard(address.shard_folder, row.file)
        except ShardDamaged as error:
            opened.append((row, error))
        else:
            open_files.callback(shard.close)
            opened.append((row, shard))
    return opened


def _problems(
    catalog: Catalog,
    connection: Connection,
    shards: Opened,
    address: HomeAddress,
    settled_s: float,
) -> list[Problem]:
    try:
        return _checks(catalog, connection, shards, address, settled_s)
    except CatalogDamaged as error:  # rows on damaged pages cannot be read
        return [Problem(where=error.where, what=error.reason, hint=RESTORE)]


def _checks(
    catalog: Catalog,
    connection: Connection,
    shards: Opened,
    address: HomeAddress,
    settled_s: float,
) -> list[Problem]:
    if catalog.is_sqlite:
        page_problems = _page_problems(connection)
        if page_problems:
            return page_problems  # rows on damaged pages cannot be checked
    row_problems = [*_rows(connection), *_blobs(connection)]
    if row_problems:
        return row_problems  # the counts below would come from damaged rows
    return [
        *(problem for row, shard in shards for problem in _shard(catalog, connection, row, shard)),
        *_memberships(connection),
        *_counts(connection, address.tenant),
        *_counter(catalog),
        *_unnamed_files(connection, address.shard_folder, settled_s=settled_s),
    ]


def stored_problems(catalog: Catalog) -> list[Problem]:
    """Check a catalog without its shards, which can be built again from it."""
    try:
        with catalog.reading() as connection:
            problems = _page_problems(connection) or [*_rows(connection), *_blobs(connection)]
            tenants = [] if problems else connection.execute(select(HOME.c.tenant)).scalars().all()
            counts = (problem for tenant in tenants for problem in _counts(connection, tenant))
            return problems or [*_memberships(connection), *counts]
    except CatalogDamaged as error:
        return [Problem(where=error.where, what=error.reason, hint=RESTORE)]


def _page_problems(connection: Connection) -> list[Problem]:
    return [Problem(where="catalog", what=what, hint=RESTORE) for what in sqlite.check(connection)]


def _rows(connection: Connection) -> Iterator[Problem]:
    """Yield a problem for every row whose values do not match their digest."""
    for table in COVERED:
        columns = [table.c[name] for name in (*COVERED[table], "digest")]
        for row in connection.execute(select(*columns).execution_options(yield_per=1_000)):
            if not is_intact(table, row):
                hint = {SHARD: REBUILD, FINDING: SCAN_AGAIN}.get(table, RESTORE)
                what = "its values do not have the checksum stored with them"
                yield Problem(where=name_of(table, row), what=what, hint=hint)
    for tenant in connection.execute(select(HOME.c.tenant)).scalars().all():
        try:
            reads.home(connection, tenant)
        except CatalogDamaged as error:
            yield Problem(where=error.where, what=error.reason, hint=RESTORE)


def _counter(catalog: Catalog) -> Iterator[Problem]:
    if catalog.is_sqlite and not change_counter.is_intact(catalog.counter):
        hint = "the next command that writes to the home writes it again"
        yield Problem(where=str(catalog.counter), what="its bytes changed", hint=hint)


def _blobs(connection: Connection) -> Iterator[Problem]:
    for table, blob, sha256, name in _BLOBS:
        statement = select(table.c.recording_id, blob, sha256).execution_options(yield_per=64)
        for number, blob_bytes, expected_sha256 in connection.execute(statement):
            try:
                reads.verified_blob(blob_bytes, expected_sha256, f"the {name} of recording {number}")
            except CatalogDamaged as error:
                yield Problem(where=error.where, what=error.reason, hint=RESTORE)
    without_fingerprint = select(RECORDING.c.id).where(
        ~exists().where(FINGERPRINT.c.recording_id == RECORDING.c.id)
    )
    for number in connection.execute(without_fingerprint).scalars():
        yield Problem(where=f"recording {number}", what="it has no fingerprint", hint=RESTORE)


def _shard(
    catalog: Catalog, connection: Connection, row: reads.ShardRow, shard: Shard | ShardDamaged
) -> Iterator[Problem]:
    try:
        if isinstance(shard, ShardDamaged):
            raise shard
        index = shard.load()
    except ShardDamaged as error:
        was_opened = not isinstance(shard, ShardDamaged)
        if was_opened and isinstance(error, ShardMissing) and not _has_row(catalog, row):
            return  # a writer has replaced it meanwhile
        yield Problem(where=error.path, what=error.reason, hint=REBUILD)
        return
    n_codes = reads.count_codes(connection, MEMBERSHIP.c.segment_id == row.id)
    if not index.ntotal == n_codes == row.file.n_codes:
        what = f"it holds {index.ntotal} codes, its recordings have {n_codes}"
        yield Problem(where=str(shard.path), what=what, hint=REBUILD)


def _has_row(catalog: Catalog, row: reads.ShardRow) -> bool:
    with catalog.reading() as connection:
        same_file = select(SHARD.c.id).where(SHARD.c.file == row.file.file)
        return connection.execute(same_file).first() is not None


def _memberships(connection: Connection) -> Iterator[Problem]:
    has_membership = exists().where(
        MEMBERSHIP.c.collection_id == ITEM.c.collection_id, MEMBERSHIP.c.recording_id == ITEM.c.recording_id
    )
    not_searched = select(ITEM.c.id).where(ITEM.c.recording_id.is_not(None), ~has_membership)
    for number in connection.execute(not_searched).scalars():
        yield Problem(where=f"item {number}", what="a search cannot find it", hint=RESTORE)
    n_items = (
        select(func.count())
        .select_from(ITEM)
        .where(
            ITEM.c.collection_id == MEMBERSHIP.c.collection_id,
            ITEM.c.recording_id == MEMBERSHIP.c.recording_id,
        )
    )
    wrong_count = select(MEMBERSHIP.c.recording_id).where(MEMBERSHIP.c.n_items != n_items.scalar_subquery())
    for number in connection.execute(wrong_count).scalars():
        what = "the number of items that name it differs from the stored number"
        yield Problem(where=f"recording {number}", what=what, hint=RESTORE)
    has_item = exists().where(
        ITEM.c.collection_id == MEMBERSHIP.c.collection_id, ITEM.c.recording_id == MEMBERSHIP.c.recording_id
    )
    for number in connection.execute(select(MEMBERSHIP.c.recording_id).where(~has_item)).scalars():
        yield Problem(where=f"recording {number}", what="no item of its collection names it", hint=REBUILD)
    unused = select(RECORDING.c.id).where(~exists().where(ITEM.c.recording_id == RECORDING.c.id))
    for number in connection.execute(unused).scalars():
        yield Problem(where=f"recording {number}", what="no item names it", hint=RESTORE)


def _counts(connection: Connection, tenant: str) -> Iterator[Problem]:
    for collection in reads.collections(connection, tenant):
        items = select(func.count()).where(ITEM.c.collection_id == collection.id)
        members = MEMBERSHIP.c.collection_id == collection.id
        counted = (
            connection.execute(items.where(ITEM.c.recording_id.is_not(None))).scalar_one(),
            connection.execute(items.where(ITEM.c.recording_id.is_(None))).scalar_one(),
            connection.execute(select(func.count()).where(members)).scalar_one(),
            reads.count_codes(connection, members),
        )
        stored = (collection.n_items, collection.n_unreadable, collection.n_recordings, collection.n_codes)
        if counted != stored:
            what = f"it states {stored} items, unreadable items, recordings and codes, but has {counted}"
            yield Problem(where=_name_of(collection), what=what, hint=RESTORE)


def _unnamed_files(connection: Connection, folder: Path, *, settled_s: float) -> Iterator[Problem]:
    named = set(connection.execute(select(SHARD.c.file)).scalars())
    if not folder.is_dir():
        return
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name not in named and _age_s(entry) >= settled_s:
            path = folder / entry.name
            yield Problem(where=str(path), what="no shard of the catalog uses this file", hint=DELETE)


def _age_s(entry: os.DirEntry[str]) -> float:
    try:
        return max(0.0, time.time() - entry.stat().st_mtime)
    except FileNotFoundError:  # a writer has just deleted it
        return -1.0


def _name_of(collection: Collection) -> str:
    return f"collection {collection.name} (version {collection.version})"
