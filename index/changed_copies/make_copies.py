"""Make the changed copies of a work: its codes as if it were played at other speeds, pitches and tempos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.database.records import ChangedCopies
from earwitness.index.match import Change
from earwitness.index.matching.effort import COPIED_CHANGES
from earwitness.index.protocols import Packer

EVERY: Final = 2
"""Of the codes of a changed copy, one of so many is kept: one a second. Chosen by hand: hits of 3 s still
give twice as many votes as chance (``benchmarks stored-copies``)."""

CODES_AT_ONCE: Final = 1_200
"""Codes of a changed copy (10 minutes) that are made at once, so that memory stays small."""


def make_copies(spectrogram: Spectrogram, extractor: Packer) -> ChangedCopies:
    """Make the changed copies of a work from its spectrogram."""
    return ChangedCopies(
        changes=COPIED_CHANGES,
        codes=tuple(_codes(spectrogram, change, extractor) for change in COPIED_CHANGES),
        every=EVERY,
    )


def _codes(spectrogram: Spectrogram, change: Change, extractor: Packer) -> NDArray[np.uint8]:
    return np.concatenate([extractor.pack(part[::EVERY]) for part in _parts(spectrogram, change, extractor)])


def _parts(spectrogram: Spectrogram, change: Change, extractor: Packer) -> Iterator[NDArray[np.float32]]:
    """Yield the codes of the changed sound, part by part; what is around a part is changed with it."""
    params, power = extractor.params, spectrogram.power
    hop = params.code_hop_frames
    n_codes = -(-max(round(len(power) / change.stretch), 1) // hop)
    around = -(-params.context_frames // hop)
    for first in range(0, n_codes, CODES_AT_ONCE):
        begin = max(first - around, 0)
        end = min(first + CODES_AT_ONCE, n_codes)
        frames = slice(round(begin * hop * change.stretch), round((end + around) * hop * change.stretch) + 1)
        part = Spectrogram(power=power[frames], frame_s=spectrogram.frame_s)
        changed = warp(
            part,
            speed=1 / change.speed,
            pitch_cents=-change.pitch_cents,
            tempo=1 / change.tempo,
            params=params,
        )
        yield extractor.embed(changed, fine=False)[first - begin : end - begin]
