"""What cancels at some moments and pitches only is in the mix; ordinary stereo is mixed as it was."""

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
    """Eight tones that begin anew with other pitches four times a second, root mean square 1."""
    rng = np.random.default_rng(seed)
    time = np.arange(N) / RATE_HZ
    places = np.minimum((4 * time).astype(int), 7)
    sound = np.zeros(N)
    for _ in range(8):
        pitches = low_hz * (high_hz / low_hz) ** rng.random(8)
        sound += rng.random(8)[places] * np.sin(2 * np.pi * pitches[places] * time)
    return even(sound)


def noise(seed: int) -> Sound:
    """Pink noise, root mean square 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(N))
    sound = np.fft.irfft(spectrum / np.sqrt(np.arange(1, spectrum.size + 1)), N)
    return even(sound)


def even(sound: NDArray[np.float64]) -> Sound:
    """The sound with root mean square 1."""
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))), dtype=np.float32)


def part_of(sound: Sound, mixed: Sound) -> float:
    """With which gain a sound is in a mix, whatever its phase there."""
    return float(abs(np.vdot(hilbert(sound), mixed)) / np.vdot(sound, sound))


@pytest.mark.parametrize("centre", [tones(1), noise(1)], ids=["music", "noise"])
@pytest.mark.parametrize("centre_db", [-6, 0, 6])
def test_music_out_of_phase_is_in_the_mix_with_the_centre(centre: Sound, centre_db: float) -> None:
    """Left and right hold it with opposite signs and other sound with the same: the mix holds both."""
    music, over = tones(0), centre * np.float32(10 ** (centre_db / 20))
    mixed = mix_down(np.stack([over + music, over - music]))
    assert part_of(music, over) < 0.1  # which is the plain mean
    assert part_of(music, mixed) > 0.7
    assert part_of(over, mixed) > 0.8


def test_only_some_pitches_may_cancel() -> None:
    """Of a piece whose middle is out of phase, the middle is in the mix, and the rest is as it was."""
    middle, rest = tones(0, low_hz=800, high_hz=2_000), tones(2, low_hz=100, high_hz=400)
    mixed = mix_down(np.stack([rest + middle, rest - middle]))
    assert part_of(middle, mixed) > 0.9
    assert part_of(rest, mixed) == pytest.approx(1, abs=0.02)


def test_only_a_part_may_cancel() -> None:
    """Where music out of phase begins later, it is in the mix from there on; before it nothing changes."""
    music, over = tones(0), noise(1)
    music[: N // 2] = 0
    mixed = mix_down(np.stack([over + music, over - music]))
    assert part_of(music, mixed) > 0.5
    before = slice(0, N // 2 - FRAME)
    np.testing.assert_allclose(mixed[before], over[before], atol=1e-4)


@pytest.mark.parametrize("n_channels", [3, 6, 8])
def test_front_sides_that_cancel_are_in_the_mix_of_surround(n_channels: int) -> None:
    """Other sound on both front sides does not hide that they cancel, however many channels there are."""
    music, over = tones(0), noise(1)
    others = [0.3 * noise(seed) for seed in range(2, n_channels)]
    mixed = mix_down(np.stack([over + music, over - music, *others]))
    assert part_of(music, mixed) > 0.5 * 2 / n_channels


def test_all_that_cancels_is_kept() -> None:
    """Where two channels are opposite throughout, the mix has the power and the pitches of one of them."""
    music = tones(0)
    block = np.stack([music, -music])
    mixed = restore_cancelled(block, np.zeros(N, dtype=np.float32))
    assert part_of(music, mixed) == pytest.approx(1, abs=0.02)
    assert np.std(mixed) == pytest.approx(np.std(music), rel=0.02)


@pytest.mark.parametrize("width", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("panned", [True, False])
def test_ordinary_stereo_keeps_its_mean(panned: bool, width: float) -> None:
    """Panned voices, and a voice in two independent reverberations, are mixed bit for bit as they were."""
    voices = np.stack([tones(seed) for seed in range(6)])
    if panned:
        pans = np.pi / 2 * np.linspace(0.5 - width / 2, 0.5 + width / 2, len(voices))
        block = np.stack([np.cos(pans), np.sin(pans)]) @ voices
    else:
        block = voices[0] + width * np.stack([noise(7), noise(8)])
    block = block.astype(np.float32)
    assert np.array_equal(mix_down(block), (block[0] + block[1]) * np.float32(0.5))


@pytest.mark.parametrize("frames_apart", [3, 21, 90])
def test_microphones_apart_stay_like_their_mean(frames_apart: int) -> None:
    """The notches that a delay between the sides leaves in the mean are filled; no power is added."""
    left = noise(9)
    block = np.stack([left, np.roll(left, frames_apart)])
    mean = block.mean(axis=0)
    mixed = mix_down(block)
    assert np.corrcoef(mixed, mean)[0, 1] > 0.6
    assert np.std(mixed) < 1.1 * np.std(left)


@pytest.mark.parametrize("n_channels", [2, 3, 6, 8])
def test_independent_channels_do_not_cancel(n_channels: int) -> None:
    """By chance hardly any bin of channels that have nothing to do with one another is cancelled."""
    block = np.stack([noise(seed) for seed in range(n_channels)])
    assert cancelled_share(block, block.mean(axis=0)) < CANCELLED_SHARE
