"""The spectrogram compared with scipy's, and its edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT, get_window

from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import (
    _window,
    band_filters,
    count_frames,
    local_level,
    normalise_level,
    spectrogram,
)
from earwitness.fingerprint.types import RATE_HZ, Waveform


def noise(n_samples: int, seed: int = 0) -> Waveform:
    """White noise at -20 dB."""
    samples = np.random.default_rng(seed).standard_normal(n_samples) * 0.1
    return Waveform(samples=samples.astype(np.float32))


def test_power_agrees_with_scipy() -> None:
    """Every band of every frame is scipy's power under the same filters, to one part in 2,000."""
    sound = noise(3 * RATE_HZ)
    actual = spectrogram(sound).power
    window = get_window("hann", PARAMS.n_fft)
    transform = ShortTimeFFT(window, PARAMS.hop_samples, fs=RATE_HZ, mfft=PARAMS.n_fft)
    frames = transform.stft(sound.samples.astype(np.float64), p0=0, p1=len(actual), padding="zeros")
    expected = (band_filters().dense(PARAMS.n_fft // 2 + 1) @ np.abs(frames) ** 2).T
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=5e-4)


def test_the_window_is_that_of_scipy() -> None:
    """The window is bit for bit the periodic Hann window of scipy, in float32."""
    assert np.array_equal(_window(PARAMS.n_fft), get_window("hann", PARAMS.n_fft).astype(np.float32))


def test_filters_sum_to_one() -> None:
    """Flat noise gives the same mean power in every band."""
    rows = band_filters().dense(PARAMS.n_fft // 2 + 1)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("band", [40, 64, 100, 126])
def test_a_tone_lands_in_its_band(band: int) -> None:
    """A tone at a band's centre is loudest there."""
    hz = PARAMS.low_hz * 2 ** (band / PARAMS.bands_per_octave)
    tone = np.sin(2 * np.pi * hz * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    power = spectrogram(Waveform(samples=tone)).power
    assert abs(int(power[15].argmax()) - band) <= (1 if band < 64 else 0)


def test_the_local_level_is_a_moving_mean() -> None:
    """The local level is the mean over neighbouring frames, fewer at the ends."""
    power = np.random.default_rng(1).random((90, PARAMS.n_bands)).astype(np.float32)
    reach = PARAMS.level_frames // 2
    expected = [power[max(0, i - reach) : i + reach + 1].mean() for i in range(len(power))]
    np.testing.assert_allclose(local_level(power), expected, rtol=1e-5)


def test_digital_silence_has_the_floor_value() -> None:
    """Silence gives the lowest value, not an error and not a NaN."""
    quiet = Waveform(samples=np.zeros(RATE_HZ, dtype=np.float32))
    log_spectrogram = normalise_level(spectrogram(quiet).power)
    np.testing.assert_allclose(log_spectrogram, -PARAMS.floor_db / 20, rtol=1e-5)


def test_an_empty_waveform_has_one_frame() -> None:
    """No samples give one silent frame, so that later steps get no empty array."""
    assert count_frames(0) == 1
    assert spectrogram(Waveform(samples=np.zeros(0, dtype=np.float32))).power.shape == (1, PARAMS.n_bands)


@pytest.mark.parametrize("silent_s", [0.5, 5.0, 40.0])
def test_silence_between_audio_has_no_power(silent_s: float) -> None:
    """Digital silence is skipped, without a change of the frames around it."""
    silent = np.zeros(round(silent_s * RATE_HZ), dtype=np.float32)
    sound = noise(3 * RATE_HZ)
    with_silence = spectrogram(Waveform(samples=np.concatenate([sound.samples, silent, sound.samples]))).power
    alone = spectrogram(Waveform(samples=np.concatenate([sound.samples, silent[: 2 * PARAMS.n_fft]]))).power
    n_frames = min(len(alone), count_frames(len(sound.samples)) + 2)
    np.testing.assert_array_equal(with_silence[: n_frames - 4], alone[: n_frames - 4])
    middle = slice(count_frames(len(sound.samples)) + 3, count_frames(len(sound.samples) + len(silent)) - 3)
    assert not with_silence[middle].any()
