"""Loops of `peak_evidence`: the contrast of a query, summed at the spectral peaks of a reference.

The constants were chosen by hand on validation music in November 2026; frames are 32 ms.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit
from earwitness.fingerprint.numeric.order_statistics import median
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE

Floats = NDArray[np.float32]

MARGIN_FRAMES: Final = 125
"""Frames before and after a path that are compared too (4 s): a right path usually continues there."""

LONGEST_FRAMES: Final = 400
"""Of a longer path only the middle 13 s are compared."""

MAX_SHIFT_FRAMES: Final = 4
"""Largest shift of the peaks in time that is tried: a path is wrong by one query frame at most."""

MAX_SHIFT_BANDS: Final = 2
"""Largest shift of the peaks in frequency that is tried: the codes resolve pitch less finely."""

BAND_COST: Final = 0.5
"""Taken from a sum for each band of shift, because more shifts find more by chance."""

CHANCE_SHIFTS_FRAMES: Final = np.concatenate([np.arange(-240, -11, 6), np.arange(12, 241, 6)])
"""Shifts in time at which agreement is chance."""

LEAST_PEAKS: Final = 5
"""Fewer peaks are no evidence."""

LEAST_SUM: Final = 2.0
"""Below this sum chance is not measured and the agreement is 0: two thirds of the paths of absent queries."""

LEAST_CHANCE_SUMS: Final = 20
"""Shifts needed to measure chance."""

DEFAULT_SD: Final = 1.5
"""Standard deviation used where a recording is too short to measure chance; above that of most."""

LEAST_SD: Final = 1.2
"""Floor of the standard deviation: sparse excerpts vary little by chance, which would inflate their
agreement."""


def agreement(
    contrast: Floats,
    peaks: NDArray[np.int32],
    codes: NDArray[np.int32],
    frames: NDArray[np.int32],
    slope: float,
    hop_frames: int,
) -> float:
    """Return by how many standard deviations a query agrees with a reference's peaks more than by chance.

    Chance is measured with the same peaks at other times, in each band shift that is tried: two unrelated
    recordings may be in the same key.

    Parameters
    ----------
    contrast : float32 array, shape (n_frames, n_bands)
        `earwitness.index.statistics.peak_evidence.contrast` of the query variant that the path belongs to.
    peaks : int32 array, shape (n_peaks, 2)
        Frame and band of all peaks of the recording.
    codes, frames : int32 arrays, shape (n_steps,)
        The path's steps: reference codes and query frames.
    slope : float
        Seconds of the reference in one second of the query variant, along the path.
    hop_frames : int
        Spectrogram frames from one query frame to the next, ``query_hop_frames`` of the scheme.

    Returns
    -------
    agreement : float
        Best sum near the path minus the mean of the sums of chance, in the band shift where that mean is
        largest, over their standard deviation; 0 for too few peaks or a sum below `LEAST_SUM`.
    """
    first = max(int(frames[0]) * hop_frames - MARGIN_FRAMES, 0)
    last = min(int(frames[-1]) * hop_frames + MARGIN_FRAMES + 1, len(contrast))
    query = float(hop_frames * frames[len(frames) // 2])
    reference = query + hop_frames * median(codes * QUERY_FRAMES_PER_CODE - frames)
    if last - first > LONGEST_FRAMES:
        first = min(max(int(query) - LONGEST_FRAMES // 2, first), last - LONGEST_FRAMES)
        last = first + LONGEST_FRAMES
    return float(standardised_agreement(contrast, peaks, first, last, query, reference, slope))


@njit(cache=True, nogil=True)
def standardised_agreement(
    contrast: Floats,
    peaks: NDArray[np.int32],
    first: int,
    last: int,
    query: float,
    reference: float,
    slope: float,
) -> float:
    """Compute `agreement` in frames ``first`` to ``last`` of the query; frame ``query`` is at
    ``reference``."""
    sums = np.empty(2 * MAX_SHIFT_BANDS + 1)
    best = -np.inf
    for shift in range(-MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES + 1):
        if sum_at_peaks(contrast, peaks, first, last, query, reference + shift, slope, sums):
            for band in range(-MAX_SHIFT_BANDS, MAX_SHIFT_BANDS + 1):
                best = max(best, sums[band + MAX_SHIFT_BANDS] - BAND_COST * abs(band))
    if best < LEAST_SUM:
        return 0.0
    totals, squares, count = np.zeros(len(sums)), 0.0, 0
    for shift in CHANCE_SHIFTS_FRAMES:
        if sum_at_peaks(contrast, peaks, first, last, query, reference + shift, slope, sums):
            for k in range(len(sums)):
                totals[k] += sums[k]
                squares += sums[k] * sums[k]
            count += 1
    if count < LEAST_CHANCE_SUMS:
        return float(best / DEFAULT_SD)
    highest_mean, mean = -np.inf, 0.0
    for total in totals:
        highest_mean = max(highest_mean, total / count)
        mean += total / (count * len(totals))
    sd = np.sqrt(max(squares / (count * len(sums)) - mean * mean, 0.0))
    return float((best - highest_mean) / max(sd, LEAST_SD))


@njit(cache=True, nogil=True)
def sum_at_peaks(
    contrast: Floats,
    peaks: NDArray[np.int32],
    first: int,
    last: int,
    query: float,
    reference: float,
    slope: float,
    sums: NDArray[np.float64],
) -> bool:
    """Sum the contrast at all peaks, in each band shift, over the square root of their number.

    Returns
    -------
    enough : bool
        False if there are fewer than `LEAST_PEAKS` peaks.
    """
    begin, end = reference + (first - query) * slope - 1.0, reference + (last - query) * slope + 1.0
    low, high = 0, len(peaks)
    while low < high:
        middle = (low + high) // 2
        if peaks[middle, 0] < begin:
            low = middle + 1
        else:
            high = middle
    for band in range(len(sums)):
        sums[band] = 0.0
    count, per_frame, n_bands = 0, 1.0 / slope, contrast.shape[1]
    for k in range(low, len(peaks)):
        if peaks[k, 0] > end:
            break
        x = int(np.floor((peaks[k, 0] - reference) * per_frame + query + 0.5))
        if first <= x < last:
            count += 1
            lowest = peaks[k, 1] - MAX_SHIFT_BANDS
            for band in range(max(0, -lowest), min(len(sums), n_bands - lowest)):
                sums[band] += contrast[x, lowest + band]
    if count < LEAST_PEAKS:
        return False
    for band in range(len(sums)):
        sums[band] /= np.sqrt(count)
    return True
