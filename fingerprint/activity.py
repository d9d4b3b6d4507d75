"""How much of a sound is audible, and whether a sound is fit to be a registered work."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import RATE_HZ, Query, Sound

BLOCK_S: Final = 0.1
BLOCKS_AT_ONCE: Final = 1_024
SILENCE_RMS: Final = 1e-3
"""-60 dB below full scale: below it a block of a sound of ordinary level is silent."""

DITHER_RMS: Final = 2.5e-5
"""-92 dB: below it a block is silent however quiet the rest is, as 16 bits hold little but dither there."""

QUIET_RMS: Final = 1e-2
"""Sounds whose loud parts lie below -40 dB are measured by their own level."""

OWN_RMS: Final = SILENCE_RMS / QUIET_RMS
"""How far below its own loud parts a block of such a sound is silent: as far as where the two rules meet."""

RELATIVE_RMS: Final = 10 ** (-50 / 20)
"""A block this far below the sound's own loud parts is silent too."""

NEEDED_ACTIVE_S: Final = 15.0
RANGE_DB: Final = 45.0
COARSE_BANDS: Final = 4
SMOOTH_FRAMES: Final = 8
LEAST_CHANGE_DB: Final = 2.2
"""The least over the open corpus's music and speech is 2.8 dB; noise and tones lie below 1.4."""

LONGEST_LOOP_S: Final = 8.0
LOOKED_AT_S: Final = 600.0
"""A bare loop shows within ten minutes; looking further only costs time."""

SAME_SHARE: Final = 0.25
"""Two moments are the same where they differ by less than this share of the sound's own change."""

LOOPED_SHARE: Final = 0.85
"""Bare loops come again at nearly every moment; the most repetitive piece of the open corpus at 0.63."""


def active_seconds(sound: Sound) -> float:
    """Length that is neither silent nor far below the sound's own level, in seconds."""
    block = round(BLOCK_S * RATE_HZ)
    n_blocks = sound.n_samples // block
    if not n_blocks:
        return 0.0
    rms = np.empty(n_blocks, dtype=np.float32)
    for first in range(0, n_blocks, BLOCKS_AT_ONCE):
        last = min(first + BLOCKS_AT_ONCE, n_blocks)
        blocks = sound.read(first * block, last * block).reshape(-1, block)
        rms[first:last] = np.sqrt(np.einsum("ij,ij->i", blocks, blocks) / block)
    loud = _loud(rms)
    absolute = SILENCE_RMS if loud >= QUIET_RMS else max(DITHER_RMS, OWN_RMS * loud)
    floor = max(absolute, RELATIVE_RMS * loud)
    return float(np.count_nonzero(rms > floor)) * block / RATE_HZ


def _loud(rms: NDArray[np.float32]) -> float:
    """The 0.95 quantile, for which `numpy.quantile` takes ten times as long on so few numbers."""
    place = 0.95 * (len(rms) - 1)
    below = int(place)
    ranked = np.sort(rms)[below : below + 2]
    return float(ranked[0] + (place - below) * (ranked[-1] - ranked[0]))


def reference_fitness(query: Query) -> str | None:
    """Why a sound must not be registered as a work, or None: it would match everybody's audio.

    Silence, noise, steady tones and bare loops are refused. Music that repeats itself is fine: a loop is bare
    where one period of at most ``LONGEST_LOOP_S`` comes again at nearly every moment of the whole.
    """
    if query.active_s < NEEDED_ACTIVE_S:
        return f"only {query.active_s:.1f} s of it are audible, {NEEDED_ACTIVE_S:g} s are needed"
    shape = _moving_shape(query.spectrogram.power)
    change_db = float(shape.std())
    if change_db < LEAST_CHANGE_DB:
        return f"its sound hardly changes ({change_db:.1f} dB), as of noise or a steady tone"
    period_s, looped = _loop(shape, change_db, query.spectrogram.frame_s)
    if looped > LOOPED_SHARE:
        return f"it is a bare loop of {period_s:.1f} s"
    return None


def _moving_shape(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decibels over time and coarse bands, less each moment's level and each band's: only what moves."""
    coarse = power.reshape(len(power), -1, COARSE_BANDS).mean(axis=2)
    total = np.cumsum(np.pad(coarse, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    smooth = total[SMOOTH_FRAMES:] - total[:-SMOOTH_FRAMES]
    loudest = smooth.max(axis=1)
    heard = smooth[loudest > np.quantile(loudest, 0.95) * 10 ** (-RANGE_DB / 10)]
    decibels = 10 * np.log10(np.maximum(heard, heard.max() * 1e-6))
    normalise_level = decibels - decibels.mean(axis=1, keepdims=True)
    moving: NDArray[np.float32] = (normalise_level - normalise_level.mean(axis=0)).astype(np.float32)
    return moving


def _loop(shape: NDArray[np.float32], change_db: float, step_s: float) -> tuple[float, float]:
    """The period after which most moments come again, in seconds, and the share of moments that do."""
    shape = shape[: int(LOOKED_AT_S / step_s)]
    best_s, best_share = 0.0, 0.0
    first = int(0.5 / step_s)
    for lag in range(first, min(int(LONGEST_LOOP_S / step_s), len(shape) // 2)):
        differ = shape[lag:] - shape[:-lag]
        squares = np.einsum("ij,ij->i", differ, differ) / shape.shape[1]
        share = float((squares < (SAME_SHARE * change_db) ** 2).mean())
        if share > best_share:
            best_s, best_share = lag * step_s, share
    return best_s, best_share
