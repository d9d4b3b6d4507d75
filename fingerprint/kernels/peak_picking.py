"""Kernel of `earwitness.fingerprint.peaks`: local maxima of a log spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit


@njit(cache=True, nogil=True)
def find_peaks(
    log_spectrogram: NDArray[np.float32],
    low: int,
    reach: tuple[int, int],
    box: tuple[int, int],
    cells: NDArray[np.int32],
    contrast: NDArray[np.float32],
) -> int:
    """Write frame, band and contrast of each local maximum above the mean of its neighbourhood.

    Parameters
    ----------
    log_spectrogram : float32 array, shape (n_frames, n_bands)
    low : int
        Lowest band of a peak; its neighbourhood may include lower ones.
    reach, box : frames and bands
        Distance on each side within which a peak is the maximum, and that of its neighbourhood.
    cells : int32 array, shape (max_peaks, 2), written
        By frame, then by band.
    contrast : float32 array, shape (max_peaks,), written
        Difference between each peak and the mean of its neighbourhood.

    Returns
    -------
    n_peaks : int
        At most `max_peaks`.
    """
    n_frames, n_bands = log_spectrogram.shape
    n_peaks = 0
    for t in range(n_frames):
        for f in range(low, n_bands):
            if n_peaks == len(cells):
                return n_peaks
            here = log_spectrogram[t, f]
            # fast rejection: nearly every cell has a higher neighbour
            if (f > 0 and log_spectrogram[t, f - 1] >= here) or (
                f + 1 < n_bands and log_spectrogram[t, f + 1] > here
            ):
                continue
            if not _is_highest(log_spectrogram, t, f, reach):
                continue
            difference = here - _neighbourhood_mean(log_spectrogram, t, f, box)
            if difference > 0:
                cells[n_peaks, 0], cells[n_peaks, 1] = t, f
                contrast[n_peaks] = difference
                n_peaks += 1
    return n_peaks


@njit(cache=True, nogil=True)
def _is_highest(log_spectrogram: NDArray[np.float32], t: int, f: int, reach: tuple[int, int]) -> bool:
    here = log_spectrogram[t, f]
    for i in range(max(t - reach[0], 0), min(t + reach[0] + 1, log_spectrogram.shape[0])):
        for j in range(max(f - reach[1], 0), min(f + reach[1] + 1, log_spectrogram.shape[1])):
            # the first of equal cells is the peak
            if log_spectrogram[i, j] > here or (
                log_spectrogram[i, j] == here and (i < t or (i == t and j < f))
            ):
                return False
    return True


@njit(cache=True, nogil=True)
def _neighbourhood_mean(
    log_spectrogram: NDArray[np.float32], t: int, f: int, box: tuple[int, int]
) -> np.float32:
    total, count = np.float32(0.0), 0
    for i in range(max(t - box[0], 0), min(t + box[0] + 1, log_spectrogram.shape[0])):
        for j in range(max(f - box[1], 0), min(f + box[1] + 1, log_spectrogram.shape[1])):
            total += log_spectrogram[i, j]
            count += 1
    return np.float32(total / count)
