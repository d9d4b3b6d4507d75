"""Chiptunes by emulation: pulse, triangle, wave and noise channels of five classic chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.data.kinds.makers import PIECE_S, Maker, Side, Sound, by_seed, levelled
from benchmarks.data.kinds.scores import Note, compose

RATE_HZ: Final = 22_050
CHIP_RATE_HZ: Final = 88_200
"""Rate of the emulation; what lies above half of ``RATE_HZ`` is then filtered out."""
FRAME_HZ: Final = 60
"""A driver writes a chip's registers once a frame."""
FRAME: Final = CHIP_RATE_HZ // FRAME_HZ

PULSES: Final = (0.125, 0.25, 0.5, 0.75)

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A tracker's instrument: duty or waveform, volume of each frame, arpeggio, vibrato.

    Attributes
    ----------
    duty : float
        Share of a pulse that is high.
    volumes : tuple of int
        Volume from 0 to 15 of each frame; the last one holds.
    arpeggio : tuple of int
        Semitones that are added in turn, one a frame.
    vibrato_cents : float
        Depth of the vibrato.
    sweep : float
        Change of the duty over a second.
    """

    duty: float
    volumes: tuple[int, ...]
    arpeggio: tuple[int, ...]
    vibrato_cents: float
    sweep: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Channels of a chip: the shape of each part's wave, and how its pitch is rounded."""

    shapes: Mapping[str, str]
    clock_hz: float
    """Clock of the pitch's divider: a period is a whole number of its ticks."""
    volume_bits: int
    short_noise: bool


CHIPS: Final[Mapping[str, Chip]] = {
    "nes": Chip(
        shapes={"melody": "pulse", "chords": "pulse", "bass": "triangle"},
        clock_hz=111_860.8,
        volume_bits=4,
        short_noise=False,
    ),
    "gameboy": Chip(
        shapes={"melody": "pulse", "chords": "pulse", "bass": "wave"},
        clock_hz=131_072.0,
        volume_bits=4,
        short_noise=True,
    ),
    "sid": Chip(
        shapes={"melody": "pulse", "chords": "saw", "bass": "saw"},
        clock_hz=985_248.0,
        volume_bits=8,
        short_noise=False,
    ),
    "ay": Chip(
        shapes={"melody": "square", "chords": "square", "bass": "square"},
        clock_hz=110_840.0,
        volume_bits=4,
        short_noise=False,
    ),
    "pokey": Chip(
        shapes={"melody": "square", "chords": "square", "bass": "buzz"},
        clock_hz=31_960.0,
        volume_bits=4,
        short_noise=True,
    ),
}
"""Five chips in outline; clocks are those of their pitch dividers (a 16th of the processor's, or similar)."""

BANKS: Final[tuple[tuple[str, int, Side], ...]] = (
    ("nes", 0, "fit"),
    ("nes", 1, "fit"),
    ("nes", 2, "fit"),
    ("sid", 0, "fit"),
    ("sid", 1, "fit"),
    ("sid", 2, "fit"),
    ("gameboy", 0, "test"),
    ("gameboy", 1, "test"),
    ("gameboy", 2, "test"),
    ("ay", 0, "test"),
    ("ay", 1, "test"),
    ("pokey", 0, "test"),
)
"""Chip, bank of instruments, side: a chip is on one side."""


@cache
def noise_bits(*, short: bool) -> NDArray[np.float64]:
    """Return the bits of a shift register of 15 stages with feedback from stage 1 (or 6, a short period)."""
    register, bits = 1, []
    for _ in range(93 if short else 32_767):
        feedback = (register ^ (register >> (6 if short else 1))) & 1
        register = (register >> 1) | (feedback << 14)
        bits.append(register & 1)
    return np.array(bits, dtype=np.float64) * 2 - 1


@cache
def bank(chip: str, number: int) -> Mapping[str, Instrument]:
    """Return the instruments of a bank, the same for all pieces that use it."""
    rng = np.random.default_rng([list(CHIPS).index(chip), number])
    arpeggios = ((0,), (0, 4, 7), (0, 3, 7), (0, 12), (0, 7, 12))

    def instrument(part: str) -> Instrument:
        decay = float(rng.uniform(2, 40))
        least = int(rng.integers(0, 9)) if part != "bass" else 12
        volumes = least + (15 - least) * np.exp(-np.arange(60) / decay)
        return Instrument(
            duty=float(rng.choice(PULSES)),
            volumes=tuple(round(float(one)) for one in volumes),
            arpeggio=arpeggios[int(rng.integers(5))] if part == "chords" else (0,),
            vibrato_cents=float(rng.uniform(0, 30)) if part == "melody" else 0.0,
            sweep=float(rng.uniform(0, 0.5)) if chip == "sid" else 0.0,
        )

    return {part: instrument(part) for part in ("melody", "chords", "bass")}


def _play(chip_name: str, number: int, rng: np.random.Generator) -> Sound:
    """Return a piece: one note at a time on each channel, a later note ends an earlier one."""
    chip, instruments = CHIPS[chip_name], bank(chip_name, number)
    score = compose(rng)
    mixed = np.zeros(round(PIECE_S * CHIP_RATE_HZ))
    for part in ("melody", "chords", "bass"):
        notes = _one_at_a_time([note for note in score.notes if note.part == part])
        for note, end_s in notes:
            start = round(note.start_s * FRAME_HZ) * FRAME
            frames = max(1, round((end_s - note.start_s) * FRAME_HZ))
            sound = _tone(chip, chip.shapes[part], instruments[part], note.key, frames)
            mixed[start : start + sound.size] += sound[: max(0, mixed.size - start)] * (
                0.7 if part == "bass" else 0.5
            )
    for note in score.notes:
        if note.part == "drums":
            start = round(note.start_s * FRAME_HZ) * FRAME
            sound = _hit(chip, note.key)
            mixed[start : start + sound.size] += 0.4 * sound[: max(0, mixed.size - start)]
    return levelled(soxr.resample(mixed.astype(np.float32), CHIP_RATE_HZ, RATE_HZ, quality="HQ"))


def _one_at_a_time(notes: list[Note]) -> list[tuple[Note, float]]:
    """Return the highest note of each start, and the time at which it ends."""
    highest: dict[int, Note] = {}
    for note in notes:
        frame = round(note.start_s * FRAME_HZ / 2)
        if frame not in highest or highest[frame].key < note.key:
            highest[frame] = note
    ordered = [highest[frame] for frame in sorted(highest)]
    ends = [note.start_s for note in ordered[1:]] + [float("inf")]
    return [(note, min(note.start_s + note.length_s, end)) for note, end in zip(ordered, ends, strict=True)]


def _tone(chip: Chip, shape: str, instrument: Instrument, key: int, frames: int) -> Samples:
    """Return one note, frame by frame as a driver writes the registers."""
    at = np.arange(frames)
    vibrato = np.sin(2 * np.pi * 6 * np.maximum(at / FRAME_HZ - 0.2, 0))
    bend = np.array(instrument.arpeggio)[at % len(instrument.arpeggio)]
    bend = bend + instrument.vibrato_cents / 100 * vibrato
    hertz = 440 * 2 ** ((key + bend - 69) / 12)
    hertz = chip.clock_hz / np.maximum(np.round(chip.clock_hz / hertz), 1)
    steps = 2**chip.volume_bits - 1
    volume = np.array(instrument.volumes)[np.minimum(at, len(instrument.volumes) - 1)] / 15
    volume = np.round(volume * steps) / steps
    phase = np.cumsum(np.repeat(hertz, FRAME) / CHIP_RATE_HZ) % 1.0
    duty = np.repeat((instrument.duty + instrument.sweep * at / FRAME_HZ) % 0.9 + 0.05, FRAME)
    return np.asarray(SHAPES[shape](phase, duty) * np.repeat(volume, FRAME))


def _wave(phase: Samples, _: Samples) -> Samples:
    """32 samples of 4 bits, as a wave channel holds: two sines."""
    angle = 2 * np.pi * np.arange(32) / 32
    table = np.round(7.5 + 5 * np.sin(angle) + 2.5 * np.sin(3 * angle))
    return np.asarray(table[(phase * 32).astype(int)] / 7.5 - 1)


SHAPES: Final[Mapping[str, Callable[[Samples, Samples], Samples]]] = {
    "pulse": lambda phase, duty: np.where(phase < duty, 1.0, -1.0),
    "square": lambda phase, _: np.where(phase < 0.5, 1.0, -1.0),
    "triangle": lambda phase, _: np.round(15 * np.abs(2 * phase - 1)) / 7.5 - 1,
    "saw": lambda phase, _: 2 * phase - 1,
    "wave": _wave,
    "buzz": lambda phase, _: noise_bits(short=True)[(phase * 31).astype(int)],
}
"""One period of each shape over the phase from 0 to 1."""


def _hit(chip: Chip, key: int) -> Samples:
    """Return a drum: noise at a clock of the drum's own, with a volume that falls frame by frame."""
    clock_hz, frames = {36: (900.0, 9), 38: (7_000.0, 12), 42: (22_000.0, 3)}.get(key, (18_000.0, 14))
    bits = noise_bits(short=chip.short_noise and key == 42)
    at = (np.arange(frames * FRAME) * clock_hz / CHIP_RATE_HZ).astype(int)
    volume = np.round(15 * np.exp(-np.arange(frames) / (frames / 3))) / 15
    return np.asarray(bits[at % bits.size] * np.repeat(volume, FRAME))


def makers() -> list[Maker]:
    """Return every bank of every chip."""
    return [
        Maker(
            kind="chiptune",
            name=f"{chip}-{number}",
            side=side,
            rate_hz=RATE_HZ,
            play=by_seed(partial(_play, chip, number)),
        )
        for chip, number, side in BANKS
    ]
