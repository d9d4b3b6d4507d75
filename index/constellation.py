"""The second witness of a path: whether the query rises just where the reference has its peaks.

A path of codes is found by what the net makes of 1.6 s at a time; two pieces in one style can be alike in
that. Peaks are single cells of the spectrogram (Wang 2003). Here they are not matched with peaks of the
query, which noise moves and hides, but looked up in the whole query: how far it rises, on average, in the
cells where the reference has peaks (`index.peak_kernels`). Chance is measured on the spot, by the same
look-up with the peaks moved on in time: rhythm, key and persistent tones that two strangers share count for
little.
"""

from __future__ import annotations

from math import inf, log, log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from fingerprint.spectrogram import level_free
from fingerprint.types import Spectrogram

Floats = NDArray[np.float32]

ROUND_FRAMES, ROUND_BANDS = 1, 8
"""How far to either side the surroundings reach that a cell of the query is measured against."""

MOST_RISE: Final = 2.0
"""Rises and falls are cut off at 40 dB, so that no single cell decides."""

RISE_POWER: Final = 1.5
"""Strong rises tell more than in proportion (1.25 to 2 are alike; 1 and 2.5 are worse)."""

LOG_E_MOST: Final = log(20.0)
"""Paths that the codes alone let expect more often than this are not judged by peaks either."""


def log_e_of_both(log_e: float, log_p: float) -> float:
    """Log of the E-value of two independent witnesses, of which the second was asked about few paths.

    Chance gives ``x`` paths with E-values of at most ``x`` by the codes, up to the most that is looked at;
    each of them agrees with the peaks so well with probability ``p``. So it gives ``c * (1 + ln(most / c))``
    whose product ``E * p`` is at most ``c``.

    Returns
    -------
    log_e
        Infinite for a path that is not looked at.
    """
    if log_e > LOG_E_MOST:
        return inf
    product = log_e + log_p
    return product + log1p(LOG_E_MOST - product)


def contrast(spectrogram: Spectrogram) -> Floats:
    """How far each cell rises above its surroundings, each band of mean 0 and standard deviation 1.

    Returns
    -------
    contrast : float32 array, shape (n_frames, n_bands)
    """
    picture = level_free(spectrogram.power)
    size = (2 * ROUND_FRAMES + 1, 2 * ROUND_BANDS + 1)
    rise = picture - uniform_filter(picture, size, mode="nearest")
    np.clip(rise, -MOST_RISE, MOST_RISE, out=rise)
    rise *= np.abs(rise) ** np.float32(RISE_POWER - 1.0)
    rise -= rise.mean(axis=0)
    rise /= rise.std(axis=0) + np.float32(1e-3)
    return np.asarray(rise)
