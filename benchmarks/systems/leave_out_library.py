"""A library in memory from which any recording can be left out, for the product's matching without a store.

Calibration searches thousands of excerpts, each without the track it was cut from; an index for each would
take a day. Extractor, codes, index and `identify` are the product's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.file_cache import write_once
from benchmarks.training.data import Source, cached
from earwitness.fingerprint.extract import Extractor
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.match import Hits
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.scheme_files import background_of, calibration_of
from earwitness.index.store.shards import N_PROBE, build, search_index, split_numbers

COLLECTIONS: Final = (1,)
"""The id of the only collection."""

SPARE: Final = 4
"""Factor on the number of neighbours searched, because hidden recordings are then removed."""


@dataclass(frozen=True, slots=True)
class RecordingLength:
    """The length of a recording in seconds."""

    duration_s: float


@dataclass(frozen=True, kw_only=True)
class LeaveOutLibrary:
    """Codes of many recordings in one shard; recordings in `hidden` are never matched.

    Attributes
    ----------
    calibration : Calibration
        That of the extractor's scheme, unless numbers are fitted (`benchmarks.fit`).
    """

    extractor: Extractor
    sources: tuple[Source, ...]
    starts: NDArray[np.int64]
    """First code of each recording, and the number of all codes at the end."""
    vectors: NDArray[np.float32]
    constellations: tuple[NDArray[np.int32], ...]
    shard: Any
    calibration: Calibration
    hidden: frozenset[int] = field(default=frozenset())

    @property
    def scheme(self) -> str:
        """Name of the extractor's scheme."""
        return self.extractor.scheme

    @property
    def background(self) -> Background:
        """Decoys of the extractor's scheme."""
        return background_of(self.extractor)

    def without(self, recordings: Sequence[int]) -> LeaveOutLibrary:
        """Return the same library with some recordings left out."""
        return replace(self, hidden=frozenset(recordings))

    def search(
        self,
        vectors: NDArray[np.float32],
        *,
        k: int,
        collections: Sequence[int],  # noqa: ARG002
        n_probe: int = N_PROBE,
    ) -> Hits:
        """Return the nearest codes of recordings that are not hidden."""
        similarity, numbers = search_index(self.shard, vectors, SPARE * k, n_probe)
        owner, position = split_numbers(numbers)
        left_out = np.isin(owner, list(self.hidden)) | (numbers < 0)
        row, column = np.nonzero(~left_out & (np.cumsum(~left_out, axis=1) <= k))
        return Hits(
            query_row=row.astype(np.int32),
            recording=owner[row, column],
            position=position[row, column],
            similarity=similarity[row, column],
        )

    def codes(self, recording: int) -> NDArray[np.float32]:
        """Return all codes of a recording."""
        return self.vectors[self.starts[recording] : self.starts[recording + 1]]

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Return the spectral peaks of a recording."""
        return self.constellations[recording]

    def recording(self, recording: int) -> RecordingLength:
        """Return the length of a recording."""
        n_codes = int(self.starts[recording + 1] - self.starts[recording])
        return RecordingLength(n_codes * self.extractor.params.hop_s)

    def n_codes(self, collections: Sequence[int]) -> int:  # noqa: ARG002
        """Return the number of codes that are not hidden."""
        return len(self.vectors) - sum(int(self.starts[h + 1] - self.starts[h]) for h in self.hidden)

    def whole_file(self, *_: object) -> list[int]:
        """Return no recording: all queries are excerpts."""
        return []

    def changed_copies(self, *_: object) -> None:
        """Return None: recordings are left out, so no index of copies serves all queries."""
        return


def as_power(decibels: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return the power of cached decibels."""
    power: NDArray[np.float32] = np.power(np.float32(10), decibels.astype(np.float32) / np.float32(10))
    return power


def build_library(
    sources: Sequence[Source], extractor: Extractor, *, corpus: Path, cache: Path
) -> LeaveOutLibrary:
    """Return a library of all sources, with fingerprints from the cache where they exist."""
    parts, constellations = [], []
    for source in sources:
        name = hashlib.sha256(f"{source.path} {extractor.scheme}".encode()).hexdigest()[:16]
        file = cache / "codes" / f"{name}.npz"
        write_once(file, partial(_fingerprint, source, extractor, corpus, cache))
        with np.load(file) as stored:
            parts.append(extractor.unpack(stored["codes"]))
            constellations.append(stored["peaks"])
    vectors = np.ascontiguousarray(np.concatenate(parts))
    shard = build(
        ((number, extractor.pack(part)) for number, part in enumerate(parts)), len(vectors), extractor
    )
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return LeaveOutLibrary(
        extractor=extractor,
        sources=tuple(sources),
        starts=starts.astype(np.int64),
        vectors=vectors,
        constellations=tuple(constellations),
        shard=shard,
        calibration=calibration_of(extractor),
    )


def _fingerprint(source: Source, extractor: Extractor, corpus: Path, cache: Path, file: Path) -> None:
    power = as_power(cached(source, corpus=corpus, cache=cache))
    sound = Spectrogram(power=power, frame_s=extractor.params.frame_s)
    codes = extractor.pack(extractor.embed(sound, fine=False))
    peaks = pick_peaks(normalise_level(sound.power, extractor.params), extractor.params)
    np.savez(file, codes=codes, peaks=peaks)


def as_query(sound: Spectrogram, extractor: Extractor) -> Query:
    """Return a query with this spectrogram; excerpts have no whole-file Chromaprint."""
    seconds = len(sound.power) * sound.frame_s
    return Query(
        scheme=extractor.scheme,
        duration_s=seconds,
        active_s=seconds,
        spectrogram=sound,
        chromaprint=np.zeros(0, dtype=np.uint32),
    )
