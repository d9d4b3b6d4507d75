"""Whether a search can use the changed copies of works: all must have them, and they must fit into memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from earwitness.index.database.catalog import open_catalog
from earwitness.index.database.copy_rows import count_copied
from earwitness.index.database.records import Collection
from earwitness.index.store.home_address import HomeAddress

MOST_BYTES: Final = 640 << 20
"""Bytes of packed codes (about 400 hours of works, 0.8 GB of memory in each process that searches). With more
copies than that, every change is undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many recordings have no changed copies, and the bytes of those of the others."""

    n_without: int
    n_bytes: int

    @property
    def is_usable(self) -> bool:
        """Whether a search can use the copies."""
        return self.n_without == 0 and self.n_bytes <= MOST_BYTES


def coverage_of(connection: Connection, collections: Iterable[Collection]) -> Coverage:
    """Count the recordings of some collections without changed copies, and the bytes of the copies."""
    counts = [(each.n_recordings, *count_copied(connection, each.id)) for each in collections]
    return Coverage(
        n_without=sum(n_recordings - n_copied for n_recordings, n_copied, _ in counts),
        n_bytes=sum(n_bytes for *_, n_bytes in counts),
    )


def read_coverage(address: HomeAddress, collections: Iterable[Collection]) -> Coverage:
    """Return `coverage_of` the newest state of a home."""
    catalog = open_catalog(address)
    try:
        with catalog.reading() as connection:
            return coverage_of(connection, collections)
    finally:
        catalog.close()
