"""What cancels in the mean of channels at some moments and pitches only, given back to it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy import fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME: Final = 2_048
"""Samples of one transform."""

HOP: Final = FRAME // 2
"""Samples from one frame to the next."""

POOLED: Final = 8
"""Frames whose powers are added: channels that are independent do not cancel for so long."""

CANCELS: Final = 0.25
"""A bin is cancelled where the channels' sum has less than this part of the power that they have apart."""

PART: Final = 65_536
"""Samples, about, that are looked at, and restored or not, together."""

SHARE: Final = 0.03
"""A part is restored where more than this part of its power is cancelled, all octaves counting alike."""

NEARLY_EQUAL: Final = 0.9
"""Channels whose sum has this part of the power that equal channels would have are not looked at."""

LEADS: Final = 0.25
"""Channels are compared with the first one that has this part of the loudest one's power."""

TINY: Final = 1e-30
"""Keeps silence from being divided by zero."""

Sound = NDArray[np.float32]
Spectra = NDArray[np.complex64]
Powers = NDArray[np.float32]


def restore_cancelled(block: Sound, mean: Sound) -> Sound:
    """The mean of the channels, with what cancels in it; `mean` itself where hardly anything does.

    The difference of the channels is added to the mean a quarter of a cycle apart, so that the two cannot
    cancel: every sound keeps the power that it has in the channels, whatever its phase in them. Of more than
    two channels this is done bin by bin, for those that oppose the first loud one.

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
    ends = [mean.size * part // n_parts for part in range(n_parts + 1)]
    parts = [_restore_part(block[:, a:b], mean[a:b]) for a, b in pairwise(ends)]
    return parts[0] if n_parts == 1 else np.concatenate(parts)


def _restore_part(block: Sound, mean: Sound) -> Sound:
    if not cancelled_share(block, mean) > SHARE:
        return mean
    spectra = _transformed(block)
    difference = _difference(spectra) if len(block) > 2 else (spectra[0] - spectra[1]) / 2
    return np.asarray(mean + _sound(difference * np.complex64(1j), mean.size), dtype=np.float32)


def cancelled_share(block: Sound, mean: Sound) -> float:
    """Part of a block's power that lies in bins that are cancelled, 0 to 1, all octaves counting alike."""
    n_channels, n_frames = block.shape
    n_pools = n_frames // (POOLED * FRAME)
    apart = sum(float(np.vdot(channel, channel)) for channel in block)
    left = n_channels * float(np.vdot(mean, mean))
    if not n_pools or apart <= TINY or left > NEARLY_EQUAL * apart:
        return 0.0
    frames = block[:, : n_pools * POOLED * FRAME].reshape(n_channels, n_pools, POOLED, FRAME)[:, :, ::2]
    spectra = _bins(frames * np.square(_window()))[..., : FRAME // 4]
    own = _power(spectra).sum(axis=(0, 2))
    together = _power(spectra.sum(axis=0)).sum(axis=1)
    weighted = own * np.arange(own.shape[-1], dtype=np.float32)
    return float(weighted[together < CANCELS * own].sum() / (weighted.sum() + TINY))


def _difference(spectra: Spectra) -> Spectra:
    """What turning round the channels that oppose the first loud one adds to the mean, bin by bin."""
    powers = _moving(_power(spectra))
    loud = np.argmax(powers >= LEADS * powers.max(axis=0), axis=0)
    leader = np.take_along_axis(spectra, loud[None], axis=0)
    opposed = _moving(np.asarray((spectra * leader.conj()).real, dtype=np.float32)) < 0
    return np.asarray(np.where(opposed, leader - spectra, 0).mean(axis=0), dtype=np.complex64)


@lru_cache(maxsize=1)
def _window() -> Sound:
    """Its square, at every hop, adds up to 1."""
    return np.asarray(np.sin(np.pi / FRAME * (np.arange(FRAME) + 0.5)), dtype=np.float32)


def _transformed(block: Sound) -> Spectra:
    """Short-time spectra, shape (n_channels, n_hops, n_bins)."""
    padded = np.pad(block, ((0, 0), (HOP, HOP + -block.shape[1] % HOP)))
    frames = sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]
    return _bins(frames * _window())


def _bins(frames: Sound) -> Spectra:
    return np.asarray(fft.rfft(frames), dtype=np.complex64)


def _sound(spectra: Spectra, n_frames: int) -> Sound:
    """The samples that short-time spectra (n_hops, n_bins) were made of."""
    frames = fft.irfft(spectra, axis=-1) * _window()
    sound = np.zeros((len(frames) + 1, HOP), dtype=np.float32)
    sound[:-1] += frames[:, :HOP]
    sound[1:] += frames[:, HOP:]
    return sound.reshape(-1)[HOP : HOP + n_frames]


def _power(spectra: Spectra) -> Powers:
    return np.square(spectra.real) + np.square(spectra.imag)


def _moving(powers: Powers) -> Powers:
    """Sums over the `POOLED` hops nearest to each hop (the last axis but one), and itself."""
    n_hops = powers.shape[-2]
    sums = np.zeros((*powers.shape[:-2], n_hops + 1, powers.shape[-1]))
    np.cumsum(powers, axis=-2, dtype=np.float64, out=sums[..., 1:, :])
    at = np.arange(n_hops)
    above, below = np.minimum(at + POOLED // 2 + 1, n_hops), np.maximum(at - POOLED // 2, 0)
    return np.asarray(sums[..., above, :] - sums[..., below, :], dtype=np.float32)
