"""The items of an indexed dataset: their lengths, their digests, and which could not be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from earwitness.index.database.records import Collection
from earwitness.index.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItems:
    """What a comparison needs of one indexed dataset.

    Attributes
    ----------
    durations_s : dict
        Length in seconds of every item that could be read, by its path and SHA-256.
    by_sha256 : dict
        Paths of the items that are a whole file, by the SHA-256 of its bytes; also of those that could not be
        compared.
    not_read : Counter
        Items without a fingerprint, by the code of their error.
    """

    collection: Collection
    durations_s: dict[tuple[str, str], float] = field(default_factory=dict)
    by_sha256: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    not_read: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> tuple[str, str]:
        """Name and version of the dataset."""
        return self.collection.name, self.collection.version


def stored_items(library: Library, collection: Collection) -> StoredItems:
    """Read the items of a dataset."""
    stored, durations_s = StoredItems(collection=collection), library.durations(collection.id)
    for row in library.listing(collection.id):
        if row.failure is not None:
            stored.not_read[row.failure.code] += 1
        if row.sha256 is None:
            continue
        if row.recording is not None:
            stored.durations_s[row.path, row.sha256] = durations_s[row.recording]
        if row.start_s is None and row.end_s is None:
            stored.by_sha256[row.sha256].append(row.path)
    return stored
