"""Downmix and resampling: any channels at any sample rate to mono at ``RATE_HZ``.

The thresholds are chosen by hand; no command fits them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from earwitness.fingerprint.decode.worker.cancellation import restore_cancelled
from earwitness.fingerprint.types import RATE_HZ

RATES_HZ: Final = (1_000, 768_000)
"""Lowest and highest accepted sample rate."""

CANCELLED: Final = 0.25
"""Two channels cancel if their sum has less than this share (-6 dB) of their summed power."""

STRETCH_FRAMES: Final = 16_384
"""Frames in which channels are compared: a channel may be inverted from any sample on."""

MIN_POWER_SHARE: Final = 0.05
"""A pair of channels with a smaller share of the power of a block is ignored."""

MAX_AMPLITUDE: Final = 1e6
"""Larger samples, relative to full scale, are damage like NaN and are set to zero."""


def mix_down(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the channels, without cancellation (see `restore_cancelled`), NaN and infinity.

    Parameters
    ----------
    block : float32 array, shape (n_channels, n_frames)

    Returns
    -------
    mono : float32 array, shape (n_frames,)
    """
    mono = _mean(block)
    if mono.size and not np.abs(mono).max() <= MAX_AMPLITUDE:  # true for NaN as well
        block = np.where(np.abs(block) <= MAX_AMPLITUDE, block, np.float32(0))
        mono = _mean(block)
    if len(block) == 1:
        return mono
    inverted: dict[int, NDArray[np.float32]] = {}
    for first in range(0, block.shape[1], STRETCH_FRAMES):
        stretch = block[:, first : first + STRETCH_FRAMES]
        mixed = mono[first : first + STRETCH_FRAMES]
        signed = _invert_right(stretch, mixed) if len(block) == 2 else _invert_cancelling(stretch)
        if signed is not None:
            inverted[first] = _mean(signed)
    if len(inverted) * STRETCH_FRAMES < block.shape[1]:
        mono = restore_cancelled(block, mono)
    for first, mixed in inverted.items():
        mono[first : first + STRETCH_FRAMES] = mixed
    return mono


def _invert_right(block: NDArray[np.float32], mixed: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Both channels, the right one inverted; None unless they cancel in their mean `mixed`."""
    if block.T.flags.c_contiguous:
        flat = block.T.reshape(-1)
        summed = np.vdot(flat, flat)
    else:
        summed = np.vdot(block[0], block[0]) + np.vdot(block[1], block[1])
    if not 4 * np.vdot(mixed, mixed) < CANCELLED * summed:
        return None
    inverted: NDArray[np.float32] = np.stack([block[0], -block[1]])
    return inverted


def _invert_cancelling(block: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """All channels, inverted if they cancel others; None if none do."""
    powers = np.asarray(block @ block.T, dtype=np.float64)
    cancels = _power_ratios(powers) < CANCELLED
    if not cancels.any():
        return None
    inverted: NDArray[np.float32] = block * _signs(powers, cancels)[:, None]
    return inverted


def _power_ratios(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of the sum of each two channels over their summed power; 1 for quiet pairs."""
    own = np.diag(powers)
    summed = own[:, None] + own
    loud = summed > MIN_POWER_SHARE * own.sum()
    ratios: NDArray[np.float64] = np.divide(
        summed + 2 * powers, summed, out=np.ones_like(powers), where=loud & (summed > 0)
    )
    return ratios


def _signs(powers: NDArray[np.float64], cancels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """-1 for channels that cancel louder ones, +1 for the others."""
    signs = np.ones(len(powers), dtype=np.float32)
    done: list[int] = []
    for channel in np.argsort(-np.diag(powers), kind="stable"):
        opposed = [other for other in done if cancels[channel, other]]
        if opposed:
            signs[channel] = -signs[opposed[0]]
        else:
            similar = [other for other in done if _correlate(powers, channel, other)]
            signs[channel] = signs[similar[0]] if similar else 1
        done.append(int(channel))
    inverted: NDArray[np.float32] = signs * signs[int(np.argmax(np.any(cancels, axis=1)))]
    return inverted


def _correlate(powers: NDArray[np.float64], channel: int, other: int) -> bool:
    """Whether the correlation of two channels is above 0.5."""
    return bool(powers[channel, other] > 0.5 * np.sqrt(powers[channel, channel] * powers[other, other]))


def _mean(block: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(block) == 1:
        return np.ascontiguousarray(block[0])
    with np.errstate(invalid="ignore", over="ignore"):
        if len(block) == 2:  # four times as fast on interleaved samples
            return np.asarray((block[0] + block[1]) * np.float32(0.5), dtype=np.float32)
        return np.asarray(block.mean(axis=0, dtype=np.float32), dtype=np.float32)


class Resampler:
    """Resamples successive mono blocks to ``RATE_HZ`` (soxr, HQ), independently of their lengths."""

    def __init__(self, rate_hz: int) -> None:
        if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
            raise ValueError(f"a sample rate of {rate_hz:,} Hz")
        self._stream = None
        if rate_hz != RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")

    def push(self, mono: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Output samples available after this block, float32 (n,); `last` flushes the rest."""
        if self._stream is None:
            return mono
        return np.asarray(self._stream.resample_chunk(mono, last=last), dtype=np.float32)
