"""A recording's constellation: its strongest spectral peaks (Wang 2003), the second witness of a match.

The codes say where a query may lie; whether it rises just where the reference has its peaks is seen in other
detail, and one says little about the other in sounds that have nothing to do with each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.kernels.peak_picking import find_peaks
from earwitness.fingerprint.params import PARAMS, Params


def pick_peaks(picture: NDArray[np.float32], params: Params = PARAMS) -> NDArray[np.int32]:
    """Peaks of a whole picture, the strongest few of each second.

    Parameters
    ----------
    picture : float32 array, shape (n_frames, n_bands)
        As `earwitness.fingerprint.spectrogram.normalise_level` makes it.

    Returns
    -------
    peaks : int32 array, shape (n_peaks, 2)
        Frame and band of each, frames ascending, bands ascending within a frame.
    """
    reach = params.peak_reach_frames, params.peak_reach_bands
    most = picture.size // ((reach[0] + 1) * (reach[1] + 1)) + len(picture) + picture.shape[1]
    cells, rise = np.empty((most, 2), dtype=np.int32), np.empty(most, dtype=np.float32)
    box = params.peak_box_frames, params.peak_box_bands
    n_found = find_peaks(np.ascontiguousarray(picture), params.peak_low_band, reach, box, cells, rise)
    cells, rise = cells[:n_found], rise[:n_found]
    block = cells[:, 0] // params.peak_block_frames
    by_rise = np.lexsort((-rise, block))
    rank = np.arange(n_found) - np.searchsorted(block[by_rise], block[by_rise])
    return cells[np.sort(by_rise[rank < params.peaks_per_block])]
