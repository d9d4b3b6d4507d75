"""Laws of the front end, of warping and of packing, for any input."""

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
    """Power that varies slowly over time and bands, as of chords."""
    rng = np.random.default_rng(seed)
    time, band = np.meshgrid(np.arange(n_frames), np.arange(PARAMS.n_bands), indexing="ij")
    waves = [
        np.cos(time / rng.uniform(12, 40) + band / rng.uniform(9, 30) + rng.uniform(0, 6)) for _ in range(4)
    ]
    return Spectrogram(power=(5 + np.sum(waves, axis=0)).astype(np.float32), frame_s=PARAMS.frame_s)


@settings(max_examples=20)
@given(seed=seeds, n_samples=st.integers(0, 40_000), cut=st.floats(0, 1))
def test_frames_in_pieces_are_the_frames_of_the_whole(seed: int, n_samples: int, cut: float) -> None:
    """However the frames are split into ranges, the same frames come out."""
    samples = sound(seed, n_samples).samples
    n_frames = count_frames(n_samples)
    at = int(cut * n_frames)
    pieces = [power_frames(samples, *span) for span in ((0, at), (at, n_frames))]
    np.testing.assert_allclose(np.concatenate(pieces), power_frames(samples, 0, n_frames), rtol=1e-4)


@settings(max_examples=20)
@given(seed=seeds, exponent=st.integers(-12, 12))
def test_gain_changes_nothing(seed: int, exponent: int) -> None:
    """Twice or half as loud, any number of times, is exactly the same picture."""
    quiet = sound(seed, 12_000)
    loud = Waveform(samples=quiet.samples * np.float32(2.0**exponent))
    before, after = (normalise_level(spectrogram(waveform).power) for waveform in (quiet, loud))
    np.testing.assert_array_equal(before, after)


@settings(max_examples=20)
@given(seed=seeds, hops=st.integers(1, 40))
def test_a_delay_shifts_the_frames(seed: int, hops: int) -> None:
    """Silence of k hops in front moves every frame by k."""
    late = sound(seed, 20_000).samples
    delayed = np.pad(late, (hops * PARAMS.hop_samples, 0))
    before, after = (spectrogram(Waveform(samples=samples)).power for samples in (late, delayed))
    np.testing.assert_allclose(after[hops:], before, rtol=1e-4)


@given(seed=seeds)
def test_warping_by_nothing_changes_nothing(seed: int) -> None:
    """A speed, pitch and tempo of one is the identity."""
    whole = smooth(seed)
    np.testing.assert_array_equal(warp(whole).power, whole.power)


@given(seed=seeds, speed=ratios)
def test_a_change_of_speed_can_be_taken_back(seed: int, speed: float) -> None:
    """Faster, then slower by as much, is nearly the same wherever no band was lost."""
    whole = smooth(seed)
    back = warp(warp(whole, speed=speed), speed=1 / speed).power
    lost = int(np.ceil(abs(np.log2(speed)) * PARAMS.bands_per_octave)) + 1
    frames = slice(3, min(len(back), len(whole.power)) - 3)
    inner = slice(lost, PARAMS.n_bands - lost)
    np.testing.assert_allclose(back[frames, inner], whole.power[frames, inner], atol=0.15)


@given(seed=seeds, tempo=ratios, bands=st.integers(-30, 30))
def test_pitch_moves_bands_and_tempo_moves_time(seed: int, tempo: float, bands: int) -> None:
    """Undoing a rise of n bands takes band b from b + n; undoing a tempo makes time run as much longer."""
    whole = smooth(seed)
    higher = warp(whole, pitch_cents=1_200 * bands / PARAMS.bands_per_octave).power
    low, high = max(0, -bands), min(PARAMS.n_bands, PARAMS.n_bands - bands)
    np.testing.assert_allclose(higher[:, low:high], whole.power[:, low + bands : high + bands], atol=1e-3)
    assert not higher[:, : max(0, low - 1)].any()
    assert len(warp(whole, tempo=tempo).power) == 1 + round((len(whole.power) - 1) * tempo)


def turned(seed: int) -> Quantiser:
    """A quantiser with even levels and a random rotation."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((PARAMS.dim, PARAMS.dim)))[0].astype(np.float32)
    levels = np.linspace(-0.35, 0.35, 16, dtype=np.float32)
    return Quantiser(mean=np.zeros(PARAMS.dim, dtype=np.float32), rotation=rotation, levels=levels)


@settings(max_examples=30)
@given(seed=seeds, n_codes=st.integers(0, 40))
def test_packing_keeps_the_nearest_level(seed: int, n_codes: int) -> None:
    """A packed number comes back as the level nearest to it."""
    quantiser = turned(seed)
    vectors = np.random.default_rng(seed).standard_normal((n_codes, PARAMS.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = quantiser.pack(vectors)
    assert packed.shape == (n_codes, PARAMS.code_bytes) and packed.dtype == np.uint8
    rotated: NDArray[np.float32] = vectors @ quantiser.rotation.T
    nearest = np.abs(rotated[..., None] - quantiser.levels).argmin(axis=2)
    by_hand = (nearest[:, ::2] | nearest[:, 1::2] << 4).astype(np.uint8)
    assert np.count_nonzero(packed != by_hand) <= 0.001 * packed.size
    similarity = (quantiser.unpack(packed) * vectors).sum(axis=1)
    assert (similarity > 0.95).all()


@settings(max_examples=20)
@given(seed=seeds, n_frames=st.integers(0, 60), exponent=st.integers(-12, 12))
def test_drying_takes_off_part_of_the_past(seed: int, n_frames: int, exponent: int) -> None:
    """Each frame loses its share of a decaying mean of those before, at most to the least, at any gain."""
    wet = Spectrogram(power=smooth(seed, n_frames).power ** 3, frame_s=PARAMS.frame_s)
    decay = np.exp(-PARAMS.frame_s / DECAY_S)
    past = np.zeros(PARAMS.n_bands)
    expected = np.empty_like(wet.power)
    for i, frame in enumerate(wet.power):
        expected[i] = np.maximum(frame - REVERBERATION_SHARE * past, FLOOR * frame)
        past = decay * past + (1 - decay) * frame
    dried = dereverberate(wet).power
    np.testing.assert_allclose(dried, expected, rtol=1e-3)
    louder = Spectrogram(power=wet.power * np.float32(2.0**exponent), frame_s=PARAMS.frame_s)
    np.testing.assert_array_equal(dereverberate(louder).power, dried * np.float32(2.0**exponent))
