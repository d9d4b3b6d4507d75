"""Pairs of sounds that are easily confused: which of them share a recording, and which share only a piece.

Two performances of one piece share no recording: a match of them is false. Two masters of one song, a stem,
an edit with other vocals and two songs with one sample do share a recording, and have to be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt

from benchmarks.data.kinds import drum_machines, midi
from benchmarks.data.kinds.makers import PIECE_S, SIDES, Maker, Side, Sound, add_at, levelled
from benchmarks.data.kinds.scores import Score, compose
from benchmarks.data.kinds.synthesisers import RATE_HZ, modulated, patch, play_score, subtractive
from sample_audio import synth

TEMPO_CHANGE: Final = 0.04
"""Largest change of the tempo between two performances, as a share."""
JITTER_S: Final = 0.012
"""Standard deviation of the time of a note between two performances."""

N_BANDS: Final = 8
"""Pairs of performers of the computed synthesisers."""

SOUNDFONT_PAIRS: Final[tuple[tuple[str, str, Side], ...]] = (
    ("fluid", "timgm6mb", "fit"),
    ("timgm6mb", "timgm6mb", "fit"),
    ("csound", "opl3", "test"),
    ("csound", "csound", "test"),
)


def perform(score: Score, rng: np.random.Generator) -> Score:
    """Return another performance of a score: another tempo, and other times and strengths of the notes."""
    slower = 1 + float(rng.uniform(-TEMPO_CHANGE, TEMPO_CHANGE))
    notes = [
        replace(
            note,
            start_s=max(0.0, slower * note.start_s + float(rng.normal(0, JITTER_S))),
            length_s=slower * note.length_s * float(rng.uniform(0.85, 1.1)),
            velocity=int(np.clip(note.velocity + rng.normal(0, 8), 20, 127)),
        )
        for note in score.notes
    ]
    return replace(score, tempo_bpm=score.tempo_bpm / slower, notes=tuple(notes))


def _performed(
    maker: int, players: tuple[Callable[[Score], Sound], ...], number: int, rng: np.random.Generator
) -> Sound:
    """Return a piece: references are by the first player, queries are the same pieces by the second."""
    score = compose(np.random.default_rng([31, maker, number // 2]))
    return players[number % len(players)](perform(score, rng))


def _synthesised(number: int, score: Score) -> Sound:
    return play_score(modulated if number % 2 else subtractive, patch(number), score)


def makers() -> list[Maker]:
    """Return pairs of performers: two patches, one patch twice, two soundfonts, one soundfont twice."""
    second = [number if number >= N_BANDS // 2 else number + 2 for number in range(N_BANDS)]
    patches = [
        Maker(
            kind="same_piece",
            name=f"patches-{one}-{other}",
            side=SIDES[one % 2],
            rate_hz=RATE_HZ,
            play=partial(_performed, one, (partial(_synthesised, one), partial(_synthesised, other))),
        )
        for one, other in enumerate(second)
    ]
    files = {name: file for name, file, _, _ in midi.SOUNDFONTS}
    rendered = [
        Maker(
            kind="same_piece",
            name=f"{one}-{other}",
            side=side,
            rate_hz=midi.RATE_HZ,
            play=partial(
                _performed,
                N_BANDS + number,
                (partial(midi.band, files[one]), partial(midi.band, files[other])),
            ),
            licence="see the packages of general_midi",
            package="fluidsynth",
            needs=("fluidsynth", str(files[one]), str(files[other])),
        )
        for number, (one, other, side) in enumerate(SOUNDFONT_PAIRS)
    ]
    return patches + rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sounds at ``RATE_HZ``, and whether the query holds a recording that the reference holds too."""

    reference: Sound
    query: Sound
    shares_recording: bool


def _song(seed: int) -> Score:
    return compose(np.random.default_rng([41, seed]))


def _parts(score: Score, *parts: str) -> Score:
    return replace(score, notes=tuple(note for note in score.notes if note.part in parts))


def _played(score: Score, number: int) -> Sound:
    return levelled(_synthesised(number, score))


def _vocals(seed: int) -> Sound:
    """Return a line of syllables with pauses."""
    rng = np.random.default_rng([42, seed])
    track, at_s = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32), 0.5
    while at_s < PIECE_S:
        length_s = float(rng.uniform(0.2, 0.6))
        add_at(track, round(at_s * RATE_HZ), synth.voice(float(rng.uniform(110, 330)), length_s, rng), 1.0)
        at_s += length_s + float(rng.choice([0.03, 0.03, 0.4]))
    return levelled(track)


def two_performances(seed: int) -> Pair:
    """Return one piece, played by two synthesisers, each in its own tempo."""
    one, other = (perform(_song(seed), np.random.default_rng([43, seed, take])) for take in range(2))
    return Pair(reference=_played(one, 4), query=_played(other, 5), shares_recording=False)


def live_version(seed: int) -> Pair:
    """Return a piece, and another performance of it in a hall before an audience."""
    pair, rng = two_performances(seed), np.random.default_rng([44, seed])
    tail = rng.standard_normal(RATE_HZ) * np.exp(-np.arange(RATE_HZ) / (0.3 * RATE_HZ))
    hall = np.convolve(pair.query, tail / np.sqrt(np.sum(tail**2)))[: pair.query.size]
    audience = sosfilt(
        butter(2, [300, 3000], "bandpass", fs=RATE_HZ, output="sos"), rng.standard_normal(hall.size)
    )
    mixed = pair.query + 0.7 * hall + 0.05 * audience
    return replace(pair, query=levelled(mixed.astype(np.float32)))


def other_vocals(seed: int) -> Pair:
    """Return one backing track under two voices."""
    backing = _played(_song(seed), 5)
    one, other = (levelled(backing + 0.8 * _vocals(2 * seed + take)[: backing.size]) for take in range(2))
    return Pair(reference=one, query=other, shares_recording=True)


def two_masters(seed: int) -> Pair:
    """Return one mix, and it brighter, louder and compressed."""
    mix = _played(_song(seed), 5)
    treble = sosfilt(butter(1, 2500, "highpass", fs=RATE_HZ, output="sos"), mix)
    loud = np.tanh(3.0 * (mix + 0.8 * treble))
    return Pair(reference=mix, query=levelled(loud.astype(np.float32)), shares_recording=True)


def stem(seed: int) -> Pair:
    """Return a mix, and the part of it without melody and second voice."""
    score = _song(seed)
    backing = _played(_parts(score, "chords", "bass"), 5)
    melody = _played(_parts(score, "melody", "second"), 7)
    return Pair(reference=levelled(backing + 0.7 * melody), query=backing, shares_recording=True)


def shared_sample(seed: int) -> Pair:
    """Return two songs by different players over one loop of drums."""
    kit = partial(drum_machines.computed_kit, 1)
    loop = drum_machines.play_patterns(kit, np.random.default_rng([45, seed]))[: 8 * RATE_HZ]
    drums = np.tile(loop, int(PIECE_S / 8) + 1)[: round(PIECE_S * RATE_HZ)]
    songs = [levelled(drums + 0.4 * _played(_song(100 * seed + take), 4 + take)) for take in range(2)]
    return Pair(reference=songs[0], query=songs[1], shares_recording=True)


PAIRS: Final[Mapping[str, Callable[[int], Pair]]] = {
    "two_performances": two_performances,
    "live_version": live_version,
    "other_vocals": other_vocals,
    "two_masters": two_masters,
    "stem": stem,
    "shared_sample": shared_sample,
}
"""Pairs from seeds."""
