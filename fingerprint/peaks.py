"""Picks the strongest spectral peaks of a recording (Wang 2003).

Peaks are evidence for a match that is almost independent of the codes in unrelated recordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.kernels.peak_picking import find_peaks
from earwitness.fingerprint.params import PARAMS, Params


def pick_peaks(log_spectrogram: NDArray[np.float32], params: Params = PARAMS) -> NDArray[np.int32]:
    """Pick the strongest peaks of each block of a log spectrogram.

    Parameters
    ----------
    log_spectrogram : float32 array, shape (n_frames, n_bands)
        Result of `earwitness.fingerprint.spectrogram.normalise_level`.

    Returns
    -------
    peaks : int32 array, shape (n_peaks, 2)
        Frame and band, by ascending frame, then band.
    """
    reach = params.peak_reach_frames, params.peak_reach_bands
    max_peaks = (
        log_spectrogram.size // ((reach[0] + 1) * (reach[1] + 1))
        + len(log_spectrogram)
        + log_spectrogram.shape[1]
    )
    cells, contrast = np.empty((max_peaks, 2), dtype=np.int32), np.empty(max_peaks, dtype=np.float32)
    box = params.peak_box_frames, params.peak_box_bands
    n_peaks = find_peaks(
        np.ascontiguousarray(log_spectrogram), params.peak_low_band, reach, box, cells, contrast
    )
    cells, contrast = cells[:n_peaks], contrast[:n_peaks]
    block = cells[:, 0] // params.peak_block_frames
    by_contrast = np.lexsort((-contrast, block))
    rank = np.arange(n_peaks) - np.searchsorted(block[by_contrast], block[by_contrast])
    return cells[np.sort(by_contrast[rank < params.peaks_per_block])]
