"""Copies of complete files, by Chromaprint: 256-bit summaries select recordings, the vectors decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

MAX_SUMMARY_BITS: Final = 72
"""Largest number of summary bits that differ: transcoding changes few, unrelated audio nearly always more."""

MAX_BIT_ERROR_RATE: Final = 0.25
"""Largest share of differing bits along the overlap of two Chromaprint vectors; about 0.5 for unrelated
audio."""

MIN_LENGTH_RATIO: Final = 0.9
"""Smallest ratio of the lengths of two copies, and smallest share of overlap."""


class WholeFiles:
    """The summaries of one collection's recordings.

    Parameters
    ----------
    recordings : int64 array, shape (n,)
    durations_s : float64 array, shape (n,)
    summaries : uint8 array, shape (n, 32)
        `earwitness.fingerprint.chromaprint.summary_bits` of each recording.
    """

    def __init__(
        self, recordings: NDArray[np.int64], durations_s: NDArray[np.float64], summaries: NDArray[np.uint8]
    ) -> None:
        self._recordings, self._durations_s = recordings, durations_s
        self._sorted_s = np.sort(durations_s)
        self._index = faiss.IndexBinaryFlat(256)
        if len(summaries):
            self._index.add(np.ascontiguousarray(summaries))

    def have_length(self, duration_s: float) -> bool:
        """Return whether any recording has a length at which audio of this length can be a copy of it."""
        # slightly wider than `near`, so that rounding excludes none
        first = np.searchsorted(self._sorted_s, 0.999 * MIN_LENGTH_RATIO * duration_s)
        return bool(first < np.searchsorted(self._sorted_s, 1.001 * duration_s / MIN_LENGTH_RATIO))

    def near(self, summary: NDArray[np.uint8], duration_s: float) -> list[int]:
        """Return recordings of similar summary and length, nearest first."""
        _, distances, rows = self._index.range_search(summary.reshape(1, -1), MAX_SUMMARY_BITS + 1)
        shorter = np.minimum(self._durations_s[rows], duration_s)
        similar = shorter >= MIN_LENGTH_RATIO * np.maximum(self._durations_s[rows], duration_s)
        rows = rows[similar][np.argsort(distances[similar], kind="stable")]
        return [int(recording) for recording in self._recordings[rows]]


def copies(
    chromaprint: NDArray[np.uint32],
    duration_s: float,
    collections: list[WholeFiles],
    chromaprint_of: Callable[[int], NDArray[np.uint32]],
) -> list[int]:
    """Return recordings of which `chromaprint` is the complete file, verified along the vectors.

    Parameters
    ----------
    chromaprint : uint32 array, shape (n,)
    collections
        Collections to search.
    chromaprint_of
        Returns the stored vector of a recording.
    """
    if not chromaprint.size:
        return []
    from earwitness.fingerprint.chromaprint import summary_bits, whole_file_similarity  # loads libchromaprint

    summary = summary_bits(chromaprint)
    near = dict.fromkeys(number for files in collections for number in files.near(summary, duration_s))
    verified = []
    for number in near:
        bit_error_rate, overlap = whole_file_similarity(chromaprint, chromaprint_of(number))
        if bit_error_rate <= MAX_BIT_ERROR_RATE and overlap >= MIN_LENGTH_RATIO:
            verified.append(number)
    return verified
