"""Single synthesisers: one patch of frequency modulation or of filtered saws plays every part of a piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np
from scipy.signal import lfilter

from benchmarks.data.kinds.makers import PIECE_S, SIDES, Maker, Sound, add_at, by_seed, levelled
from benchmarks.data.kinds.scores import Score, compose

RATE_HZ: Final = 22_050
N_PATCHES: Final = 8
"""Patches of each synthesiser; every second one is on the side of the tests."""
RELEASE_S: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Settings of a synthesiser's patch; times in seconds."""

    attack_s: float
    decay_s: float
    sustain: float
    ratios: tuple[float, float]
    depths: tuple[float, float]
    detune_cents: float
    cutoff_hz: float
    resonance: float


NoteOf = Callable[[Patch, float, float], Sound]
"""Patch, frequency in hertz, length in seconds -> a note."""


@cache
def patch(number: int) -> Patch:
    """Return the settings of a patch."""
    rng = np.random.default_rng([11, number])
    return Patch(
        attack_s=float(rng.choice([0.003, 0.01, 0.05, 0.15])),
        decay_s=float(rng.uniform(0.1, 1.2)),
        sustain=float(rng.uniform(0.1, 0.8)),
        ratios=(float(rng.choice([0.5, 1, 2, 3, 4, 7, 14])), float(rng.choice([1, 1.41, 2, 3.5, 5]))),
        depths=(float(rng.uniform(0.5, 5)), float(rng.uniform(0, 2.5))),
        detune_cents=float(rng.uniform(3, 18)),
        cutoff_hz=float(rng.uniform(500, 3500)),
        resonance=float(rng.uniform(0.3, 0.93)),
    )


def _envelope(one: Patch, time_s: np.ndarray, length_s: float) -> np.ndarray:
    falling = one.sustain + (1 - one.sustain) * np.exp(-time_s / one.decay_s)
    release = np.exp(-np.maximum(time_s - length_s, 0) / (RELEASE_S / 4))
    return np.minimum(time_s / one.attack_s, 1) * falling * release


def modulated(one: Patch, hertz: float, length_s: float) -> Sound:
    """Return a note of three operators in a row (Chowning 1973)."""
    time_s = np.arange(round((length_s + RELEASE_S) * RATE_HZ)) / RATE_HZ
    shape = _envelope(one, time_s, length_s)
    inner = one.depths[1] * shape * np.sin(2 * np.pi * hertz * one.ratios[1] * time_s)
    middle = one.depths[0] * shape * np.sin(2 * np.pi * hertz * one.ratios[0] * time_s + inner)
    return np.asarray(shape * np.sin(2 * np.pi * hertz * time_s + middle), dtype=np.float32)


def subtractive(one: Patch, hertz: float, length_s: float) -> Sound:
    """Return a note of two detuned saws through a resonant low-pass filter."""
    time_s = np.arange(round((length_s + RELEASE_S) * RATE_HZ)) / RATE_HZ
    detuned = (hertz, hertz * 2 ** (one.detune_cents / 1200))
    saws = np.sum([2 * (each * time_s % 1.0) - 1 for each in detuned], axis=0)
    angle = 2 * np.pi * min(one.cutoff_hz + hertz, 0.45 * RATE_HZ) / RATE_HZ
    radius = one.resonance
    filtered = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], saws)
    return np.asarray(_envelope(one, time_s, length_s) * filtered, dtype=np.float32)


def play_score(note_of: NoteOf, one: Patch, score: Score) -> Sound:
    """Return a score played with one patch, without its drums."""
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    for note in score.notes:
        if note.part != "drums":
            hertz = 440 * 2 ** ((note.key - 69) / 12)
            sound = note_of(one, hertz, note.length_s)
            add_at(track, round(note.start_s * RATE_HZ), sound, note.velocity / 127)
    return levelled(track)


def _play(note_of: NoteOf, number: int, rng: np.random.Generator) -> Sound:
    return play_score(note_of, patch(number), compose(rng))


def makers() -> list[Maker]:
    """Return every patch of both synthesisers."""
    return [
        Maker(
            kind="synthesiser",
            name=f"{name}-{number}",
            side=SIDES[number % 2],
            rate_hz=RATE_HZ,
            play=by_seed(partial(_play, note_of, number)),
        )
        for name, note_of in (("modulated", modulated), ("subtractive", subtractive))
        for number in range(N_PATCHES)
    ]
