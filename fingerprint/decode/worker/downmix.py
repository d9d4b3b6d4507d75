"""Many channels at any rate -> one channel at ours."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from earwitness.fingerprint.decode.worker.cancellation import restore_cancelled
from earwitness.fingerprint.types import RATE_HZ

RATES_HZ: Final = (1_000, 768_000)
"""Lowest and highest sample rate taken for sound."""

CANCELLED: Final = 0.25
"""Two channels cancel where their sum has less than this part (-6 dB) of the power that they have apart."""

STRETCH_FRAMES: Final = 16_384
"""Frames looked at together: an inversion may start anywhere."""

CONSIDERABLE: Final = 0.05
"""A pair of channels with less of a block's power is not looked at."""

LOUDEST: Final = 1e6
"""Samples beyond this, full scale being 1, are damage like NaN and become silence."""


def mix_down(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the channels, with what cancels in it (see `restore_cancelled`); no NaN, no infinity.

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
    if len(block) == 1:
        return mono
    turned: dict[int, NDArray[np.float32]] = {}
    for first in range(0, block.shape[1], STRETCH_FRAMES):
        stretch = block[:, first : first + STRETCH_FRAMES]
        mixed = mono[first : first + STRETCH_FRAMES]
        signed = _two_turned(stretch, mixed) if len(block) == 2 else _many_turned(stretch)
        if signed is not None:
            turned[first] = _mean(signed)
    if len(turned) * STRETCH_FRAMES < block.shape[1]:
        mono = restore_cancelled(block, mono)
    for first, mixed in turned.items():
        mono[first : first + STRETCH_FRAMES] = mixed
    return mono


def _two_turned(block: NDArray[np.float32], mixed: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Both channels, the right one turned round; None where their mean `mixed` has not lost its power."""
    if block.T.flags.c_contiguous:
        flat = block.T.reshape(-1)
        apart = np.vdot(flat, flat)
    else:
        apart = np.vdot(block[0], block[0]) + np.vdot(block[1], block[1])
    if not 4 * np.vdot(mixed, mixed) < CANCELLED * apart:
        return None
    turned: NDArray[np.float32] = np.stack([block[0], -block[1]])
    return turned


def _many_turned(block: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """All channels, those turned round that cancel others; None where none do."""
    powers = np.asarray(block @ block.T, dtype=np.float64)
    cancels = _kept(powers) < CANCELLED
    if not cancels.any():
        return None
    turned: NDArray[np.float32] = block * _signs(powers, cancels)[:, None]
    return turned


def _kept(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of each two channels' sum over the power that they have apart; 1 where it does not matter."""
    own = np.diag(powers)
    apart = own[:, None] + own
    matters = apart > CONSIDERABLE * own.sum()
    kept: NDArray[np.float64] = np.divide(
        apart + 2 * powers, apart, out=np.ones_like(powers), where=matters & (apart > 0)
    )
    return kept


def _signs(powers: NDArray[np.float64], cancels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """+1 for each channel, -1 for those that cancel the ones that are loudest."""
    signs = np.ones(len(powers), dtype=np.float32)
    done: list[int] = []
    for channel in np.argsort(-np.diag(powers), kind="stable"):
        rivals = [other for other in done if cancels[channel, other]]
        if rivals:
            signs[channel] = -signs[rivals[0]]
        else:
            friends = [other for other in done if _alike(powers, channel, other)]
            signs[channel] = signs[friends[0]] if friends else 1
        done.append(int(channel))
    turned: NDArray[np.float32] = signs * signs[int(np.argmax(np.any(cancels, axis=1)))]
    return turned


def _alike(powers: NDArray[np.float64], channel: int, other: int) -> bool:
    """Whether two channels are mostly the same."""
    return bool(powers[channel, other] > 0.5 * np.sqrt(powers[channel, channel] * powers[other, other]))


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
