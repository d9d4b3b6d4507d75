"""The changed copies of some collections in one FAISS index in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from earwitness.index.changed_copies.index_file import read_or_build
from earwitness.index.database.copy_rows import CopiesHead, copies_of_members, heads_of_members
from earwitness.index.database.records import ChangedCopies
from earwitness.index.match import Change, Hits
from earwitness.index.store.shards import Codec, build, search_index, split_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyIndex:
    """Codes of the changed copies of recordings.

    Attributes
    ----------
    changes : tuple of Change
        Of the copies of every recording.
    every : int
        One of so many codes of each copy is stored.
    """

    changes: tuple[Change, ...]
    every: int
    index: Any

    @classmethod
    def open(
        cls, snapshot: Connection, collections: Sequence[int], codec: Codec, *, home: Path
    ) -> Self | None:
        """Open the index of the changed copies of some collections; None where they differ in their changes.

        Parameters
        ----------
        snapshot
            The state of the catalog that is searched.
        home
            Folder of the home, in which a large index is kept.
        """
        heads: dict[int, CopiesHead] = {}
        for number in collections:
            heads |= heads_of_members(snapshot, number)
        layouts = {(head.changes, head.every) for head in heads.values()}
        if len(layouts) != 1:
            return None
        ((changes, every),) = layouts
        n_codes = sum(sum(head.n_codes) for head in heads.values())

        def built() -> Any:
            stored = dict[int, ChangedCopies]()
            for number in collections:
                stored |= copies_of_members(snapshot, number, codec.params.code_bytes)
            return build(_numbered(stored), n_codes, codec)

        digests = sorted((recording, head.digest) for recording, head in heads.items())
        name = hashlib.sha256(repr((codec.scheme, digests)).encode()).hexdigest()[:32]
        return cls(changes=changes, every=every, index=read_or_build(home, name, n_codes, built))

    def search(self, vectors: NDArray[np.float32], *, k: int, n_probe: int) -> tuple[Hits, NDArray[np.int64]]:
        """Find the `k` codes of copies nearest to each vector.

        Returns
        -------
        hits : Hits
            The positions are those of codes that were all kept.
        copy : int64 array, shape (n_hits,)
            Number of the change of each hit.
        """
        similarity, numbers = search_index(self.index, np.ascontiguousarray(vectors), k, n_probe)
        row, column = np.nonzero(numbers >= 0)
        owner, position = split_numbers(numbers[row, column])
        recording, copy = np.divmod(owner, len(self.changes))
        hits = Hits(
            query_row=row.astype(np.int32),
            recording=recording,
            position=position * np.int32(self.every),
            similarity=similarity[row, column].astype(np.float32),
        )
        return hits, copy

    def __len__(self) -> int:
        """Number of codes."""
        return int(self.index.ntotal)


def _numbered(stored: Mapping[int, ChangedCopies]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the codes of each copy under a number of its own."""
    for recording, copies in stored.items():
        for copy, codes in enumerate(copies.codes):
            yield recording * len(copies.changes) + copy, codes
