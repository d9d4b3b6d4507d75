"""Audio to degrade excerpts with: noises, speech, other music and rooms of one side of the split."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ, mono, read
from benchmarks.data.corpus import Corpus, Role

Sound1 = NDArray[np.float32]


class Material:
    """Draws noises, speech, music and rooms for the queries of `role`.

    Music and speech come from tracks that no index of this evaluation holds (``overlay`` in
    ``split.json``), so that a match of the overlay is always wrong. Validation and training queries get
    training noises and rooms.
    """

    def __init__(self, corpus: Corpus, *, role: Role = "test") -> None:
        side = "test" if role == "test" else "train"
        over: Role = "test" if role == "test" else "validation"
        root = corpus.root
        self._noises = [root / noise.path for noise in corpus.noises if noise.role == side]
        self._rooms = [root / room.path for room in corpus.rooms if room.role == side]
        self._music = [root / t.path for t in corpus.overlays(role=over, kind="music") if t.duration_s > 20]
        self._speech = [root / track.path for track in corpus.overlays(role=over, kind="speech")]

    def ambience(self, rng: np.random.Generator, n_samples: int) -> Sound1:
        """Return a recorded noise, repeated where it is too short."""
        return _stretch(_pick(rng, self._noises), rng, n_samples)

    def speech(self, rng: np.random.Generator, n_samples: int) -> Sound1:
        """Return a stretch of speech."""
        return _stretch(_pick(rng, self._speech), rng, n_samples)

    def music(self, rng: np.random.Generator, n_samples: int) -> Sound1:
        """Return a stretch of another piece."""
        return _stretch(_pick(rng, self._music), rng, n_samples)

    def room(self, rng: np.random.Generator) -> Sound1:
        """Return an impulse response of unit energy, from 2.5 ms before its maximum."""
        response = _mono(_pick(rng, self._rooms))
        start = max(0, int(np.argmax(np.abs(response))) - RATE_HZ // 400)
        trimmed = response[start:]
        return trimmed / np.float32(np.sqrt(np.square(trimmed).sum()))


def _pick(rng: np.random.Generator, paths: list[Path]) -> Path:
    return paths[int(rng.integers(len(paths)))]


@lru_cache(maxsize=64)
def _mono(path: Path) -> Sound1:
    return mono(read(path))


def _stretch(path: Path, rng: np.random.Generator, n_samples: int) -> Sound1:
    """Return `n_samples` of a file from a place that is not silent, if one of ten draws is such a place."""
    samples = _mono(path)
    loud = np.sqrt(np.mean(np.square(samples)))
    looped = np.tile(samples, -(-n_samples // samples.size) + 1)
    for _ in range(10):
        start = int(rng.integers(max(1, looped.size - n_samples)))
        part = looped[start : start + n_samples]
        if np.sqrt(np.mean(np.square(part))) > 0.3 * loud:
            break
    return part
