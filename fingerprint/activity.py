"""How much of a sound is audible, and whether a sound is fit to be a registered work."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fingerprint.types import RATE_HZ, Query, Waveform

BLOCK_S: Final = 0.1
SILENCE_RMS: Final = 1e-3
"""-60 dB below full scale: below it a block is silent, however quiet the rest is."""

RELATIVE_RMS: Final = 10 ** (-50 / 20)
"""A block this far below the sound's own loud parts is silent too."""

NEEDED_ACTIVE_S: Final = 15.0


def active_seconds(waveform: Waveform) -> float:
    """Length that is neither silent nor far below the sound's own level, in seconds."""
    block = round(BLOCK_S * RATE_HZ)
    samples = waveform.samples
    if samples.size < block:
        return 0.0
    blocks = samples[: samples.size // block * block].reshape(-1, block)
    rms = np.sqrt(np.einsum("ij,ij->i", blocks, blocks) / block)
    floor = max(SILENCE_RMS, RELATIVE_RMS * float(np.quantile(rms, 0.95)))
    return float(np.count_nonzero(rms > floor)) * block / RATE_HZ
