"""How many recordings have no changed copies: works that an earlier version registered."""

from __future__ import annotations

from collections.abc import Iterable

from earwitness.index.database.catalog import open_catalog
from earwitness.index.database.copy_rows import count_copied
from earwitness.index.database.records import Collection
from earwitness.index.store.home_address import HomeAddress


def n_without_copies(address: HomeAddress, collections: Iterable[Collection]) -> int:
    """Return how many recordings of these collections have no changed copies."""
    catalog = open_catalog(address)
    try:
        with catalog.reading() as connection:
            return sum(each.n_recordings - count_copied(connection, each.id) for each in collections)
    finally:
        catalog.close()
