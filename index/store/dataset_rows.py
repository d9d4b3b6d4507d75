"""Read what is stored item by item: a dataset with its fingerprints, and the registered works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from earwitness.fingerprint.types import Fingerprint
from earwitness.index.database import reads
from earwitness.index.database.catalog import Catalog, open_catalog
from earwitness.index.database.records import CollectionKind, ItemRow
from earwitness.index.database.tables import ITEM
from earwitness.index.store.home_address import HomeAddress

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """One item of a dataset.

    Attributes
    ----------
    fingerprint : Fingerprint or None
        Of its recording, at the first item that names the recording; None at others, and at unreadable items.
    """

    item: ItemRow
    size_bytes: int | None
    fingerprint: Fingerprint | None


def dataset_rows(
    address: HomeAddress, collection: int, *, scheme: str, code_bytes: int
) -> Iterator[DatasetRow]:
    """Yield the items of a dataset in the order in which they were added, from one snapshot of the home.

    Raises
    ------
    HomeMissing, CatalogDamaged
    """
    catalog = open_catalog(address)
    try:
        with catalog.snapshot() as connection:
            met = set[int]()
            here = (ITEM.c.tenant == address.tenant) & (ITEM.c.collection_id == collection)
            statement = select(ITEM).where(here).order_by(ITEM.c.id)
            for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)):
                item, fingerprint = reads.item(row), None
                if item.recording is not None and item.recording not in met:
                    met.add(item.recording)
                    fingerprint = _fingerprint(connection, address.tenant, item.recording, scheme, code_bytes)
                yield DatasetRow(item=item, size_bytes=row.size_bytes, fingerprint=fingerprint)
    finally:
        catalog.close()


def registered_works(address: HomeAddress) -> list[ItemRow]:
    """Return the registered works in the order in which they were added.

    Raises
    ------
    HomeMissing, CatalogDamaged
    """
    catalog = open_catalog(address)
    try:
        with catalog.reading() as connection:
            stored = reads.collections(connection, address.tenant)
            works = [each.id for each in stored if each.kind is CollectionKind.WORKS]
            return reads.items(connection, address.tenant, ITEM.c.collection_id.in_(works)) if works else []
    finally:
        catalog.close()


def page_of_items(
    catalog: Catalog, tenant: str, collection: int, *, after: int = 0, limit: int
) -> list[ItemRow]:
    """Return items of a collection in the order of their numbers, beginning after the number `after`."""
    here = (ITEM.c.tenant == tenant) & (ITEM.c.collection_id == collection) & (ITEM.c.id > after)
    with catalog.reading() as connection:
        rows = connection.execute(select(ITEM).where(here).order_by(ITEM.c.id).limit(limit)).all()
    return [reads.item(row) for row in rows]


def _fingerprint(
    connection: Connection, tenant: str, number: int, scheme: str, code_bytes: int
) -> Fingerprint:
    recording = reads.recording(connection, tenant, number)
    assert recording is not None  # the item names it
    return Fingerprint(
        scheme=scheme,
        duration_s=recording.duration_s,
        active_s=recording.active_s,
        codes=reads.codes(connection, tenant, number, code_bytes),
        peaks=reads.peaks(connection, tenant, number),
        chromaprint=reads.chromaprint(connection, tenant, number),
    )
