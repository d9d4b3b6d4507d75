"""Evidence from spectral peaks: whether the query has energy where the reference has its peaks.

A path of codes rests on what the net makes of 1.6 s at a time, in which two pieces of one style can be
similar. Peaks are single cells of the spectrogram (Wang 2003). They are not matched with peaks of the query,
which noise moves and masks: they are looked up in the whole query, as the mean contrast of the cells where
the reference has peaks (`peak_loops`). Chance is measured by the same sum with the peaks moved in time, so
that rhythm, key and sustained tones that unrelated recordings share count for little.

The constants were chosen by hand on validation music in November 2026.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, log, log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.order_statistics import quantile
from earwitness.fingerprint.numeric.scipy_parts import box_mean
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.spectrogram import DECIBEL_SCALE, normalise_level
from earwitness.fingerprint.spectrogram import spectrogram as make_spectrogram
from earwitness.fingerprint.types import RATE_HZ, Spectrogram, Waveform

Floats = NDArray[np.float32]

BOX_FRAMES, BOX_BANDS = 1, 8
"""Half the size of the box whose mean is subtracted from each cell."""

MAX_CONTRAST: Final = 2.0
"""Largest contrast of a cell, in units of 20 dB: no single cell decides."""

CONTRAST_POWER: Final = 1.5
"""Exponent of the contrast: large values count more (1.25 to 2 are equally good; 1 and 2.5 are worse)."""

FULL_BAND: Final = 0.0
"""Normalised level at which a band has full weight; at the floor it has none. Outside the band of a telephone
only artefacts of the codec vary."""

LOUD_QUANTILE: Final = 0.9
"""The level of a band is this quantile of its frames."""

LEVEL_EVERY: Final = 4
"""The level of a band is measured on every so many frames."""

LEAST_WEIGHT: Final = 0.2
"""Weight of a band that varies no more than noise does. With both weights, right paths of 3 s gain 2 nats
over a telephone, in a room and under noise, at the same quantiles of the paths of absent queries."""

NOISE_S: Final = 60.0
"""Seconds of white noise that `noise_sd` is measured on."""

LOG_E_MOST: Final = log(20.0)
"""Largest log E by the codes of a path whose peaks are compared."""


def log_e_of_both(log_e: float, log_p: float) -> float:
    """Return log E of codes and peaks together, as independent evidence.

    Chance gives ``x`` paths with E-values of at most ``x`` by the codes, up to ``most = exp(LOG_E_MOST)``;
    each of them agrees so well with the peaks with probability ``p``. So it gives ``c * (1 + ln(most / c))``
    paths whose product ``E * p`` is at most ``c``.

    Parameters
    ----------
    log_e : float
        Log E of the codes.
    log_p : float
        Log of the probability of the agreement with the peaks.

    Returns
    -------
    log_e : float
        Infinite above `LOG_E_MOST`.
    """
    if log_e > LOG_E_MOST:
        return inf
    product = log_e + log_p
    return product + log1p(LOG_E_MOST - product)


def contrast(spectrogram: Spectrogram, params: Params) -> Floats:
    """Return how far each cell is above the cells around it, in standard deviations of its band.

    Parameters
    ----------
    params : Params
        Of the scheme that the spectrogram was computed under.

    Returns
    -------
    contrast : float32 array, shape (n_frames, n_bands)
        Bands have mean 0. They are weighted by their level and by the part of their variance that noise does
        not explain; the mean square of all cells is 1.
    """
    log_spectrogram = normalise_level(spectrogram.power, params)
    contrast = _raw_contrast(log_spectrogram)
    sd = contrast.std(axis=0) + np.float32(1e-3)
    weight = _level_weight(log_spectrogram, params.floor_db) * np.clip(
        1 - np.square(noise_sd(params) / sd), LEAST_WEIGHT, 1
    )
    weight /= np.sqrt(np.square(weight).mean()) + np.float32(1e-3)
    contrast *= weight / sd
    return contrast


def _raw_contrast(log_spectrogram: Floats) -> Floats:
    size = (2 * BOX_FRAMES + 1, 2 * BOX_BANDS + 1)
    contrast: Floats = log_spectrogram - box_mean(log_spectrogram, size)
    np.clip(contrast, -MAX_CONTRAST, MAX_CONTRAST, out=contrast)
    contrast *= np.abs(contrast) ** np.float32(CONTRAST_POWER - 1.0)
    contrast -= contrast.mean(axis=0)
    return contrast


def _level_weight(log_spectrogram: Floats, floor_db: float) -> Floats:
    """Return the weight of each band, from 0 at the floor to 1, shape (n_bands,)."""
    floor = -floor_db / DECIBEL_SCALE
    loud = quantile(log_spectrogram[::LEVEL_EVERY], LOUD_QUANTILE)
    weight: Floats = np.clip((loud - floor) / (FULL_BAND - floor), 0, 1).astype(np.float32)
    return weight


@lru_cache(maxsize=4)
def noise_sd(params: Params) -> Floats:
    """Return the standard deviation of the contrast of white noise in each band, shape (n_bands,)."""
    samples = np.random.default_rng(0).standard_normal(round(NOISE_S * RATE_HZ), dtype=np.float32)
    noise = make_spectrogram(Waveform(samples=np.float32(0.1) * samples), params)
    return np.asarray(_raw_contrast(normalise_level(noise.power, params)).std(axis=0))
