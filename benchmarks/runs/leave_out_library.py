"""A library in memory from which any recording can be left out: the same road, without a store.

Calibration asks thousands of excerpts about everything but the track they were cut from; an index for each
would take a day. Everything else is the product: its extractor, its stored codes, its index, its `identify`.
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

from benchmarks.data.file_cache import keep
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

SHELF: Final = (1,)
"""The one collection of a shelf."""

SPARE: Final = 4
"""Codes are looked up for each that is wanted, as those of hidden recordings are then dropped."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """What the search asks about a recording."""

    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Codes of many recordings in one segment; those in `hidden` are not there for anyone."""

    extractor: Extractor
    sources: tuple[Source, ...]
    starts: NDArray[np.int64]
    """First code of each recording, and the number of all codes at the end."""
    vectors: NDArray[np.float32]
    constellations: tuple[NDArray[np.int32], ...]
    segment: Any
    hidden: frozenset[int] = field(default=frozenset())

    @property
    def scheme(self) -> str:
        """The extractor's."""
        return self.extractor.scheme

    @property
    def calibration(self) -> Calibration:
        """Fitted numbers of the extractor's scheme."""
        return calibration_of(self.extractor)

    @property
    def background(self) -> Background:
        """Decoys of the extractor's scheme."""
        return background_of(self.extractor)

    def without(self, recordings: Sequence[int]) -> Shelf:
        """The same shelf with some recordings left out."""
        return replace(self, hidden=frozenset(recordings))

    def search(
        self,
        vectors: NDArray[np.float32],
        *,
        k: int,
        collections: Sequence[int],  # noqa: ARG002
        n_probe: int = N_PROBE,
    ) -> Hits:
        """The nearest codes that are not hidden, of several times as many."""
        similarity, numbers = search_index(self.segment, vectors, SPARE * k, n_probe)
        owner, position = split_numbers(numbers)
        gone = np.isin(owner, list(self.hidden)) | (numbers < 0)
        row, column = np.nonzero(~gone & (np.cumsum(~gone, axis=1) <= k))
        return Hits(
            query_row=row.astype(np.int32),
            recording=owner[row, column],
            position=position[row, column],
            similarity=similarity[row, column],
        )

    def codes(self, recording: int) -> NDArray[np.float32]:
        """All codes of a recording."""
        return self.vectors[self.starts[recording] : self.starts[recording + 1]]

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Peaks of a recording."""
        return self.constellations[recording]

    def recording(self, recording: int) -> Shelved:
        """How long a recording is."""
        n_codes = int(self.starts[recording + 1] - self.starts[recording])
        return Shelved(n_codes * self.extractor.params.hop_s)

    def n_codes(self, collections: Sequence[int]) -> int:  # noqa: ARG002
        """Codes that are not hidden."""
        return len(self.vectors) - sum(int(self.starts[h + 1] - self.starts[h]) for h in self.hidden)

    def whole_file(self, *_: object) -> list[int]:
        """None: what is asked here are excerpts."""
        return []


def as_power(decibels: NDArray[np.float16]) -> NDArray[np.float32]:
    """Power of decibels as the cache keeps them."""
    power: NDArray[np.float32] = np.power(np.float32(10), decibels.astype(np.float32) / np.float32(10))
    return power


def shelve(sources: Sequence[Source], extractor: Extractor, *, corpus: Path, cache: Path) -> Shelf:
    """Fingerprint all sources, or read what was kept of them under this scheme, and put them on one shelf."""
    parts, constellations = [], []
    for source in sources:
        name = hashlib.sha256(f"{source.path} {extractor.scheme}".encode()).hexdigest()[:16]
        kept = cache / "codes" / f"{name}.npz"
        keep(kept, partial(_fingerprint, source, extractor, corpus, cache))
        with np.load(kept) as stored:
            parts.append(extractor.unpack(stored["codes"]))
            constellations.append(stored["peaks"])
    vectors = np.ascontiguousarray(np.concatenate(parts))
    segment = build(
        ((number, extractor.pack(part)) for number, part in enumerate(parts)), len(vectors), extractor
    )
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return Shelf(
        extractor=extractor,
        sources=tuple(sources),
        starts=starts.astype(np.int64),
        vectors=vectors,
        constellations=tuple(constellations),
        segment=segment,
    )


def _fingerprint(source: Source, extractor: Extractor, corpus: Path, cache: Path, file: Path) -> None:
    power = as_power(cached(source, corpus=corpus, cache=cache))
    sound = Spectrogram(power=power, frame_s=extractor.params.frame_s)
    codes = extractor.pack(extractor.embed(sound, fine=False))
    peaks = pick_peaks(normalise_level(sound.power, extractor.params), extractor.params)
    np.savez(file, codes=codes, peaks=peaks)


def as_query(sound: Spectrogram, extractor: Extractor) -> Query:
    """A query as if this had been decoded; excerpts have no whole-file Chromaprint."""
    seconds = len(sound.power) * sound.frame_s
    return Query(
        scheme=extractor.scheme,
        duration_s=seconds,
        active_s=seconds,
        spectrogram=sound,
        chromaprint=np.zeros(0, dtype=np.uint32),
    )
