"""Properties of spectrogram, warping, quantisation and dereverberation for any input."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.fingerprint.codes import Quantiser
from earwitness.fingerprint.dereverberate import DECAY_S, FLOOR, REVERBERATION_SHARE, dereverberate
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import (
    count_frames,
    normalise_level,
    power_frames,
    spectrogram,
)
from earwitness.fingerprint.types import Spectrogram, Waveform
from earwitness.fingerprint.warp import warp

seeds = st.integers(0, 2**31)
ratios = st.floats(0.7, 1.4)


def sound(seed: int, n_samples: int) -> Waveform:
    """White noise at any level."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(n_samples) * 10 ** rng.uniform(-4, 0)
    return Waveform(samples=samples.astype(np.float32))


def smooth(seed: int, n_frames: int = 120) -> Spectrogram:
    """Power that varies slowly over time and bands."""
    rng = np.random.default_rng(seed)
    time, band = np.meshgrid(np.arange(n_frames), np.arange(PARAMS.n_bands), indexing="ij")
    waves = [
        np.cos(time / rng.uniform(12, 40) + band / rng.uniform(9, 30) + rng.uniform(0, 6)) for _ in range(4)
    ]
    return Spectrogram(power=(5 + np.sum(waves, axis=0)).astype(np.float32), frame_s=PARAMS.frame_s)


@settings(max_examples=20)
@given(seed=seeds, n_samples=st.integers(0, 40_000), cut=st.floats(0, 1))
def test_frames_do_not_depend_on_ranges(seed: int, n_samples: int, cut: float) -> None:
    """Any split into ranges gives the same frames."""
    samples = sound(seed, n_samples).samples
    n_frames = count_frames(n_samples)
    at = int(cut * n_frames)
    pieces = [power_frames(samples, *span) for span in ((0, at), (at, n_frames))]
    np.testing.assert_allclose(np.concatenate(pieces), power_frames(samples, 0, n_frames), rtol=1e-4)


@settings(max_examples=20)
@given(seed=seeds, exponent=st.integers(-12, 12))
def test_the_log_spectrogram_is_invariant_to_gain(seed: int, exponent: int) -> None:
    """A gain by any power of two gives exactly the same log spectrogram."""
    quiet = sound(seed, 12_000)
    loud = Waveform(samples=quiet.samples * np.float32(2.0**exponent))
    before, after = (normalise_level(spectrogram(waveform).power) for waveform in (quiet, loud))
    np.testing.assert_array_equal(before, after)


@settings(max_examples=20)
@given(seed=seeds, hops=st.integers(1, 40))
def test_a_delay_shifts_the_frames(seed: int, hops: int) -> None:
    """Silence of k hops at the start shifts every frame by k."""
    samples = sound(seed, 20_000).samples
    delayed = np.pad(samples, (hops * PARAMS.hop_samples, 0))
    before, after = (spectrogram(Waveform(samples=each)).power for each in (samples, delayed))
    np.testing.assert_allclose(after[hops:], before, rtol=1e-4)


@given(seed=seeds)
def test_warping_by_one_is_the_identity(seed: int) -> None:
    """Without a change of speed, pitch or tempo, the spectrogram is unchanged."""
    original = smooth(seed)
    np.testing.assert_array_equal(warp(original).power, original.power)


@given(seed=seeds, speed=ratios)
def test_a_change_of_speed_can_be_undone(seed: int, speed: float) -> None:
    """Two opposite changes of speed give nearly the same power in bands that were not lost."""
    original = smooth(seed)
    restored = warp(warp(original, speed=speed), speed=1 / speed).power
    lost = int(np.ceil(abs(np.log2(speed)) * PARAMS.bands_per_octave)) + 1
    frames = slice(3, min(len(restored), len(original.power)) - 3)
    inner = slice(lost, PARAMS.n_bands - lost)
    np.testing.assert_allclose(restored[frames, inner], original.power[frames, inner], atol=0.15)


@given(seed=seeds, tempo=ratios, bands=st.integers(-30, 30))
def test_pitch_moves_bands_and_tempo_moves_time(seed: int, tempo: float, bands: int) -> None:
    """Undoing a rise by n bands moves band b + n to b; undoing a tempo stretches time by it."""
    original = smooth(seed)
    higher = warp(original, pitch_cents=1_200 * bands / PARAMS.bands_per_octave).power
    low, high = max(0, -bands), min(PARAMS.n_bands, PARAMS.n_bands - bands)
    np.testing.assert_allclose(higher[:, low:high], original.power[:, low + bands : high + bands], atol=1e-3)
    assert not higher[:, : max(0, low - 1)].any()
    assert len(warp(original, tempo=tempo).power) == 1 + round((len(original.power) - 1) * tempo)


def random_quantiser(seed: int) -> Quantiser:
    """A quantiser with equidistant levels and a random rotation."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((PARAMS.dim, PARAMS.dim)))[0].astype(np.float32)
    levels = np.linspace(-0.35, 0.35, 16, dtype=np.float32)
    return Quantiser(mean=np.zeros(PARAMS.dim, dtype=np.float32), rotation=rotation, levels=levels)


@settings(max_examples=30)
@given(seed=seeds, n_codes=st.integers(0, 40))
def test_packing_uses_the_nearest_level(seed: int, n_codes: int) -> None:
    """Each value is packed as the nearest level."""
    quantiser = random_quantiser(seed)
    vectors = np.random.default_rng(seed).standard_normal((n_codes, PARAMS.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = quantiser.pack(vectors)
    assert packed.shape == (n_codes, PARAMS.code_bytes) and packed.dtype == np.uint8
    rotated: NDArray[np.float32] = vectors @ quantiser.rotation.T
    nearest = np.abs(rotated[..., None] - quantiser.levels).argmin(axis=2)
    expected = (nearest[:, ::2] | nearest[:, 1::2] << 4).astype(np.uint8)
    assert np.count_nonzero(packed != expected) <= 0.001 * packed.size
    similarity = (quantiser.unpack(packed) * vectors).sum(axis=1)
    assert (similarity > 0.95).all()


@settings(max_examples=20)
@given(seed=seeds, n_frames=st.integers(0, 60), exponent=st.integers(-12, 12))
def test_dereverberation_subtracts_a_decaying_mean(seed: int, n_frames: int, exponent: int) -> None:
    """A share of the decaying mean of earlier frames is subtracted, down to a floor, at any gain."""
    wet = Spectrogram(power=smooth(seed, n_frames).power ** 3, frame_s=PARAMS.frame_s)
    decay = np.exp(-PARAMS.frame_s / DECAY_S)
    past = np.zeros(PARAMS.n_bands)
    expected = np.empty_like(wet.power)
    for i, frame in enumerate(wet.power):
        expected[i] = np.maximum(frame - REVERBERATION_SHARE * past, FLOOR * frame)
        past = decay * past + (1 - decay) * frame
    dry = dereverberate(wet).power
    np.testing.assert_allclose(dry, expected, rtol=1e-3)
    louder = Spectrogram(power=wet.power * np.float32(2.0**exponent), frame_s=PARAMS.frame_s)
    np.testing.assert_array_equal(dereverberate(louder).power, dry * np.float32(2.0**exponent))
