"""Downmixes and resamples an array of samples like the decode worker."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.worker.downmix import RATES_HZ, STRETCH_FRAMES, Resampler, mix_down
from earwitness.fingerprint.errors import AudioTooLarge
from earwitness.fingerprint.types import Decoded, Waveform

BLOCK_FRAMES: Final = 4 * STRETCH_FRAMES
"""Frames of one block: as many as of a decode backend, so that a file and an array give the same samples."""

INTEGER_SCALES: Final = {"int16": 2.0**15, "int32": 2.0**31}
"""Full scale of integer samples."""


def decode_array(samples: NDArray[Any], *, rate_hz: float, limits: Limits, name: str = "array") -> Decoded:
    """Downmix an array of samples to one channel and resample it.

    Parameters
    ----------
    samples : float, int16 or int32 array, shape (n_samples,) or (n_channels, n_samples)
        Full scale is +-1 for floats, and the largest value of the type for integers.
    rate_hz : float
        Sample rate in Hz; a whole number from 1,000 to 768,000.
    limits : Limits
        Only `max_seconds` and `max_channels` are used.
    name : str
        Name of the array in errors.

    Raises
    ------
    TypeError
        For another type of sample.
    ValueError
        For another shape, an empty array, NaN or infinite samples, or a sample rate out of range.
    AudioTooLarge
        For more seconds or channels than `limits` allow.
    """
    channels = _checked(samples, rate_hz)
    n_channels, n_samples = channels.shape
    duration_s = n_samples / rate_hz
    if n_channels > limits.max_channels:
        raise AudioTooLarge(name=name, what="channels", limit=str(limits.max_channels))
    if duration_s > limits.max_seconds:
        raise AudioTooLarge(name=name, what="seconds", limit=f"{limits.max_seconds:g}")
    resampler, blocks = Resampler(round(rate_hz)), []
    for first in range(0, n_samples, BLOCK_FRAMES):
        block = _as_float(channels[:, first : first + BLOCK_FRAMES])
        blocks.append(resampler.push(mix_down(block), last=first + BLOCK_FRAMES >= n_samples))
    return Decoded(
        waveform=Waveform(samples=np.concatenate(blocks)),
        container="array",
        codec=str(channels.dtype),
        source_rate_hz=round(rate_hz),
        source_channels=n_channels,
        whole=True,
    )


def _checked(samples: NDArray[Any], rate_hz: float) -> NDArray[Any]:
    """Return the samples with shape (n_channels, n_samples); raises TypeError and ValueError."""
    if samples.dtype.kind != "f" and str(samples.dtype) not in INTEGER_SCALES:
        raise TypeError(f"samples must be float, int16 or int32, not {samples.dtype}")
    if samples.ndim not in {1, 2} or not samples.size:
        raise ValueError(
            f"samples must have the shape (n_samples,) or (n_channels, n_samples), not {samples.shape}"
        )
    channels = np.atleast_2d(samples)
    if channels.shape[0] > channels.shape[1]:
        raise ValueError(f"samples of shape {samples.shape}: channels come first, give samples.T")
    if not (rate_hz == round(rate_hz) and RATES_HZ[0] <= rate_hz <= RATES_HZ[1]):
        raise ValueError(f"rate_hz must be a whole number from {RATES_HZ[0]:,} to {RATES_HZ[1]:,}")
    if channels.dtype.kind == "f" and not np.isfinite(channels).all():
        raise ValueError("samples hold NaN or infinite values")
    return channels


def _as_float(block: NDArray[Any]) -> NDArray[np.float32]:
    scale = INTEGER_SCALES.get(str(block.dtype), 1.0)
    return np.ascontiguousarray(block / scale if scale != 1.0 else block, dtype=np.float32)
