"""Audio that cancels in some time-frequency bins is restored; ordinary stereo is not changed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import hilbert

from earwitness.fingerprint.decode.worker.cancellation import (
    CANCELLED_SHARE,
    FRAME,
    cancelled_share,
    restore_cancelled,
)
from earwitness.fingerprint.decode.worker.downmix import mix_down

N = 65_536
RATE_HZ = 44_100
Sound = NDArray[np.float32]


def tones(seed: int, *, low_hz: float = 150.0, high_hz: float = 4_000.0) -> Sound:
    """Eight tones that change their pitches four times a second, root mean square 1."""
    rng = np.random.default_rng(seed)
    time = np.arange(N) / RATE_HZ
    steps = np.minimum((4 * time).astype(int), 7)
    sound = np.zeros(N)
    for _ in range(8):
        pitches = low_hz * (high_hz / low_hz) ** rng.random(8)
        sound += rng.random(8)[steps] * np.sin(2 * np.pi * pitches[steps] * time)
    return normalised(sound)


def noise(seed: int) -> Sound:
    """Pink noise, root mean square 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(N))
    sound = np.fft.irfft(spectrum / np.sqrt(np.arange(1, spectrum.size + 1)), N)
    return normalised(sound)


def normalised(sound: NDArray[np.float64]) -> Sound:
    """Scaled to root mean square 1."""
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))), dtype=np.float32)


def gain_in(sound: Sound, mixed: Sound) -> float:
    """Gain of a signal in a mix, for any phase."""
    return float(abs(np.vdot(hilbert(sound), mixed)) / np.vdot(sound, sound))


@pytest.mark.parametrize("centre", [tones(1), noise(1)], ids=["music", "noise"])
@pytest.mark.parametrize("centre_db", [-6, 0, 6])
def test_out_of_phase_music_is_in_the_mix_with_the_centre(centre: Sound, centre_db: float) -> None:
    """Music with opposite signs in left and right is in the mix, as is other audio with equal signs."""
    music, over = tones(0), centre * np.float32(10 ** (centre_db / 20))
    mixed = mix_down(np.stack([over + music, over - music]))
    assert gain_in(music, over) < 0.1  # the mean of the channels
    assert gain_in(music, mixed) > 0.7
    assert gain_in(over, mixed) > 0.8


def test_cancellation_in_one_frequency_range_is_restored() -> None:
    """If only middle frequencies are out of phase, they are restored, and the others do not change."""
    middle, rest = tones(0, low_hz=800, high_hz=2_000), tones(2, low_hz=100, high_hz=400)
    mixed = mix_down(np.stack([rest + middle, rest - middle]))
    assert gain_in(middle, mixed) > 0.9
    assert gain_in(rest, mixed) == pytest.approx(1, abs=0.02)


def test_cancellation_in_one_part_is_restored() -> None:
    """Music that is out of phase from the middle on is restored there; nothing changes before."""
    music, over = tones(0), noise(1)
    music[: N // 2] = 0
    mixed = mix_down(np.stack([over + music, over - music]))
    assert gain_in(music, mixed) > 0.5
    before = slice(0, N // 2 - FRAME)
    np.testing.assert_allclose(mixed[before], over[before], atol=1e-4)


@pytest.mark.parametrize("n_channels", [3, 6, 8])
def test_cancelling_front_channels_are_in_the_surround_mix(n_channels: int) -> None:
    """Front channels that cancel are restored, with any number of channels."""
    music, over = tones(0), noise(1)
    others = [0.3 * noise(seed) for seed in range(2, n_channels)]
    mixed = mix_down(np.stack([over + music, over - music, *others]))
    assert gain_in(music, mixed) > 0.5 * 2 / n_channels


def test_opposite_channels_keep_their_power() -> None:
    """If two channels are opposite throughout, the mix has the power of one of them."""
    music = tones(0)
    block = np.stack([music, -music])
    mixed = restore_cancelled(block, np.zeros(N, dtype=np.float32))
    assert gain_in(music, mixed) == pytest.approx(1, abs=0.02)
    assert np.std(mixed) == pytest.approx(np.std(music), rel=0.02)


@pytest.mark.parametrize("width", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("panned", [True, False])
def test_ordinary_stereo_is_its_mean(panned: bool, width: float) -> None:
    """Panned voices, and a voice with independent reverberations, are averaged bit for bit."""
    voices = np.stack([tones(seed) for seed in range(6)])
    if panned:
        pans = np.pi / 2 * np.linspace(0.5 - width / 2, 0.5 + width / 2, len(voices))
        block = np.stack([np.cos(pans), np.sin(pans)]) @ voices
    else:
        block = voices[0] + width * np.stack([noise(7), noise(8)])
    block = block.astype(np.float32)
    assert np.array_equal(mix_down(block), (block[0] + block[1]) * np.float32(0.5))


@pytest.mark.parametrize("frames_apart", [3, 21, 90])
def test_a_delay_between_channels_adds_no_power(frames_apart: int) -> None:
    """Notches in the mean of delayed channels are filled, without additional power."""
    left = noise(9)
    block = np.stack([left, np.roll(left, frames_apart)])
    mean = block.mean(axis=0)
    mixed = mix_down(block)
    assert np.corrcoef(mixed, mean)[0, 1] > 0.6
    assert np.std(mixed) < 1.1 * np.std(left)


@pytest.mark.parametrize("n_channels", [2, 3, 6, 8])
def test_independent_channels_do_not_cancel(n_channels: int) -> None:
    """Hardly any bin of independent channels is cancelled by chance."""
    block = np.stack([noise(seed) for seed in range(n_channels)])
    assert cancelled_share(block, block.mean(axis=0)) < CANCELLED_SHARE
