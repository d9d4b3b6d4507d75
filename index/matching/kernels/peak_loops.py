"""The loops of `peak_evidence`: a query's contrast summed over the peaks of a reference."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE

Floats = NDArray[np.float32]

MARGIN_FRAMES: Final = 125
"""What lies within 4 s of a path is compared too: where it is right it mostly goes on; chance does not."""

MOST_FRAMES: Final = 400
"""Of a longer path the middle 13 s are looked at."""

LATE_FRAMES: Final = 4
"""A path is off by a row at most: peaks are tried this much earlier and later."""

UP_BANDS: Final = 2
"""The net tells a semitone less well than this: peaks are tried so much higher and lower."""

BAND_COST: Final = 0.5
"""Standard deviations that each band of shift has to bring in, as more tries find more by chance."""

FAR_FRAMES: Final = np.concatenate([np.arange(-240, -11, 6), np.arange(12, 241, 6)])
"""Shifts that no path explains: chance."""

LEAST_PEAKS: Final = 5
LEAST_SUM: Final = 2.0
"""Of what rises less it need not be asked what chance gives: two in three paths of strangers."""

LEAST_FAR: Final = 20
PLAIN_SPREAD: Final = 1.5
"""Standard deviation where a recording is too short to be shifted: that of most is below it."""

LEAST_SPREAD: Final = 1.2
"""Of sparse pieces chance is hardly spread at all and reached by little: what is told counts for less."""


def agreement(
    contrast: Floats,
    peaks: NDArray[np.int32],
    codes: NDArray[np.int32],
    rows: NDArray[np.int32],
    slope: float,
    frames_per_row: int,
) -> float:
    """By how many standard deviations a query agrees with a reference's peaks more than by chance.

    Chance is what the peaks give at other times, in each band shift that was tried: two strangers may be in
    tune with each other, and a whole tone apart.

    Parameters
    ----------
    contrast : float32 array, shape (n_frames, n_bands)
        `earwitness.index.statistics.peak_evidence.contrast` of the copy that the path was found on.
    peaks : int32 array, shape (n_peaks, 2)
        All of the recording.
    codes, rows : int32 arrays, shape (n_steps,)
        The path's steps: reference codes and fine rows of the copy.
    slope : float
        Reference time in one of the copy, as the path says.
    frames_per_row : int
        Frames from one fine row of the copy to the next, ``query_hop_frames`` of the scheme.

    Returns
    -------
    agreement
        Best sum near the path over the mean of those far from it, in the band shift where that is highest,
        in standard deviations of all of them; 0 where too few peaks tell, or the query hardly rises.
    """
    first = max(int(rows[0]) * frames_per_row - MARGIN_FRAMES, 0)
    last = min(int(rows[-1]) * frames_per_row + MARGIN_FRAMES + 1, len(contrast))
    query = float(frames_per_row * rows[len(rows) // 2])
    reference = query + frames_per_row * float(np.median(codes * ROWS_PER_CODE - rows))
    if last - first > MOST_FRAMES:
        first = min(max(int(query) - MOST_FRAMES // 2, first), last - MOST_FRAMES)
        last = first + MOST_FRAMES
    return float(over_chance(contrast, peaks, first, last, query, reference, slope))


@njit(cache=True, nogil=True)
def over_chance(
    contrast: Floats,
    peaks: NDArray[np.int32],
    first: int,
    last: int,
    query: float,
    reference: float,
    slope: float,
) -> float:
    """`agreement` in frames ``first`` to ``last`` of the copy, where ``query`` lies on ``reference``."""
    sums = np.empty(2 * UP_BANDS + 1)
    best = -np.inf
    for late in range(-LATE_FRAMES, LATE_FRAMES + 1):
        if sum_along(contrast, peaks, first, last, query, reference + late, slope, sums):
            for up in range(-UP_BANDS, UP_BANDS + 1):
                best = max(best, sums[up + UP_BANDS] - BAND_COST * abs(up))
    if best < LEAST_SUM:
        return 0.0
    totals, squares, count = np.zeros(len(sums)), 0.0, 0
    for shift in FAR_FRAMES:
        if sum_along(contrast, peaks, first, last, query, reference + shift, slope, sums):
            for k in range(len(sums)):
                totals[k] += sums[k]
                squares += sums[k] * sums[k]
            count += 1
    if count < LEAST_FAR:
        return float(best / PLAIN_SPREAD)
    highest, mean = -np.inf, 0.0
    for total in totals:
        highest = max(highest, total / count)
        mean += total / (count * len(totals))
    spread = np.sqrt(max(squares / (count * len(sums)) - mean * mean, 0.0))
    return float((best - highest) / max(spread, LEAST_SPREAD))


@njit(cache=True, nogil=True)
def sum_along(
    contrast: Floats,
    peaks: NDArray[np.int32],
    first: int,
    last: int,
    query: float,
    reference: float,
    slope: float,
    sums: NDArray[np.float64],
) -> bool:
    """Sum the contrast at all peaks, in each band shift, over the root of their number.

    Returns
    -------
    found
        False where the peaks are too few.
    """
    begin, end = reference + (first - query) * slope - 1.0, reference + (last - query) * slope + 1.0
    low, high = 0, len(peaks)
    while low < high:
        middle = (low + high) // 2
        if peaks[middle, 0] < begin:
            low = middle + 1
        else:
            high = middle
    for up in range(len(sums)):
        sums[up] = 0.0
    count, per_frame, n_bands = 0, 1.0 / slope, contrast.shape[1]
    for k in range(low, len(peaks)):
        if peaks[k, 0] > end:
            break
        x = int(np.floor((peaks[k, 0] - reference) * per_frame + query + 0.5))
        if first <= x < last:
            count += 1
            lowest = peaks[k, 1] - UP_BANDS
            for up in range(max(0, -lowest), min(len(sums), n_bands - lowest)):
                sums[up] += contrast[x, lowest + up]
    if count < LEAST_PEAKS:
        return False
    for up in range(len(sums)):
        sums[up] /= np.sqrt(count)
    return True
