"""Find recordings by the Chromaprint of the beginning of a file, as AcoustID does.

Every recording of about the length of the file is compared; there is no index that could miss one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from earwitness.fingerprint.chromaprint import MAX_SHIFT_FRAMES
from earwitness.index.database import reads
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.tables import MEMBERSHIP, RECORDING
from earwitness.index.matching.whole_file import MAX_BIT_ERROR_RATE, MIN_LENGTH_RATIO

LENGTH_TOLERANCE_S: Final = 7.0
"""Largest difference of the lengths of two files that are compared: AcoustID's."""
MAX_FRAMES: Final = 1_000
"""Items of a vector that are compared, from its start: about 124 s, of which AcoustID's clients send 120.
Chosen by hand."""
_AT_ONCE: Final = 512
"""Recordings that are compared at once: memory."""
_STEP: Final = 4
"""Of a vector, every fourth item decides which recordings are compared in full: items overlap widely.
Chosen by hand."""
_COARSE_MARGIN: Final = 0.05
"""By how much their bit error rate may be above the limit. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class FileMatch:
    """A recording that a fingerprint matches.

    Attributes
    ----------
    recording : int
    duration_s : float
    bit_error_rate : float
        Share of differing bits; 0 for the same vector, about 0.5 for unrelated audio.
    """

    recording: int
    duration_s: float
    bit_error_rate: float

    @property
    def score(self) -> float:
        """1 for the same vector, 0 for one that is as different as unrelated audio."""
        return max(0.0, 1.0 - 2.0 * self.bit_error_rate)


def files_like(
    catalog: Catalog, tenant: str, vector: NDArray[np.uint32], duration_s: float, *, limit: int
) -> list[FileMatch]:
    """Return the recordings whose beginning has this Chromaprint, best first.

    Parameters
    ----------
    vector : uint32 array, shape (n,)
        Of the beginning of a file, or of all of it; not empty.
    duration_s : float
        Length of the whole file.
    limit : int
        Most recordings that are returned.
    """
    vector, found = vector[:MAX_FRAMES], list[FileMatch]()
    with catalog.reading() as connection:
        near = _of_length(connection, tenant, duration_s)
        for start in range(0, len(near), _AT_ONCE):
            rows = near[start : start + _AT_ONCE]
            stored = [reads.chromaprint(connection, tenant, number)[: _reach(vector)] for number, _ in rows]
            rates = bit_error_rates(vector, stored)
            found += [
                FileMatch(*row, bit_error_rate=float(rate))
                for row, rate in zip(rows, rates, strict=True)
                if rate <= MAX_BIT_ERROR_RATE
            ]
    return sorted(found, key=lambda each: (each.bit_error_rate, each.recording))[:limit]


def _of_length(connection: Connection, tenant: str, duration_s: float) -> list[tuple[int, float]]:
    """Return number and length of each recording of about this length that an item names."""
    shortest, longest = duration_s - LENGTH_TOLERANCE_S, duration_s + LENGTH_TOLERANCE_S
    near = RECORDING.c.duration_s.between(shortest, longest) & (RECORDING.c.tenant == tenant)
    named = RECORDING.c.id.in_(select(MEMBERSHIP.c.recording_id))
    found = connection.execute(select(RECORDING.c.id, RECORDING.c.duration_s).where(near, named))
    return [(row.id, row.duration_s) for row in found]


def _reach(vector: NDArray[np.uint32]) -> int:
    return len(vector) + MAX_SHIFT_FRAMES


def bit_error_rates(vector: NDArray[np.uint32], stored: Sequence[NDArray[np.uint32]]) -> NDArray[np.float64]:
    """Return the lowest bit error rate of a vector with each stored one, over shifts of up to 3 s.

    Parameters
    ----------
    vector : uint32 array, shape (n,)
    stored : sequence of uint32 arrays

    Returns
    -------
    rates : float64 array, shape (len(stored),)
        1 where at no shift nine tenths of the vector lie on the stored one.
    """
    padded, valid = _padded(vector, stored)
    rates = _lowest(vector, padded, valid, step=_STEP)
    near = rates <= MAX_BIT_ERROR_RATE + _COARSE_MARGIN
    exact = np.ones(len(stored))
    if near.any():
        exact[near] = _lowest(vector, padded[near], valid[near], step=1)
    return exact


def _padded(
    vector: NDArray[np.uint32], stored: Sequence[NDArray[np.uint32]]
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Return the stored vectors as rows with room for shifts at both ends, and which of their items exist."""
    width = MAX_SHIFT_FRAMES + _reach(vector)
    padded, valid = np.zeros((len(stored), width), np.uint32), np.zeros((len(stored), width), np.bool_)
    for number, each in enumerate(stored):
        end = MAX_SHIFT_FRAMES + min(len(each), _reach(vector))
        padded[number, MAX_SHIFT_FRAMES:end] = each[: end - MAX_SHIFT_FRAMES]
        valid[number, MAX_SHIFT_FRAMES:end] = True
    return padded, valid


def _lowest(
    vector: NDArray[np.uint32], padded: NDArray[np.uint32], valid: NDArray[np.bool_], *, step: int
) -> NDArray[np.float64]:
    lowest, thinned = np.ones(len(padded)), vector[::step]
    for shift in range(2 * MAX_SHIFT_FRAMES + 1):
        here = slice(shift, shift + len(vector), step)
        exists = valid[:, here]
        differing = np.bitwise_count(padded[:, here] ^ thinned) * exists
        n_compared = exists.sum(axis=1)
        rates = differing.sum(axis=1, dtype=np.int64) / np.maximum(32 * n_compared, 1)
        rates[n_compared < MIN_LENGTH_RATIO * len(thinned)] = 1.0
        np.minimum(lowest, rates, out=lowest)
    return lowest
