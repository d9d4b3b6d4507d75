"""The synthesiser of sample_audio with other seeds: as the repeated demo's music, but other pieces."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.data.kinds.makers import Maker, Sound, by_seed
from sample_audio import synth
from sample_audio.make import DORIAN, MAJOR, MINOR, Piece, play

INSTRUMENTS: Final = (
    synth.electric_piano,
    synth.brass,
    synth.pluck,
    synth.square_lead,
    synth.pad,
    synth.bell,
    synth.organ,
    synth.flute,
)


def _piece(rng: np.random.Generator) -> Sound:
    beats = 4 if rng.random() < 0.7 else 3
    chosen = rng.choice(len(INSTRUMENTS), size=2)
    scale = (DORIAN, MAJOR, MINOR)[int(rng.integers(3))]
    return play(
        Piece(
            title="",
            codec="",
            seed=int(rng.integers(2**31)),
            tempo_bpm=float(rng.uniform(70, 140)),
            root_midi=int(rng.integers(50, 64)),
            scale=scale,
            chords=tuple(int(degree) for degree in rng.integers(0, 7, size=8)),
            lead=INSTRUMENTS[chosen[0]],
            harmony=INSTRUMENTS[chosen[1]],
            drums="".join(rng.choice(list("kkshhh..."), size=16 if beats == 4 else 12)),
            busy=float(rng.uniform(0.5, 0.95)),
            kit=float(rng.uniform(0.7, 1.4)),
            swing=float(rng.choice([0.0, 0.1, 0.2, 0.35])),
            beats=beats,
        )
    )


def makers() -> list[Maker]:
    """Return the one synthesiser; pieces have the 24 s of sample_audio."""
    return [
        Maker(
            kind="sample_audio", name="sample_audio", side="test", rate_hz=synth.RATE_HZ, play=by_seed(_piece)
        )
    ]
