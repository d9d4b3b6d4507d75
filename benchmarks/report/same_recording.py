"""Whether two places hold one recording: a sample that two pieces share, however each is mixed.

Two performances of one phrase, or one synthesiser in two pieces, have similar spectrograms. A recording is
recognised by its waveform: its stretches correlate at one common lag, those of two performances do not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import scipy.signal
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ, mono, read

LOW_RATE_HZ: Final = 5500
BAND_HZ: Final = (150.0, 2500.0)
"""Below, waves are so long that every lag correlates; above, the phase drifts within a stretch."""

STRETCH_S: Final = 0.7
LEAST_STRETCHES: Final = 4
REACH_S: Final = 2.0
"""Seconds before and after the place that are compared too: a shared sample may be longer than the match."""

SLACK_S: Final = 0.3
"""Allowed error of the claimed place in seconds: codes are half a second apart."""

SPEEDS: Final = np.arange(0.996, 1.00401, 2e-4)
"""A sample is reused unchanged, but clocks and resamplers differ."""

SAME_LAG_S: Final = 0.002
LEAST_CORRELATION: Final = 0.3
"""Low, because other instruments are mixed with a shared sample."""

ASIDE_S: Final = 0.02
MOST_ASIDE: Final = 0.96
"""A stretch that correlates nearly as well this far from the best lag is periodic, as a tremolo."""


def shares_recording(
    path: Path, there: Path, *, start_s: float, claimed_s: float, length_s: float, speed: float = 1.0
) -> bool:
    """Return whether two places in two files have the same waveform.

    Parameters
    ----------
    start_s, claimed_s, length_s
        The place, the claimed place, and the length of the match.
    speed
        The reported change: seconds of `there` in one second of `path`.
    """
    begin_s = max(0.0, start_s - REACH_S)
    expected_s = claimed_s - (start_s - begin_s) * speed
    early_s = max(0.0, expected_s - SLACK_S)
    compared_s = start_s - begin_s + length_s + REACH_S
    here = _band(read(path, start_s=begin_s, length_s=compared_s))
    other = _band(read(there, start_s=early_s, length_s=compared_s * speed + 2 * SLACK_S))
    return one_recording(here, other, expected_s=expected_s - early_s, speed=speed)


def one_recording(
    here: NDArray[np.float64], there: NDArray[np.float64], *, expected_s: float, speed: float = 1.0
) -> bool:
    """Return whether stretches of two band-limited waveforms at ``LOW_RATE_HZ`` correlate at one common lag.

    Parameters
    ----------
    expected_s
        Approximate start of `here` in `there`, in seconds; negative before its beginning.
    """
    size = round(STRETCH_S * LOW_RATE_HZ)
    if len(here) < LEAST_STRETCHES * size:
        return False
    for factor in speed * SPEEDS:
        slowed = np.interp(np.arange(0, len(here) - 1, 1 / factor), np.arange(len(here)), here)
        best_lags = [
            _best_lag(slowed[first : first + size], there, first, expected_s)
            for first in range(0, len(slowed) - size + 1, size)
        ]
        lags = np.sort([lag_s for lag_s, correlation in best_lags if correlation >= LEAST_CORRELATION])
        if len(lags) >= LEAST_STRETCHES:
            spans = lags[LEAST_STRETCHES - 1 :] - lags[: len(lags) - LEAST_STRETCHES + 1]
            if spans.min() <= SAME_LAG_S:
                return True
    return False


def _best_lag(
    stretch: NDArray[np.float64], there: NDArray[np.float64], first: int, expected_s: float
) -> tuple[float, float]:
    """Return the lag in seconds at which a stretch correlates best, and the correlation (0 if periodic)."""
    middle, slack = first + round(expected_s * LOW_RATE_HZ), round(SLACK_S * LOW_RATE_HZ)
    low = max(middle - slack, 0)
    around = there[low : max(middle + slack + len(stretch), 0)]
    if len(around) < len(stretch) or not np.any(stretch):
        return 0.0, 0.0
    products = scipy.signal.correlate(around, stretch, mode="valid", method="fft")
    energy = np.convolve(np.square(around), np.ones(len(stretch)), mode="valid")
    best = np.abs(products) / np.sqrt(np.maximum(energy, 1e-9) * np.square(stretch).sum())
    top, reach = int(best.argmax()), round(ASIDE_S * LOW_RATE_HZ)
    aside = np.concatenate([best[: max(top - reach, 0)], best[top + reach :]])
    distinct = aside.max(initial=0.0) <= MOST_ASIDE * best[top]
    return (low + top - first) / LOW_RATE_HZ, float(best[top]) if distinct else 0.0


def _band(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    if not len(samples):
        return np.zeros(0)
    low = soxr.resample(mono(samples), RATE_HZ, LOW_RATE_HZ, quality="HQ").astype(np.float64)
    sections = scipy.signal.butter(4, BAND_HZ, btype="bandpass", fs=LOW_RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sections, low))
