"""The loop of `earwitness.fingerprint.dereverberate`: a recursive mean along time, subtracted."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def subtract_past(
    power: NDArray[np.float32], decay: float, share: float, least: float, dried: NDArray[np.float32]
) -> None:
    """``dried = max(power - share * past, least * power)``, both (n_frames, n_bands).

    ``past`` is the mean of the frames before, each frame weighing `decay` times the one after it.
    """
    n_frames, n_bands = power.shape
    kept, new = np.float32(decay), np.float32(1 - decay)
    part, floor = np.float32(share), np.float32(least)
    past = np.zeros(n_bands, dtype=np.float32)
    for i in range(n_frames):
        for b in range(n_bands):
            here = power[i, b]
            dried[i, b] = max(here - part * past[b], floor * here)
            past[b] = kept * past[b] + new * here
