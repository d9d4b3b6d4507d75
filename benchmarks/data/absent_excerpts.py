"""Excerpts to be searched where their own recording is left out, so that every match is by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.data.corpus import Corpus
from benchmarks.systems.leave_out_library import LeaveOutLibrary, as_power
from benchmarks.training.data import Source, cached
from earwitness.fingerprint.types import Spectrogram

LEAST_LEVEL: Final = 1e-3
"""Mean power of an excerpt, relative to that of its recording, below which it is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnExcerpt:
    """An excerpt of a recording of a library.

    Attributes
    ----------
    recording : int
        Number of the recording in the library.
    """

    recording: int
    start_s: float
    sound: Spectrogram

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return len(self.sound.power) * self.sound.frame_s


def draw_excerpt(
    library: LeaveOutLibrary,
    recordings: Sequence[int],
    lengths_s: Sequence[float],
    *,
    corpus: Path,
    cache: Path,
    rng: np.random.Generator,
) -> DrawnExcerpt:
    """Draw an excerpt that is not silent: first a recording, then a length, then a place.

    Parameters
    ----------
    recordings
        Numbers of the recordings that are drawn from.
    """
    frame_s = library.extractor.params.frame_s
    while True:
        recording = int(recordings[int(rng.integers(len(recordings)))])
        n_frames = round(lengths_s[int(rng.integers(len(lengths_s)))] / frame_s)
        source = library.sources[recording]
        decibels = cached(source, corpus=corpus, cache=cache)
        first = int(rng.integers(max(len(decibels) - n_frames, 1)))
        power = as_power(decibels[first : first + n_frames])
        if len(power) == n_frames and power.mean() > LEAST_LEVEL * _level(source, corpus, cache):
            return DrawnExcerpt(
                recording=recording,
                start_s=first * frame_s,
                sound=Spectrogram(power=power, frame_s=frame_s),
            )


@lru_cache(maxsize=4096)
def _level(source: Source, corpus: Path, cache: Path) -> float:
    return float(as_power(cached(source, corpus=corpus, cache=cache)).mean())


def excluded_recordings(library: LeaveOutLibrary, corpus: Corpus, *, package: bool) -> dict[int, list[int]]:
    """Return for each recording those that may hold the same: duplicates, equal file names, its package.

    Parameters
    ----------
    package
        Whether the other recordings of its package are left out too: its tracks may share loops, and are by
        the same composer with the same instruments.
    """
    tracks = {track.path: track for track in corpus.tracks}
    members: dict[str, list[int]] = {}
    keys = []
    for number, source in enumerate(library.sources):
        track = tracks[source.path]
        own = {Path(source.path).name, track.sha256, track.dup_group or source.path}
        keys.append(own | {f"package {source.package}"} if package else own)
        for key in keys[-1]:
            members.setdefault(key, []).append(number)
    return {
        number: sorted({other for key in own for other in members[key]}) for number, own in enumerate(keys)
    }
