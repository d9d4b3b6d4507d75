"""Copies of whole files, found by Chromaprint at once: 256-bit summaries narrow down, vectors decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

MAX_SUMMARY_BITS: Final = 72
"""Summary bits that may differ: transcoding changes a few, unrelated sound more than this nearly always."""

MAX_BIT_ERROR_RATE: Final = 0.25
"""Bits of two Chromaprint vectors that may differ along their overlap; half of them do between strangers."""

MIN_LENGTH_RATIO: Final = 0.9
"""Whole copies have nearly the same length, and overlap in as much of it."""


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
        """Whether any is so long that a sound of this length can be a whole copy of it."""
        # a hair wider than `near`, so that rounding hides none
        first = np.searchsorted(self._sorted_s, 0.999 * MIN_LENGTH_RATIO * duration_s)
        return bool(first < np.searchsorted(self._sorted_s, 1.001 * duration_s / MIN_LENGTH_RATIO))

    def near(self, summary: NDArray[np.uint8], duration_s: float) -> list[int]:
        """Recordings of like summary and like length, nearest first."""
        _, distances, rows = self._index.range_search(summary.reshape(1, -1), MAX_SUMMARY_BITS + 1)
        shorter = np.minimum(self._durations_s[rows], duration_s)
        alike = shorter >= MIN_LENGTH_RATIO * np.maximum(self._durations_s[rows], duration_s)
        rows = rows[alike][np.argsort(distances[alike], kind="stable")]
        return [int(recording) for recording in self._recordings[rows]]


def copies(
    chromaprint: NDArray[np.uint32],
    duration_s: float,
    known: list[WholeFiles],
    chromaprint_of: Callable[[int], NDArray[np.uint32]],
) -> list[int]:
    """Recordings of which `chromaprint` is the whole file, verified along the whole vectors.

    Parameters
    ----------
    chromaprint : uint32 array, shape (n,)
    known
        Collections to look through.
    chromaprint_of
        Gives a recording's stored vector.
    """
    if not chromaprint.size:
        return []
    from earwitness.fingerprint.chromaprint import summary_bits, whole_file_similarity  # loads libchromaprint

    summary = summary_bits(chromaprint)
    near = dict.fromkeys(number for files in known for number in files.near(summary, duration_s))
    found = []
    for number in near:
        bit_error_rate, overlap = whole_file_similarity(chromaprint, chromaprint_of(number))
        if bit_error_rate <= MAX_BIT_ERROR_RATE and overlap >= MIN_LENGTH_RATIO:
            found.append(number)
    return found
