"""A small orchestra in numpy: every instrument is a function from a pitch and a length to samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 22_050

Sound = NDArray[np.float32]
Instrument = Callable[[float, float, np.random.Generator], Sound]
"""Frequency in hertz, length in seconds, chance -> samples."""


def _time(length_s: float) -> Sound:
    return np.asarray(np.arange(int(length_s * RATE_HZ)) / RATE_HZ, dtype=np.float32)


def _shape(time_s: Sound, attack_s: float, decay_s: float) -> Sound:
    release = np.clip((time_s[-1] - time_s) / 0.02, 0, 1)
    return np.asarray(
        np.minimum(time_s / attack_s, 1) * np.exp(-time_s / decay_s) * release, dtype=np.float32
    )


def _partials(hertz: float, time_s: Sound, levels: list[float], *, stretch: float = 0.0) -> Sound:
    total = np.zeros_like(time_s)
    for number, level in enumerate(levels, start=1):
        partial = hertz * number * (1 + stretch * number**2) ** 0.5
        if partial < RATE_HZ / 2.2:
            total += np.float32(level) * np.sin(2 * np.pi * np.float32(partial) * time_s)
    return total


def electric_piano(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Two-operator frequency modulation with a bell at the attack."""
    time_s = _time(length_s)
    bite = 2.2 * np.exp(-time_s / 0.25)
    wave = np.sin(2 * np.pi * hertz * time_s + bite * np.sin(2 * np.pi * hertz * time_s))
    bell = 0.15 * np.exp(-time_s / 0.06) * np.sin(2 * np.pi * hertz * 14 * time_s)
    return np.asarray((wave + bell) * _shape(time_s, 0.004, 0.9), dtype=np.float32)


def brass(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Many harmonics that brighten as the note swells."""
    time_s = _time(length_s)
    swell = 1 - np.exp(-time_s / 0.06)
    vibrato = time_s + 0.0006 * np.sin(2 * np.pi * 5.1 * time_s)
    dark = _partials(hertz, vibrato, [1, 0.7, 0.4, 0.2])
    bright = _partials(hertz, vibrato, [0, 0, 0.2, 0.4, 0.4, 0.3, 0.25, 0.2, 0.15])
    return np.asarray((dark + swell * bright) * 0.5 * _shape(time_s, 0.03, 4.0), dtype=np.float32)


def pluck(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A plucked string: noise that goes round a delay line with a mean filter (Karplus and Strong 1983)."""
    period = max(2, round(RATE_HZ / hertz))
    n_samples = int(length_s * RATE_HZ)
    line = rng.uniform(-1, 1, period).astype(np.float32)
    rounds = []
    for _ in range(-(-n_samples // period)):
        rounds.append(line)
        line = np.float32(0.4985) * (line + np.concatenate((line[-1:], line[:-1])))
    return np.concatenate(rounds)[:n_samples] * _shape(_time(length_s), 0.002, 2.0)


def square_lead(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A hollow wave with a late vibrato."""
    time_s = _time(length_s)
    vibrato = time_s + 0.001 * np.clip(time_s - 0.15, 0, 0.3) * np.sin(2 * np.pi * 5.8 * time_s)
    wave = _partials(hertz, vibrato, [1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7, 0, 1 / 9])
    return np.asarray(wave * 0.7 * _shape(time_s, 0.01, 1.5), dtype=np.float32)


def pad(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Three detuned saws with a slow attack."""
    time_s = _time(length_s)
    levels = [1 / number for number in range(1, 9)]
    voices = [_partials(hertz * detune, time_s, levels) for detune in (0.994, 1.0, 1.007)]
    return np.asarray(np.sum(voices, axis=0) * 0.25 * _shape(time_s, 0.35, 6.0), dtype=np.float32)


def bell(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A struck bar: stretched partials that die at different speeds."""
    time_s = _time(length_s)
    ratios = [(1.0, 1.0, 1.6), (2.76, 0.6, 0.7), (5.4, 0.35, 0.3), (8.9, 0.2, 0.12)]
    heard = [part for part in ratios if hertz * part[0] < RATE_HZ / 2.2]
    wave = sum(a * np.exp(-time_s / d) * np.sin(2 * np.pi * hertz * r * time_s) for r, a, d in heard)
    return np.asarray(wave * 0.6 * _shape(time_s, 0.002, 3.0), dtype=np.float32)


def organ(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Drawbars with a slow rotation."""
    time_s = _time(length_s)
    drawbars = _partials(hertz / 2, time_s, [0.8, 1.0, 0.6, 0.5, 0, 0.4, 0, 0.35])
    turning = 1 + 0.25 * np.sin(2 * np.pi * 6.3 * time_s)
    return np.asarray(0.5 * drawbars * turning * _shape(time_s, 0.01, 20.0), dtype=np.float32)


def flute(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Nearly a sine, with breath and a slow swell."""
    time_s = _time(length_s)
    breath = np.convolve(rng.standard_normal(time_s.size), np.ones(8) / 8, mode="same")
    swell = np.clip(time_s / 0.12, 0, 1)
    vibrato = time_s + 0.0007 * np.sin(2 * np.pi * 4.6 * time_s)
    wave = swell * _partials(hertz, vibrato, [1, 0.25, 0.08]) + 0.15 * breath
    return np.asarray(wave * _shape(time_s, 0.05, 5.0), dtype=np.float32)


def bass(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A round synthesiser bass."""
    time_s = _time(length_s)
    return (_partials(hertz, time_s, [1, 0.6, 0.35, 0.2, 0.1]) * _shape(time_s, 0.006, 0.6)).astype(
        np.float32
    )


def kick(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A sine that falls from five times its pitch."""
    time_s = _time(0.3)
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 4 * np.exp(-time_s / 0.025))) / RATE_HZ
    return np.asarray(1.4 * np.sin(phase) * np.exp(-time_s / 0.09), dtype=np.float32)


def snare(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """Noise over a short tone."""
    time_s = _time(0.22)
    noise = rng.standard_normal(time_s.size) * np.exp(-time_s / 0.06)
    tone = np.sin(2 * np.pi * hertz * time_s) * np.exp(-time_s / 0.05)
    return np.asarray(0.5 * noise + 0.5 * tone, dtype=np.float32)


def hat(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """The differences of noise: mostly highs."""
    time_s = _time(0.08)
    noise = np.diff(rng.standard_normal(time_s.size + 2), n=2)
    return np.asarray(0.14 * noise * np.exp(-time_s / 0.02), dtype=np.float32)


def voice(hertz: float, length_s: float, rng: np.random.Generator) -> Sound:
    """A syllable-like sound: a buzzing pitch with two formants that glide."""
    time_s = _time(length_s)
    glide = time_s * (1 + 0.06 * np.sin(2 * np.pi * 1.3 * time_s + rng.uniform(0, 6)))
    first, second = rng.uniform(300, 800), rng.uniform(900, 2300)
    total = np.zeros_like(time_s)
    for number in range(1, 28):
        at = hertz * number
        level = np.exp(-(((at - first) / 160) ** 2)) + 0.6 * np.exp(-(((at - second) / 220) ** 2)) + 0.03
        total += np.float32(level) * np.sin(2 * np.pi * np.float32(at) * glide)
    return np.asarray(total * np.sin(np.pi * np.clip(time_s / length_s, 0, 1)) ** 0.5, dtype=np.float32)
