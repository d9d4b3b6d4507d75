"""Downmix: channels that cancel are inverted, and others are averaged."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint.decode.worker.downmix import STRETCH_FRAMES, mix_down

N = 6 * STRETCH_FRAMES
Sound = NDArray[np.float32]


def voices(count: int, seed: int = 0) -> Sound:
    """Independent noises, shape (count, N)."""
    return np.random.default_rng(seed).standard_normal((count, N)).astype(np.float32)


def correlation(a: Sound, b: Sound) -> float:
    """Correlation, whatever the sign."""
    return float(abs(np.corrcoef(a, b)[0, 1]))


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("gain", [1.0, 0.8])
def test_channels_of_opposite_phase_do_not_cancel(noise: float, gain: float) -> None:
    """A right channel that is the inverted left one, with noise or quieter, does not cancel it."""
    tune, *hiss = voices(3)
    block = np.stack([tune + noise * hiss[0], -gain * tune + noise * hiss[1]])
    assert correlation(mix_down(block), tune) > 0.99
    assert np.std(mix_down(block)) > 0.8 * np.std(tune)


@pytest.mark.parametrize("from_share", [0.1, 0.5, 0.9])
def test_a_channel_may_be_inverted_from_any_sample(from_share: float) -> None:
    """An inversion that begins inside a block loses at most the stretch in which it begins."""
    (tune,) = voices(1)
    right, at = tune.copy(), int(from_share * N)
    right[at:] *= -1
    equal = np.abs(mix_down(np.stack([tune, right])) - tune) < 1e-4
    assert np.count_nonzero(~equal) <= STRETCH_FRAMES


@pytest.mark.parametrize("inverted", [(1,), (5,), (0, 4), (1, 3, 5)])
def test_channels_of_surround_do_not_cancel(inverted: tuple[int, ...]) -> None:
    """If some of six channels with the same tune are inverted, the tune is louder than the rest."""
    tune, *own = voices(7)
    block = np.stack([tune + 0.1 * other for other in own])
    block[list(inverted)] *= -1
    assert correlation(mix_down(block), tune) > 0.9


def test_cancelling_front_channels_are_mixed_with_a_centre() -> None:
    """Two channels that cancel are in the mix together with a third one."""
    tune, speech = voices(2)
    mixed = mix_down(np.stack([tune, -tune, speech]))
    assert correlation(mixed, tune) > 0.5
    assert correlation(mixed, speech) > 0.3


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_ordinary_files_are_averaged(channels: int, order: str) -> None:
    """Independent or equal channels give the plain mean, bit for bit, in either memory layout."""
    for block in (voices(channels), np.repeat(voices(1), channels, axis=0)):
        ordered = np.array(block, order=order)  # type: ignore[call-overload]
        plain = ordered[0] if channels == 1 else ordered.mean(axis=0, dtype=np.float32)
        expected = (ordered[0] + ordered[1]) * np.float32(0.5) if channels == 2 else plain
        assert np.array_equal(mix_down(ordered), expected)


def test_a_silent_channel_is_no_cancellation() -> None:
    """A mono recording in one of two channels is averaged."""
    (tune,) = voices(1)
    assert np.array_equal(mix_down(np.stack([tune, np.zeros_like(tune)])), tune * np.float32(0.5))
