"""The second witness of a path: whether the query rises just where the reference has its peaks.

A path of codes is found by what the net makes of 1.6 s at a time; two pieces in one style can be alike in
that. Peaks are single cells of the spectrogram (Wang 2003). Here they are not matched with peaks of the
query, which noise moves and hides, but looked up in the whole query: how far it rises, on average, in the
cells where the reference has peaks (`peak_loops`). Chance is measured on the spot, by the same
look-up with the peaks moved on in time: rhythm, key and persistent tones that two strangers share count for
little.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, log, log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from earwitness.fingerprint.params import Params
from earwitness.fingerprint.spectrogram import DECIBEL_SCALE, normalise_level
from earwitness.fingerprint.spectrogram import spectrogram as make_spectrogram
from earwitness.fingerprint.types import RATE_HZ, Spectrogram, Waveform

Floats = NDArray[np.float32]

ROUND_FRAMES, ROUND_BANDS = 1, 8
"""How far to either side the surroundings reach that a cell of the query is measured against."""

MOST_RISE: Final = 2.0
"""Rises and falls are cut off at 40 dB, so that no single cell decides."""

RISE_POWER: Final = 1.5
"""Strong rises tell more than in proportion (1.25 to 2 are alike; 1 and 2.5 are worse)."""

FULL_BAND: Final = 0.0
"""A band weighs the more, the further its loudest tenth of frames rises over the floor; all it can from the
local level on. Beyond a telephone's band only the codec's leftovers rise and fall."""

LOUD_SHARE: Final = 0.9
LOOK_EVERY: Final = 4
"""One frame in so many tells how loud a band gets."""

LEAST_SIGNAL: Final = 0.2
"""What a band weighs at least that rises and falls no further than noise does. With both weights, right paths
of 3 s gain 2 nats over a telephone, in a room and under noise, at the same quantiles of strangers' paths."""

NOISE_S: Final = 60.0

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


def contrast(spectrogram: Spectrogram, params: Params) -> Floats:
    """How far each cell rises above its surroundings, in standard deviations of its band.

    Returns
    -------
    contrast : float32 array, shape (n_frames, n_bands)
        Bands have mean 0 and are weighted by how loud they get and by how little of their rising and falling
        noise would explain; of all cells the mean square is 1.
    """
    picture = normalise_level(spectrogram.power, params)
    rise = _rise(picture)
    spread = rise.std(axis=0) + np.float32(1e-3)
    weight = _loudness(picture, params.floor_db) * np.clip(
        1 - np.square(noise_spread(params) / spread), LEAST_SIGNAL, 1
    )
    weight /= np.sqrt(np.square(weight).mean()) + np.float32(1e-3)
    rise *= weight / spread
    return rise


def _rise(picture: Floats) -> Floats:
    size = (2 * ROUND_FRAMES + 1, 2 * ROUND_BANDS + 1)
    rise: Floats = picture - uniform_filter(picture, size, mode="nearest")
    np.clip(rise, -MOST_RISE, MOST_RISE, out=rise)
    rise *= np.abs(rise) ** np.float32(RISE_POWER - 1.0)
    rise -= rise.mean(axis=0)
    return rise


def _loudness(picture: Floats, floor_db: float) -> Floats:
    """From 0, where a band never leaves the floor, to 1; shape (n_bands,)."""
    floor = -floor_db / DECIBEL_SCALE
    loud = np.quantile(picture[::LOOK_EVERY], LOUD_SHARE, axis=0)
    weight: Floats = np.clip((loud - floor) / (FULL_BAND - floor), 0, 1).astype(np.float32)
    return weight


@lru_cache(maxsize=4)
def noise_spread(params: Params) -> Floats:
    """Standard deviation of what white noise rises by in each band, shape (n_bands,)."""
    samples = np.random.default_rng(0).standard_normal(round(NOISE_S * RATE_HZ), dtype=np.float32)
    noise = make_spectrogram(Waveform(samples=np.float32(0.1) * samples), params)
    return np.asarray(_rise(normalise_level(noise.power, params)).std(axis=0))
