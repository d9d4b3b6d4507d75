"""The loop of `earwitness.fingerprint.peaks`: cells of a picture that no cell round them exceeds."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def find_peaks(
    picture: NDArray[np.float32],
    low: int,
    reach: tuple[int, int],
    box: tuple[int, int],
    cells: NDArray[np.int32],
    contrast: NDArray[np.float32],
) -> int:
    """Write frame, band and contrast of each local maximum that rises above its surroundings.

    Parameters
    ----------
    picture : float32 array, shape (n_frames, n_bands)
    low : int
        Lowest band of a peak; its surroundings may reach below.
    reach, box : frames and bands
        How far to each side a peak is the highest, and how far its surroundings reach.
    cells : int32 array, shape (n_most, 2), written
        In the order of frames, then bands.
    contrast : float32 array, shape (n_most,), written
        How far each peak rises above the mean of its surroundings.

    Returns
    -------
    n_peaks
        At most `n_most`.
    """
    n_frames, n_bands = picture.shape
    found = 0
    for t in range(n_frames):
        for f in range(low, n_bands):
            if found == len(cells):
                return found
            here = picture[t, f]
            # nearly every cell has a higher one beside it
            if (f > 0 and picture[t, f - 1] >= here) or (f + 1 < n_bands and picture[t, f + 1] > here):
                continue
            if not _is_highest(picture, t, f, reach):
                continue
            rise = here - _mean_round(picture, t, f, box)
            if rise > 0:
                cells[found, 0], cells[found, 1] = t, f
                contrast[found] = rise
                found += 1
    return found


@njit(cache=True, nogil=True)
def _is_highest(picture: NDArray[np.float32], t: int, f: int, reach: tuple[int, int]) -> bool:
    here = picture[t, f]
    for i in range(max(t - reach[0], 0), min(t + reach[0] + 1, picture.shape[0])):
        for j in range(max(f - reach[1], 0), min(f + reach[1] + 1, picture.shape[1])):
            # of equal cells the first is the peak
            if picture[i, j] > here or (picture[i, j] == here and (i < t or (i == t and j < f))):
                return False
    return True


@njit(cache=True, nogil=True)
def _mean_round(picture: NDArray[np.float32], t: int, f: int, box: tuple[int, int]) -> np.float32:
    total, count = np.float32(0.0), 0
    for i in range(max(t - box[0], 0), min(t + box[0] + 1, picture.shape[0])):
        for j in range(max(f - box[1], 0), min(f + box[1] + 1, picture.shape[1])):
            total += picture[i, j]
            count += 1
    return np.float32(total / count)
