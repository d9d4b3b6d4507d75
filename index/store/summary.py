"""What a home holds, as its catalog says it: enough to say what will be asked, without what answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from earwitness.index.database import reads
from earwitness.index.database.catalog import open_catalog
from earwitness.index.database.records import Collection
from earwitness.index.store.store_errors import CollectionUnknown, HomeMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSummary:
    """The collections of one epoch. Reading them opens no shard and loads no model.

    Attributes
    ----------
    scheme : str
        The one scheme of the home's fingerprints.
    epoch : int
        The number of the last change.
    """

    scheme: str
    epoch: int
    collections: tuple[Collection, ...]

    @classmethod
    def read(cls, home: Path, *, tenant: str = "local", url: str | None = None) -> Self:
        """Read the newest epoch's.

        Raises
        ------
        HomeMissing
            When nothing was ever stored in this home.
        CatalogTooNew
            When a newer program wrote it.
        """
        catalog = open_catalog(home, url=url)
        try:
            with catalog.reading() as connection:
                return cls.from_connection(connection, tenant, home=home)
        finally:
            catalog.close()

    @classmethod
    def from_connection(cls, connection: Connection, tenant: str, *, home: Path) -> Self:
        """Read those of the instant that a connection sees; raises HomeMissing where there are none."""
        found = reads.home(connection, tenant)
        if found is None:
            raise HomeMissing(home=str(home))
        scheme, epoch = found
        return cls(scheme=scheme, epoch=epoch, collections=reads.collections(connection, tenant))

    def collection(self, number: int) -> Collection:
        """One collection; raises CollectionUnknown."""
        found = next((known for known in self.collections if known.id == number), None)
        if found is None:
            raise CollectionUnknown(collection=str(number))
        return found

    def state_digest(self, collections: Sequence[int]) -> str:
        """A name for the state of these collections: an answer about them holds as long as it is the same."""
        known = sorted((number, self.collection(number).changed_epoch) for number in set(collections))
        return hashlib.sha256(repr(known).encode()).hexdigest()
