"""Many channels at any rate -> one channel at ours."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from fingerprint.types import RATE_HZ

RATES_HZ: Final = (1_000, 768_000)
"""Lowest and highest sample rate taken for sound."""

CANCELLED: Final = 1e-3
"""A mix with less than this part of the left channel's energy has cancelled itself."""

LOUDEST: Final = 1e6
"""Samples beyond this, full scale being 1, are damage like NaN and become silence."""


def mix_down(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the channels; the left one where they cancel each other; no NaN, no infinity.

    Parameters
    ----------
    block : float32 array, shape (n_channels, n_frames)

    Returns
    -------
    mono : float32 array, shape (n_frames,)
    """
    mono = _mean(block)
    if mono.size and not np.abs(mono).max() <= LOUDEST:  # so written that NaN is caught
        block = np.where(np.abs(block) <= LOUDEST, block, np.float32(0))
        mono = _mean(block)
    if len(block) > 1 and np.vdot(mono, mono) < CANCELLED * np.vdot(block[0], block[0]):
        return np.ascontiguousarray(block[0])
    return mono


def _mean(block: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(block) == 1:
        return np.ascontiguousarray(block[0])
    with np.errstate(invalid="ignore", over="ignore"):
        if len(block) == 2:  # four times as fast as the general way on interleaved samples
            return np.asarray((block[0] + block[1]) * np.float32(0.5), dtype=np.float32)
        return np.asarray(block.mean(axis=0, dtype=np.float32), dtype=np.float32)


class Resampler:
    """Streams mono blocks to ``RATE_HZ`` (soxr, HQ); any split into blocks gives the same samples."""

    def __init__(self, rate_hz: int) -> None:
        if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
            raise ValueError(f"a sample rate of {rate_hz:,} Hz")
        self._stream = None
        if rate_hz != RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")

    def push(self, mono: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Samples that are finished after this block, float32 (n,); `last` flushes the rest."""
        if self._stream is None:
            return mono
        return np.asarray(self._stream.resample_chunk(mono, last=last), dtype=np.float32)
