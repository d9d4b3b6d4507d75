"""Kernel of `earwitness.fingerprint.dereverberate`: subtracts a recursive mean along time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit


@njit(cache=True, nogil=True)
def subtract_past(
    power: NDArray[np.float32], decay: float, share: float, floor_share: float, dry: NDArray[np.float32]
) -> None:
    """Set ``dry = max(power - share * past, floor_share * power)``, both (n_frames, n_bands).

    ``past`` is the mean of the earlier frames, each weighted `decay` times the next one.
    """
    n_frames, n_bands = power.shape
    old, new = np.float32(decay), np.float32(1 - decay)
    subtracted, floor = np.float32(share), np.float32(floor_share)
    past = np.zeros(n_bands, dtype=np.float32)
    for i in range(n_frames):
        for b in range(n_bands):
            here = power[i, b]
            dry[i, b] = max(here - subtracted * past[b], floor * here)
            past[b] = old * past[b] + new * here
