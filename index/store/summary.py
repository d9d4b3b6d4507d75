"""What a home holds, read from its catalog alone: enough to plan a search, without shards or a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from earwitness.index.database import reads
from earwitness.index.database.catalog import open_catalog
from earwitness.index.database.records import Collection
from earwitness.index.store.home_address import HomeAddress
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
    def read(cls, address: HomeAddress) -> Self:
        """Read the newest epoch.

        Raises
        ------
        HomeMissing
            When nothing was ever stored in this home.
        CatalogTooNew
            When a newer program wrote it.
        """
        catalog = open_catalog(address)
        try:
            with catalog.reading() as connection:
                return cls.from_connection(connection, address)
        finally:
            catalog.close()

    @classmethod
    def from_connection(cls, connection: Connection, address: HomeAddress) -> Self:
        """Read the epoch that a connection sees; raises HomeMissing when nothing was ever stored."""
        stored = reads.home(connection, address.tenant)
        if stored is None:
            raise HomeMissing(home=str(address.path))
        scheme, epoch = stored
        return cls(scheme=scheme, epoch=epoch, collections=reads.collections(connection, address.tenant))

    def collection(self, number: int) -> Collection:
        """One collection; raises CollectionUnknown."""
        for collection in self.collections:
            if collection.id == number:
                return collection
        raise CollectionUnknown(collection=str(number))

    def state_digest(self, collections: Sequence[int]) -> str:
        """Digest of the state of these collections: a finding about them holds as long as it is the same."""
        known = sorted((number, self.collection(number).changed_epoch) for number in set(collections))
        return hashlib.sha256(repr(known).encode()).hexdigest()
