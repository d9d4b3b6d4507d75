"""Bells, alarms, tones, birds, weather and hum, computed; a maker is a tower, device, species or machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from benchmarks.data.kinds.makers import PIECE_S, SIDES, Maker, Sound, add_at, by_seed, levelled

RATE_HZ: Final = 22_050
N_MAKERS: Final = 12
"""Makers of each sort; every second one is on the side of the tests."""

Floats = NDArray[np.float64]


def _time(length_s: float) -> Floats:
    return np.arange(max(1, round(length_s * RATE_HZ))) / RATE_HZ


def _fade(length_s: float, fade_s: float = 0.005) -> Floats:
    time_s = _time(length_s)
    return np.minimum(1, np.minimum(time_s, length_s - time_s).clip(0) / fade_s)


def bells(number: int, rng: np.random.Generator) -> Sound:
    """Return change ringing: a tower's bells struck in ever other orders, one bell's partials for all."""
    tower = np.random.default_rng([21, number])
    n_bells = int(tower.integers(3, 9))
    lowest_hz = float(tower.uniform(180, 700))
    partials = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.66, 3.0, 4.0]) * tower.normal(1, 0.01, 9)
    levels, decays_s = tower.uniform(0.2, 1.0, 9), np.geomspace(tower.uniform(1.5, 4), 0.2, 9)
    steps = np.array([0, 2, 4, 5, 7, 9, 11, 12])[:n_bells]
    struck = []
    for step in steps:
        time_s = _time(3.0)
        hertz = lowest_hz * 2 ** (step / 12) * partials
        waves = levels * np.exp(-time_s[:, None] / decays_s) * np.sin(2 * np.pi * time_s[:, None] * hertz)
        struck.append(waves.sum(axis=1).astype(np.float32))
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    gap_s, at_s = float(rng.uniform(0.22, 0.6)), 0.0
    while at_s < PIECE_S:
        for bell in rng.permutation(n_bells):
            add_at(track, round((at_s + rng.normal(0, 0.01)) * RATE_HZ) % track.size, struck[bell],
                   float(rng.uniform(0.6, 1)))  # fmt: skip
            at_s += gap_s
    return levelled(track)


def alarm(number: int, rng: np.random.Generator) -> Sound:
    """Return a device's signals: two to four beeps of its own, in ever other orders with pauses."""
    device = np.random.default_rng([22, number])
    pitches_hz = device.uniform(500, 3200, int(device.integers(2, 5)))
    beep_s, square = float(device.choice([0.06, 0.1, 0.25, 0.5])), device.random() < 0.5
    sweep = float(device.choice([0.0, 0.0, 0.4, -0.3]))
    sounds = []
    for hertz in pitches_hz:
        phase = 2 * np.pi * np.cumsum(hertz * (1 + sweep * _time(beep_s) / beep_s)) / RATE_HZ
        wave = np.sign(np.sin(phase)) if square else np.sin(phase) + 0.3 * np.sin(3 * phase)
        sounds.append((wave * _fade(beep_s)).astype(np.float32))
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    at_s = 0.0
    while at_s < PIECE_S:
        for _ in range(int(rng.integers(2, 9))):
            add_at(track, round(at_s * RATE_HZ), sounds[int(rng.integers(len(sounds)))], 1.0)
            at_s += beep_s * float(rng.choice([1.0, 1.0, 1.5, 2.0]))
        at_s += float(rng.uniform(0.2, 1.5))
    return levelled(track)


def tones(number: int, rng: np.random.Generator) -> Sound:
    """Return signals of pure tones: Morse, dialled numbers, steps or sweeps, by the maker's number."""
    maker = np.random.default_rng([23, number])
    pitch_hz, unit_s = float(maker.uniform(450, 1100)), float(maker.uniform(0.045, 0.1))
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    sort, at_s = number // 2 % 4, 0.0
    while at_s < PIECE_S:
        if sort == 0:
            length_s, gap_s = unit_s * float(rng.choice([1, 3])), unit_s * float(rng.choice([1, 1, 1, 3, 7]))
            hertz = [pitch_hz]
        elif sort == 1:
            length_s, gap_s = 2 * unit_s, unit_s
            hertz = [float(rng.choice([697, 770, 852, 941])), float(rng.choice([1209, 1336, 1477]))]
        elif sort == 2:
            length_s, gap_s = float(rng.choice([0.25, 0.5, 1.0])), 0.0
            hertz = [pitch_hz * 2 ** (int(rng.integers(-12, 13)) / 12)]
        else:
            length_s, gap_s = float(rng.uniform(0.5, 3)), unit_s
            hertz = [pitch_hz * 2 ** float(rng.uniform(-1, 1))]
        slope = float(rng.uniform(-0.4, 0.8)) if sort == 3 else 0.0
        phases = [2 * np.pi * np.cumsum(one * (1 + slope * _time(length_s))) / RATE_HZ for one in hertz]
        sound = (np.sum(np.sin(phases), axis=0) * _fade(length_s)).astype(np.float32)
        add_at(track, round(at_s * RATE_HZ), sound, 1.0)
        at_s += length_s + gap_s
    return levelled(track)


def birds(number: int, rng: np.random.Generator) -> Sound:
    """Return songs of one species: syllables of its own in ever other orders, over a quiet wind."""
    species = np.random.default_rng([24, number])
    syllables = [_syllable(species) for _ in range(int(species.integers(3, 9)))]
    track = 0.01 * _weather(species, rng)
    at_s = 0.0
    while at_s < PIECE_S:
        for _ in range(int(rng.integers(3, 12))):
            one = syllables[int(rng.integers(len(syllables)))]
            add_at(track, round(at_s * RATE_HZ), one, float(rng.uniform(0.5, 1)))
            at_s += one.size / RATE_HZ + float(rng.uniform(0.02, 0.12))
        at_s += float(rng.uniform(0.3, 3))
    return levelled(track)


def _syllable(species: np.random.Generator) -> Sound:
    length_s = float(species.uniform(0.05, 0.35))
    time_s = _time(length_s) / length_s
    start_hz, end_hz = species.uniform(1800, 6500, 2)
    trill = species.uniform(0, 0.08) * np.sin(2 * np.pi * species.uniform(15, 60) * time_s * length_s)
    hertz = (start_hz + (end_hz - start_hz) * time_s ** species.uniform(0.5, 2)) * (1 + trill)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE_HZ
    wave = np.sin(phase) + species.uniform(0, 0.4) * np.sin(2 * phase)
    return np.asarray(wave * np.sin(np.pi * time_s) ** 0.5, dtype=np.float32)


def weather(number: int, rng: np.random.Generator) -> Sound:
    """Return wind and rain of one place: its spectrum is constant, gusts and drops are not."""
    place = np.random.default_rng([25, number])
    return levelled(_weather(place, rng))


def _weather(place: np.random.Generator, rng: np.random.Generator) -> Sound:
    n_samples = round(PIECE_S * RATE_HZ)
    low_hz = float(place.uniform(80, 400))
    wind = sosfilt(butter(2, [low_hz, low_hz * 6], "bandpass", fs=RATE_HZ, output="sos"),
                   rng.standard_normal(n_samples))  # fmt: skip
    seconds = np.arange(0, n_samples + RATE_HZ, RATE_HZ)
    gusts = np.interp(np.arange(n_samples), seconds, rng.gamma(3, 0.3, seconds.size))
    drops = np.zeros(n_samples)
    drops[rng.integers(0, n_samples, int(place.uniform(20, 900) * PIECE_S))] = 1.0
    hit = np.exp(-_time(0.03) / 0.004) * np.sin(2 * np.pi * float(place.uniform(900, 4500)) * _time(0.03))
    rain = np.convolve(drops * rng.gamma(1, 1, n_samples), hit)[:n_samples]
    return np.asarray(wind / wind.std() * gusts + float(place.uniform(0, 2)) * rain, dtype=np.float32)


def hum(number: int, rng: np.random.Generator) -> Sound:
    """Return a machine: harmonics of its turning over its noise; the load changes its speed a little."""
    machine = np.random.default_rng([26, number])
    mains_hz = float(machine.choice([50.0, 60.0, machine.uniform(20, 140)]))
    levels = machine.gamma(1, 1, 16) / np.arange(1, 17) ** float(machine.uniform(0.3, 1.2))
    swing = float(machine.choice([0.0, 0.002, 0.05]))
    n_samples = round(PIECE_S * RATE_HZ)
    drift = np.interp(np.arange(n_samples), np.linspace(0, n_samples, 16), rng.standard_normal(16))
    phase = 2 * np.pi * np.cumsum(mains_hz * (1 + swing * drift)) / RATE_HZ
    tone = np.sum([level * np.sin(k * phase) for k, level in enumerate(levels, 1)], axis=0)
    corner_hz = float(machine.uniform(300, 3000))
    noise = sosfilt(butter(2, corner_hz, fs=RATE_HZ, output="sos"), rng.standard_normal(n_samples))
    return levelled((tone + float(machine.uniform(0.3, 3)) * noise).astype(np.float32))


SORTS: Final[Mapping[str, tuple[str, Callable[[int, np.random.Generator], Sound]]]] = {
    "bells": ("bells_alarms", bells),
    "alarm": ("bells_alarms", alarm),
    "tones": ("tones", tones),
    "birds": ("birds_weather", birds),
    "weather": ("birds_weather", weather),
    "hum": ("babble_hum", hum),
}
"""Kind of each sort, and its pieces."""


def makers(kind: str) -> list[Maker]:
    """Return the computed makers of a kind."""
    return [
        Maker(
            kind=kind,
            name=f"{name}-{number:02d}",
            side=SIDES[number % 2],
            rate_hz=RATE_HZ,
            play=by_seed(partial(play, number)),
        )
        for name, (of_kind, play) in SORTS.items()
        if of_kind == kind
        for number in range(N_MAKERS)
    ]
