"""Active duration, and audio that may not be registered as a work."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint.activity import active_seconds, reference_fitness
from earwitness.fingerprint.spectrogram import spectrogram
from earwitness.fingerprint.types import RATE_HZ, Query, Waveform

N = 30 * RATE_HZ
TIME_S = np.arange(N) / RATE_HZ


def query_of(samples: NDArray[np.float64]) -> Query:
    """A query with the given samples."""
    waveform = Waveform(samples=samples.astype(np.float32))
    return Query(
        scheme="none",
        duration_s=waveform.duration_s,
        active_s=active_seconds(waveform),
        spectrogram=spectrogram(waveform),
        chromaprint=np.zeros(0, dtype=np.uint32),
    )


def tune(seed: int, n_notes: int = 120) -> NDArray[np.float64]:
    """Random notes of random strength, as a substitute for music."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(N)
    for start in np.sort(rng.integers(0, N - RATE_HZ, n_notes)):
        age = TIME_S[:RATE_HZ]
        hz = 110 * 2 ** (rng.integers(0, 48) / 12)
        sound[start : start + RATE_HZ] += (
            rng.uniform(0.05, 0.2) * np.exp(-4 * age) * np.sin(2 * np.pi * hz * age)
        )
    return sound


def test_quiet_and_silent_parts_are_not_active() -> None:
    """Ten loud seconds, ten silent ones and ten at -60 dB are ten active seconds."""
    loud = np.random.default_rng(0).standard_normal(N) * 0.1
    loud[N // 3 : 2 * N // 3] = 0
    loud[2 * N // 3 :] *= 1e-3
    assert active_seconds(Waveform(samples=loud.astype(np.float32))) == pytest.approx(10, abs=0.3)


@pytest.mark.parametrize("level_db", [0, -20, -40, -50, -60, -66])
def test_a_quiet_copy_is_as_active_as_the_original(level_db: float) -> None:
    """Active duration does not depend on the level, down to the resolution of 16 bits."""
    sound = tune(1) / np.abs(tune(1)).max()
    full_s = active_seconds(Waveform(samples=sound.astype(np.float32)))
    quiet_s = active_seconds(Waveform(samples=(sound * 10 ** (level_db / 20)).astype(np.float32)))
    assert quiet_s > 0.8 * full_s


@pytest.mark.parametrize("steps", [0.0, 0.5, 0.7])
def test_silence_with_dither_is_silent(steps: float) -> None:
    """Digital silence has no active seconds, with the dither of 16 bits or without."""
    dither = steps / 32_768 * np.random.default_rng(1).standard_normal(N)
    assert active_seconds(Waveform(samples=dither.astype(np.float32))) == 0.0


def test_an_empty_waveform_is_not_active() -> None:
    """An empty waveform has no active seconds."""
    assert active_seconds(Waveform(samples=np.zeros(0, dtype=np.float32))) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_music_may_be_registered(seed: int) -> None:
    """Music is accepted, also if its second half repeats its first."""
    samples = tune(seed)
    assert reference_fitness(query_of(samples)) is None
    assert reference_fitness(query_of(np.concatenate([samples[: N // 2], samples[: N // 2]]))) is None


UNFIT = {
    "silence": np.zeros(N),
    "noise": np.random.default_rng(2).standard_normal(N) * 0.1,
    "swelling noise": np.random.default_rng(3).standard_normal(N) * 0.1 * (1.2 + np.sin(TIME_S * 3)),
    "tone": 0.3 * np.sin(2 * np.pi * 440 * TIME_S),
    "chord": 0.1 * np.sin(2 * np.pi * np.outer([220, 277, 330], TIME_S)).sum(axis=0),
    "loop": np.tile(tune(5)[: 4 * RATE_HZ], 8)[:N],
}


@pytest.mark.parametrize("name", UNFIT)
def test_audio_that_would_match_unrelated_audio_is_refused(name: str) -> None:
    """Silence, noise, tones and bare loops are refused with a reason."""
    reason = reference_fitness(query_of(UNFIT[name]))
    assert reason is not None
    assert {"silence": "audible", "loop": "loop"}.get(name, "changes") in reason


def test_fourteen_seconds_are_too_short() -> None:
    """A work has at least fifteen active seconds."""
    reason = reference_fitness(query_of(tune(1)[: 14 * RATE_HZ]))
    assert reason is not None and "15 s" in reason
