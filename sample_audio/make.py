"""Make everything in this folder again: ``python -m sample_audio.make`` (from the project's root).

The music is composed by chance from a seed and played by `sample_audio.synth`; it is ours and given away
under CC0 1.0. Encoded bytes depend on the encoders' versions, the samples do not.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.data.audio_io import encode, play_faster
from sample_audio import synth
from sample_audio.synth import RATE_HZ, Instrument, Sound

HERE: Final = Path(__file__).parent
MINOR, MAJOR, DORIAN = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 9, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A recipe: who plays what, how fast, over which chords.

    Attributes
    ----------
    drums : str
        One letter for each half beat of a bar: k(ick), s(nare), h(at) or a dot.
    busy : float
        How likely the melody moves on each half beat.
    kit : float
        How high the drums are tuned.
    swing : float
        How late the second of two half beats comes, as a share of a half beat; nobody plays on a grid.
    """

    title: str
    codec: str
    seed: int
    tempo_bpm: float
    root_midi: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]
    lead: Instrument
    harmony: Instrument
    drums: str
    busy: float
    kit: float = 1.0
    swing: float = 0.0
    beats: int = 4


PIECES: Final = (
    Piece(title="paper_lanterns", codec="opus", seed=11, tempo_bpm=92, root_midi=57, scale=DORIAN,
          chords=(0, 3, 5, 4, 0, 2, 5, 6), lead=synth.square_lead, harmony=synth.electric_piano,
          drums="k.h.s.hhk.hks.h.", busy=0.55, kit=0.9, swing=0.2),
    Piece(title="tin_parade", codec="mp3", seed=12, tempo_bpm=116, root_midi=58, scale=MAJOR,
          chords=(0, 4, 5, 3, 0, 3, 4, 0), lead=synth.brass, harmony=synth.brass,
          drums="k.s.k.ssk.s.ksss", busy=0.7, kit=1.35),
    Piece(title="night_bus", codec="opus", seed=13, tempo_bpm=124, root_midi=52, scale=MINOR,
          chords=(0, 0, 5, 6, 3, 3, 5, 4), lead=synth.bell, harmony=synth.pad,
          drums="khshkhshkhshkhss", busy=0.8),
    Piece(title="slow_harbour", codec="mp3", seed=14, tempo_bpm=74, root_midi=55, scale=MAJOR,
          chords=(0, 5, 3, 4, 2, 5, 1, 4), lead=synth.pluck, harmony=synth.pluck,
          drums="................", busy=0.85),
    Piece(title="clockwork_reel", codec="mp3", seed=15, tempo_bpm=138, root_midi=62, scale=DORIAN,
          chords=(0, 6, 0, 4, 2, 6, 3, 0), lead=synth.pluck, harmony=synth.electric_piano,
          drums="k..s..k.hs..", busy=0.92, kit=1.15, swing=0.1, beats=3),
)  # fmt: skip

STRANGERS: Final = (
    Piece(title="someone_elses_waltz", codec="opus", seed=21, tempo_bpm=96, root_midi=59, scale=MAJOR,
          chords=(0, 1, 4, 0, 5, 3, 4, 4), lead=synth.flute, harmony=synth.organ,
          drums="......", busy=0.5, swing=0.3, beats=3),
    Piece(title="someone_elses_groove", codec="mp3", seed=22, tempo_bpm=104, root_midi=53, scale=MINOR,
          chords=(0, 3, 6, 2, 5, 1, 4, 0), lead=synth.flute, harmony=synth.pluck,
          drums="k.shk.s.kkshk.ss", busy=0.6, kit=0.7, swing=0.35),
)  # fmt: skip

SUFFIX: Final = {"mp3": "mp3", "opus": "opus"}
LENGTH_S: Final = 24.0


def _hertz(piece: Piece, degree: int, octave: int = 0) -> float:
    steps = len(piece.scale)
    semitones = piece.scale[degree % steps] + 12 * (degree // steps + octave)
    return float(440 * 2 ** ((piece.root_midi + semitones - 69) / 12))


def _add(track: Sound, at_s: float, sound: Sound, level: float) -> None:
    start = max(0, int(at_s * RATE_HZ))
    fitting = sound[: max(0, track.size - start)]
    track[start : start + fitting.size] += np.float32(level) * fitting


def _harmony(track: Sound, piece: Piece, rng: np.random.Generator, bar_s: float) -> None:
    for bar in range(int(LENGTH_S / bar_s) + 1):
        chord = piece.chords[bar % len(piece.chords)]
        turned = int(rng.integers(3))  # another inversion each time, so that no two rounds are alike
        for voice, third in enumerate((0, 2, 4)):
            octave = 1 if voice < turned else 0
            _add(track, bar * bar_s + 0.015 * voice,
                 piece.harmony(_hertz(piece, chord + third, octave), bar_s, rng), 0.16)  # fmt: skip
        for half in (0.0, 0.5):
            _add(track, (bar + half) * bar_s, synth.bass(_hertz(piece, chord, -2), bar_s / 2, rng), 0.3)


def _melody(track: Sound, piece: Piece, rng: np.random.Generator, half_beat_s: float) -> None:
    degree, at, per_bar = 7, 0, 2 * piece.beats
    while at * half_beat_s < LENGTH_S:
        length = 1 if rng.random() < piece.busy else int(rng.integers(2, 5))
        if rng.random() > 0.12:
            chord = piece.chords[at // per_bar % len(piece.chords)]
            degree = int(np.clip(degree + rng.integers(-2, 3), 4, 14))
            tuned = chord + 7 if at % per_bar == 0 and rng.random() < 0.5 else degree
            sound = piece.lead(_hertz(piece, tuned), length * half_beat_s * 1.1, rng)
            late = piece.swing * (at % 2) + rng.normal(0, 0.03)
            _add(track, (at + late) * half_beat_s, sound, 0.3 * rng.uniform(0.7, 1.0))
        at += length


def _drums(track: Sound, piece: Piece, rng: np.random.Generator, step_s: float) -> None:
    kit = {"k": (synth.kick, 52.0), "s": (synth.snare, 190.0), "h": (synth.hat, 0.0)}
    for step in range(int(LENGTH_S / step_s)):
        letter = piece.drums[step % len(piece.drums)]
        if letter == "." and rng.random() < 0.06 and set(piece.drums) != {"."}:
            letter = "h"
        if letter in kit:
            drum, hertz = kit[letter]
            late = piece.swing * (step % 2) + rng.normal(0, 0.04)
            _add(
                track, (step + late) * step_s, drum(hertz * piece.kit, 0.3, rng), 0.45 * rng.uniform(0.7, 1.0)
            )


def play(piece: Piece) -> Sound:
    """The piece as mono samples at ``RATE_HZ``; the same for the same recipe."""
    rng = np.random.default_rng(piece.seed)
    beat_s = 60 / piece.tempo_bpm
    track = np.zeros(int(LENGTH_S * RATE_HZ), dtype=np.float32)
    _harmony(track, piece, rng, beat_s * piece.beats)
    _melody(track, piece, rng, beat_s / 2)
    _drums(track, piece, rng, beat_s / (len(piece.drums) / piece.beats if piece.beats == 3 else 4))
    fade = np.minimum(1, np.arange(track.size, 0, -1) / RATE_HZ)
    return np.asarray(track * fade * (0.85 / np.abs(track).max()), dtype=np.float32)


def babble(n_samples: int, *, seed: int = 31) -> Sound:
    """Speech-like syllables with pauses: a stand-in for a presenter, whose voice nobody owns."""
    rng, track, at_s = np.random.default_rng(seed), np.zeros(n_samples, dtype=np.float32), 0.1
    while at_s * RATE_HZ < n_samples:
        length_s = rng.uniform(0.08, 0.24)
        _add(track, at_s, synth.voice(rng.uniform(95, 150), length_s, rng), 1.0)
        at_s += length_s + (rng.uniform(0.25, 0.5) if rng.random() < 0.15 else 0.02)
    return track


def cut(samples: Sound, start_s: float, length_s: float) -> Sound:
    """Return the samples of a stretch."""
    return samples[int(start_s * RATE_HZ) : int((start_s + length_s) * RATE_HZ)]


def over(samples: Sound, other: Sound, snr_db: float) -> Sound:
    """Mix another sound over this one, so many decibels below it; the peak is 0.85."""
    level = np.sqrt(np.mean(np.square(samples)) / np.mean(np.square(other))) * 10 ** (-snr_db / 20)
    mixed = samples + np.float32(level) * other
    return np.asarray(mixed * (0.85 / np.abs(mixed).max()), dtype=np.float32)


def _scraped(played: dict[str, Sound]) -> dict[str, bytes]:
    """What a careless crawl might hold: excerpts of four of the originals, strangers, and rubbish."""
    noise = np.random.default_rng(32).standard_normal(10 * RATE_HZ).astype(np.float32)
    bus = cut(played["night_bus"], 6, 10)
    low = cut(played["paper_lanterns"], 5, 10)
    return {
        "shard-0/clip_01.mp3": encode(low, codec="mp3", bit_rate=32_000),
        "shard-0/clip_02.m4a": encode(
            play_faster(cut(played["tin_parade"], 4, 11.2), 1.12), codec="aac", bit_rate=48_000
        ),
        "shard-0/clip_03.opus": encode(over(bus, noise, 6.0), codec="opus", bit_rate=24_000),
        "shard-0/clip_04.mp3": encode(played["someone_elses_groove"], codec="mp3", bit_rate=40_000),
        "shard-1/clip_05.m4a": encode(
            over(cut(played["slow_harbour"], 8, 10), babble(10 * RATE_HZ), 0.0),
            codec="aac",
            bit_rate=48_000,
        ),
        "shard-1/clip_06.m4a": encode(
            cut(played["someone_elses_waltz"], 3, 12), codec="aac", bit_rate=48_000
        ),
        "shard-1/clip_07.mp3": b"<!doctype html><title>404</title><p>A page saved under a song's name.\n",
    }


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def make(folder: Path) -> None:
    """Write the originals, the scraped collection and the manifest into `folder`."""
    played = {piece.title: play(piece) for piece in (*PIECES, *STRANGERS)}
    files = {
        f"originals/{piece.title}.{SUFFIX[piece.codec]}":
            encode(played[piece.title], codec=piece.codec, bit_rate=56_000)
        for piece in PIECES
    }  # fmt: skip
    members = _scraped(played)
    files["scraped.zip"] = _zip(members)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    manifest = {
        "license": "CC0-1.0",
        "made_by": "python -m sample_audio.make",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "scraped.zip": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(HERE)
