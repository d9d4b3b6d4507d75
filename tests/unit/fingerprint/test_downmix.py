"""The mix to one channel: what cancels is turned round, and all else is left as it was."""

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


def likeness(a: Sound, b: Sound) -> float:
    """Correlation, whatever the sign."""
    return float(abs(np.corrcoef(a, b)[0, 1]))


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("gain", [1.0, 0.8])
def test_sides_of_opposite_phase_do_not_cancel(noise: float, gain: float) -> None:
    """A right side that is the left one turned round, coded with loss or a little quieter, is added to it."""
    tune, *hiss = voices(3)
    block = np.stack([tune + noise * hiss[0], -gain * tune + noise * hiss[1]])
    assert likeness(mix_down(block), tune) > 0.99
    assert np.std(mix_down(block)) > 0.8 * np.std(tune)


@pytest.mark.parametrize("from_share", [0.1, 0.5, 0.9])
def test_a_side_may_turn_round_anywhere(from_share: float) -> None:
    """An inversion that begins inside a block costs at most the stretch in which it begins."""
    (tune,) = voices(1)
    right, at = tune.copy(), int(from_share * N)
    right[at:] *= -1
    kept = np.abs(mix_down(np.stack([tune, right])) - tune) < 1e-4
    assert np.count_nonzero(~kept) <= STRETCH_FRAMES


@pytest.mark.parametrize("turned", [(1,), (5,), (0, 4), (1, 3, 5)])
def test_channels_of_surround_do_not_cancel(turned: tuple[int, ...]) -> None:
    """Of six channels with the same tune some may be turned round; the tune stays above the rest."""
    tune, *own = voices(7)
    block = np.stack([tune + 0.1 * other for other in own])
    block[list(turned)] *= -1
    assert likeness(mix_down(block), tune) > 0.9


def test_front_sides_that_cancel_are_heard_beside_a_centre() -> None:
    """What cancels on two channels is not lost because a third one sounds."""
    tune, speech = voices(2)
    mixed = mix_down(np.stack([tune, -tune, speech]))
    assert likeness(mixed, tune) > 0.5
    assert likeness(mixed, speech) > 0.3


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_ordinary_files_are_mixed_as_ever(channels: int, order: str) -> None:
    """Independent or equal channels give the plain mean, bit for bit, in either memory layout."""
    for block in (voices(channels), np.repeat(voices(1), channels, axis=0)):
        laid = np.array(block, order=order)  # type: ignore[call-overload]
        plain = laid[0] if channels == 1 else laid.mean(axis=0, dtype=np.float32)
        expected = (laid[0] + laid[1]) * np.float32(0.5) if channels == 2 else plain
        assert np.array_equal(mix_down(laid), expected)


def test_one_silent_side_is_no_cancellation() -> None:
    """A mono recording on one side of two is the mean as ever."""
    (tune,) = voices(1)
    assert np.array_equal(mix_down(np.stack([tune, np.zeros_like(tune)])), tune * np.float32(0.5))
