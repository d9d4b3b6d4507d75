"""Restores in the mean of channels what cancels in it in some time-frequency bins only.

The thresholds are chosen by hand; no command fits them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.scipy_parts import irfft, rfft

FRAME: Final = 2_048
"""Samples of one transform."""

HOP: Final = FRAME // 2
"""Samples from one frame to the next."""

POOLED: Final = 8
"""Frames whose powers are summed: independent channels do not cancel over so many."""

CANCELS: Final = 0.25
"""A bin is cancelled if the sum of the channels has less than this share of their summed power."""

PART: Final = 65_536
"""Length in samples, about, of the parts that are restored or left unchanged."""

CANCELLED_SHARE: Final = 0.03
"""A part is restored if more than this share of its power is cancelled, with octaves weighted equally."""

NEARLY_EQUAL: Final = 0.9
"""Share of the power of identical channels from which a part is left unchanged without analysis."""

LEADER_SHARE: Final = 0.25
"""Channels are compared with the first one that has this share of the power of the loudest."""

TINY: Final = 1e-30
"""Avoids division by zero in silence."""

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]
Powers = NDArray[np.float32]


def restore_cancelled(block: Samples, mean: Samples) -> Samples:
    """Add to the mean of the channels what cancels in it; return `mean` itself if hardly anything does.

    The difference of the channels is added with a phase shift of 90 degrees, so that it cannot cancel the
    mean: every signal keeps its power in the channels, whatever its phase. With more than two channels this
    is done bin by bin, for those that oppose the first loud one.

    Parameters
    ----------
    block : float32 array, shape (n_channels, n_frames)
        At least two channels.
    mean : float32 array, shape (n_frames,)

    Returns
    -------
    float32 array, shape (n_frames,)
    """
    n_parts = max(1, round(mean.size / PART))
    borders = [mean.size * part // n_parts for part in range(n_parts + 1)]
    parts = [_restore_part(block[:, a:b], mean[a:b]) for a, b in pairwise(borders)]
    return parts[0] if n_parts == 1 else np.concatenate(parts)


def _restore_part(block: Samples, mean: Samples) -> Samples:
    if not cancelled_share(block, mean) > CANCELLED_SHARE:
        return mean
    spectra = _short_time_spectra(block)
    difference = _difference(spectra) if len(block) > 2 else (spectra[0] - spectra[1]) / 2
    return np.asarray(mean + _overlap_add(difference * np.complex64(1j), mean.size), dtype=np.float32)


def cancelled_share(block: Samples, mean: Samples) -> float:
    """Share of the power of a block in cancelled bins, 0 to 1, with octaves weighted equally."""
    n_channels, n_frames = block.shape
    n_pools = n_frames // (POOLED * FRAME)
    summed_power = sum(float(np.vdot(channel, channel)) for channel in block)
    mixed_power = n_channels * float(np.vdot(mean, mean))
    if not n_pools or summed_power <= TINY or mixed_power > NEARLY_EQUAL * summed_power:
        return 0.0
    frames = block[:, : n_pools * POOLED * FRAME].reshape(n_channels, n_pools, POOLED, FRAME)[:, :, ::2]
    spectra = _bins(frames * np.square(_window()))[..., : FRAME // 4]
    own = _power(spectra).sum(axis=(0, 2))
    together = _power(spectra.sum(axis=0)).sum(axis=1)
    weighted = own * np.arange(own.shape[-1], dtype=np.float32)
    return float(weighted[together < CANCELS * own].sum() / (weighted.sum() + TINY))


def _difference(spectra: Spectra) -> Spectra:
    """What inverting the channels that oppose the first loud one adds to the mean, bin by bin."""
    powers = _moving_sums(_power(spectra))
    loud = np.argmax(powers >= LEADER_SHARE * powers.max(axis=0), axis=0)
    leader = np.take_along_axis(spectra, loud[None], axis=0)
    opposed = _moving_sums(np.asarray((spectra * leader.conj()).real, dtype=np.float32)) < 0
    return np.asarray(np.where(opposed, leader - spectra, 0).mean(axis=0), dtype=np.complex64)


@lru_cache(maxsize=1)
def _window() -> Samples:
    """Sine window: its squares at a hop of half a frame sum to 1."""
    return np.asarray(np.sin(np.pi / FRAME * (np.arange(FRAME) + 0.5)), dtype=np.float32)


def _short_time_spectra(block: Samples) -> Spectra:
    """Short-time spectra, shape (n_channels, n_hops, n_bins)."""
    padded = np.pad(block, ((0, 0), (HOP, HOP + -block.shape[1] % HOP)))
    frames = sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]
    return _bins(frames * _window())


def _bins(frames: Samples) -> Spectra:
    return rfft(frames)


def _overlap_add(spectra: Spectra, n_frames: int) -> Samples:
    """Inverse of `_short_time_spectra` for one channel, (n_hops, n_bins) -> (n_frames,)."""
    frames = irfft(spectra) * _window()
    samples = np.zeros((len(frames) + 1, HOP), dtype=np.float32)
    samples[:-1] += frames[:, :HOP]
    samples[1:] += frames[:, HOP:]
    return samples.reshape(-1)[HOP : HOP + n_frames]


def _power(spectra: Spectra) -> Powers:
    return np.square(spectra.real) + np.square(spectra.imag)


def _moving_sums(powers: Powers) -> Powers:
    """Moving sums over `POOLED` + 1 hops, along the last axis but one."""
    n_hops = powers.shape[-2]
    sums = np.zeros((*powers.shape[:-2], n_hops + 1, powers.shape[-1]))
    np.cumsum(powers, axis=-2, dtype=np.float64, out=sums[..., 1:, :])
    at = np.arange(n_hops)
    above, below = np.minimum(at + POOLED // 2 + 1, n_hops), np.maximum(at - POOLED // 2, 0)
    return np.asarray(sums[..., above, :] - sums[..., below, :], dtype=np.float32)
