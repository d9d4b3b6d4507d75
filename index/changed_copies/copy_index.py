"""The changed copies of some collections in one FAISS index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

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
    def of(cls, stored: Iterable[tuple[int, ChangedCopies]], codec: Codec) -> Self | None:
        """Build the index of recordings and their copies; None where these are not of the same changes.

        Parameters
        ----------
        stored : iterable of (recording number, copies)
        """
        of_recordings = list(stored)
        layouts = {(copies.changes, copies.every) for _, copies in of_recordings}
        if len(layouts) != 1:
            return None
        ((changes, every),) = layouts
        n_codes = sum(len(codes) for _, copies in of_recordings for codes in copies.codes)
        return cls(changes=changes, every=every, index=build(_numbered(of_recordings), n_codes, codec))

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


def _numbered(of_recordings: Iterable[tuple[int, ChangedCopies]]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the codes of each copy under a number of its own."""
    for recording, copies in of_recordings:
        for copy, codes in enumerate(copies.codes):
            yield recording * len(copies.changes) + copy, codes
