"""Pieces of music by chance: chords, a melody of motifs, a bass and drums, as notes with times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.kinds.makers import PIECE_S

MODES: Final = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 5, 7, 9, 10),
)
"""Semitones of the degrees: major, minor, dorian, mixolydian."""

PROGRESSIONS: Final = (
    (0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (1, 4, 0, 0), (0, 3, 4, 0), (0, 0, 3, 4), (5, 4, 3, 4),
    (0, 2, 3, 4), (3, 4, 2, 5), (0, 4, 1, 3), (5, 1, 4, 0), (0, 6, 3, 0), (0, 1, 2, 3), (5, 3, 4, 5),
)  # fmt: skip
"""Chords of four bars, as degrees of the mode."""

RHYTHMS: Final = (
    (1, 1, 1, 1), (2, 2), (0.5, 0.5, 1, 2), (1.5, 0.5, 1, 1), (1, 0.5, 0.5, 1, 1), (3, 1), (4,),
    (0.5,) * 8, (1.5, 1.5, 1), (0.5, 1, 0.5, 2), (0.75, 0.75, 0.5, 2),
)  # fmt: skip
"""Lengths of a bar's notes in beats."""

STRUCK: Final[dict[int, tuple[tuple[float, float], ...]]] = {
    0: ((0, 4),),
    1: ((0, 2), (2, 2)),
    2: ((0.5, 0.5), (1.5, 0.5), (2.5, 0.5), (3.5, 0.5)),
}
"""Start and length in beats of a bar's chords in each style; any other style plays their notes one by one."""

BEATS: Final = 4

Scale = NDArray[np.int64]
"""MIDI keys of the degrees of a mode, ten octaves."""
DRUMS: Final = {"kick": 36, "snare": 38, "hat": 42, "open": 46}
"""General MIDI keys of the drums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note; `part` is chords, melody, second, bass or drums."""

    part: str
    start_s: float
    length_s: float
    key: int
    velocity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A piece of music: notes, and a number between 0 and 1 for each part, from which its sound is chosen."""

    tempo_bpm: float
    notes: tuple[Note, ...]
    sounds: dict[str, float]


def compose(rng: np.random.Generator, *, length_s: float = PIECE_S) -> Score:
    """Return a new piece."""
    tempo_bpm = float(rng.uniform(72, 168))
    beat_s = 60 / tempo_bpm
    root, mode = int(rng.integers(12)), MODES[int(rng.integers(len(MODES)))]
    n_bars = int(length_s / beat_s / BEATS) + 1
    sections = {
        name: PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))]
        + PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))]
        for name in "AB"
    }
    form = "AABA" if rng.random() < 0.5 else "ABAB"
    chords = [sections[form[bar // 8 % 4]][bar % 8] for bar in range(n_bars)]
    scale = np.array([root + octave * 12 + step for octave in range(11) for step in mode])
    notes = [*_chords(rng, chords, scale, beat_s), *_bass(rng, chords, scale, beat_s)]
    notes += _melody(rng, chords, scale, beat_s, part="melody", density=float(rng.uniform(0.75, 1.0)))
    if rng.random() < 0.5:
        notes += _melody(rng, chords, scale, beat_s, part="second", density=float(rng.uniform(0.3, 0.6)))
    if rng.random() < 0.7:
        notes += _drums(rng, n_bars, beat_s)
    parts = ("chords", "melody", "second", "bass", "drums")
    return Score(
        tempo_bpm=tempo_bpm, notes=tuple(notes), sounds={part: float(rng.random()) for part in parts}
    )


def _key(scale: Scale, degree: int, octave: int) -> int:
    return int(scale[min(max(degree + 7 * octave, 0), len(scale) - 1)])


def _velocity(rng: np.random.Generator, middle: int) -> int:
    return int(np.clip(rng.normal(middle, 7), 20, 127))


def _chords(rng: np.random.Generator, chords: list[int], scale: Scale, beat_s: float) -> Iterator[Note]:
    style, octave = int(rng.integers(4)), int(rng.integers(4, 6))
    for bar, chord in enumerate(chords):
        turn = int(rng.integers(3))
        degrees = [chord + third + (7 if number < turn else 0) for number, third in enumerate((0, 2, 4))]
        hits = STRUCK.get(style, ())
        for start, length in hits:
            for degree in degrees:
                yield Note(
                    part="chords",
                    start_s=(bar * BEATS + start) * beat_s + float(rng.uniform(0, 0.012)),
                    length_s=length * beat_s * 0.95,
                    key=_key(scale, degree, octave),
                    velocity=_velocity(rng, 62),
                )
        for eighth in range(8) if not hits else ():
            yield Note(
                part="chords",
                start_s=(bar * BEATS + eighth / 2) * beat_s,
                length_s=beat_s * 0.6,
                key=_key(scale, degrees[int(rng.integers(3))], octave),
                velocity=_velocity(rng, 60),
            )


def _bass(rng: np.random.Generator, chords: list[int], scale: Scale, beat_s: float) -> Iterator[Note]:
    rhythm = RHYTHMS[int(rng.integers(len(RHYTHMS)))]
    for bar, chord in enumerate(chords):
        at = 0.0
        for number, length in enumerate(rhythm):
            step = 0 if number == 0 else int(rng.choice([0, 0, 4, 2, 7]))
            yield Note(
                part="bass",
                start_s=(bar * BEATS + at) * beat_s,
                length_s=length * beat_s * 0.9,
                key=_key(scale, chord + step, 2 if root_high(scale) else 3),
                velocity=_velocity(rng, 84),
            )
            at += length


def root_high(scale: Scale) -> bool:
    """Return whether the root lies in the upper half of the octave."""
    return bool(scale[0] >= 6)


def _melody(
    rng: np.random.Generator,
    chords: list[int],
    scale: np.ndarray,
    beat_s: float,
    *,
    part: str,
    density: float,
) -> Iterator[Note]:
    motifs = [
        (RHYTHMS[int(rng.integers(len(RHYTHMS)))], rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3], size=8))
        for _ in range(6)
    ]
    degree, octave = int(rng.integers(0, 7)), 5 if part == "melody" else 4
    for bar, chord in enumerate(chords):
        rhythm, steps = motifs[int(rng.integers(len(motifs)))]
        at = 0.0
        for length, step in zip(rhythm, steps, strict=False):
            degree = int(np.clip(degree + step + rng.choice([-1, 0, 0, 1]), -3, 12))
            sounding = chord + int(rng.choice([0, 2, 4])) if length >= 1.5 else degree
            if rng.random() < density:
                yield Note(
                    part=part,
                    start_s=(bar * BEATS + at) * beat_s + float(rng.normal(0, 0.008)) % 0.03,
                    length_s=length * beat_s * float(rng.uniform(0.7, 1.0)),
                    key=_key(scale, sounding, octave),
                    velocity=_velocity(rng, 88),
                )
            at += length


def _drums(rng: np.random.Generator, n_bars: int, beat_s: float) -> Iterator[Note]:
    chances = {"kick": 0.3, "snare": 0.1, "hat": 0.7, "open": 0.05}
    pattern = {drum: rng.random(16) < chance for drum, chance in chances.items()}
    pattern["kick"][[0, 8]], pattern["snare"][[4, 12]] = True, True
    for bar in range(n_bars):
        for drum, steps in pattern.items():
            for step in np.flatnonzero(steps ^ (rng.random(16) < 0.03)):
                yield Note(
                    part="drums",
                    start_s=(bar * BEATS + float(step) / 4) * beat_s,
                    length_s=0.1,
                    key=DRUMS[drum],
                    velocity=_velocity(rng, 80 if drum in ("kick", "snare") else 62),
                )
