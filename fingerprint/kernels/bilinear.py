"""Kernel of `earwitness.fingerprint.warp`: bilinear resampling in time and log-frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit


@njit(cache=True, nogil=True)
def resample(
    power: NDArray[np.float32], step_frames: float, shift_bands: float, warped: NDArray[np.float32]
) -> None:
    """Set ``warped[i, b] = power[i * step_frames, b + shift_bands]`` by linear interpolation.

    Power outside the bands is zero; the last frame is repeated beyond the end.
    """
    n_frames, n_bands = power.shape
    whole_shift = int(np.floor(shift_bands))
    upper = np.float32(shift_bands - whole_shift)
    column = np.empty(n_bands + 1, dtype=np.float32)
    for i in range(warped.shape[0]):
        at = min(i * step_frames, n_frames - 1.0)
        before = int(at)
        after = min(before + 1, n_frames - 1)
        late = np.float32(at - before)
        for b in range(n_bands + 1):
            source = b + whole_shift
            column[b] = 0.0
            if 0 <= source < n_bands:
                column[b] = (1 - late) * power[before, source] + late * power[after, source]
        for b in range(n_bands):
            warped[i, b] = (1 - upper) * column[b] + upper * column[b + 1]
