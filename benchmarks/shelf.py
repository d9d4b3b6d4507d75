"""A library in memory from which any recording can be left out: the same road, without a store.

Calibration asks thousands of excerpts about everything but the track they were cut from; an index for each
would take a day. Everything else is the product: its extractor, its stored codes, its `identify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.training.data import Source, cached
from fingerprint.extract import Extractor
from fingerprint.peaks import pick_peaks
from fingerprint.spectrogram import level_free
from fingerprint.types import Query, Spectrogram
from index.match import Hits

SHELF: Final = (1,)
"""The one collection of a shelf."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """What the search asks about a recording."""

    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Codes of many recordings in one flat index; those in `hidden` are not there for anyone."""

    extractor: Extractor
    sources: tuple[Source, ...]
    starts: NDArray[np.int64]
    """First code of each recording, and the number of all codes at the end."""
    vectors: NDArray[np.float32]
    constellations: tuple[NDArray[np.int32], ...]
    flat: Any
    hidden: frozenset[int] = field(default=frozenset())

    @property
    def scheme(self) -> str:
        """The extractor's."""
        return self.extractor.scheme

    def without(self, recordings: Sequence[int]) -> Shelf:
        """The same shelf with some recordings left out."""
        return replace(self, hidden=frozenset(recordings))

    def search(
        self,
        vectors: NDArray[np.float32],
        *,
        k: int,
        collections: Sequence[int],  # noqa: ARG002
        n_probe: int = 0,  # noqa: ARG002
    ) -> Hits:
        """The nearest codes that are not hidden, found exactly."""
        # a code of zeros is near to nothing; faiss's selectors would cost a hundred times the search
        kept = faiss.rev_swig_ptr(self.flat.get_xb(), self.vectors.size).reshape(self.vectors.shape)
        spans = [slice(*self.starts[number : number + 2]) for number in self.hidden]
        for span in spans:
            kept[span] = 0
        similarity, ids = self.flat.search(vectors, k)
        for span in spans:
            kept[span] = self.vectors[span]
        owner = np.searchsorted(self.starts, ids.ravel(), side="right") - 1
        return Hits(
            query_row=np.repeat(np.arange(len(vectors), dtype=np.int32), k),
            recording=owner.astype(np.int64),
            position=(ids.ravel() - self.starts[owner]).astype(np.int32),
            similarity=similarity.ravel(),
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


def power_of(source: Source, *, corpus: Path, cache: Path, frame_s: float) -> Spectrogram:
    """A whole track's spectrogram, from the cache that training keeps."""
    decibels = cached(source, corpus=corpus, cache=cache).astype(np.float32)
    power = np.power(np.float32(10), decibels / np.float32(10)).astype(np.float32)
    return Spectrogram(power=power, frame_s=frame_s)


def shelve(sources: Sequence[Source], extractor: Extractor, *, corpus: Path, cache: Path) -> Shelf:
    """Fingerprint all sources, or read what was kept of them under this scheme, and put them on one shelf."""
    parts, constellations = [], []
    for source in sources:
        name = hashlib.sha256(f"{source.path} {extractor.scheme}".encode()).hexdigest()[:16]
        kept = cache / "codes" / f"{name}.npz"
        if not kept.exists():
            sound = power_of(source, corpus=corpus, cache=cache, frame_s=extractor.params.frame_s)
            kept.parent.mkdir(parents=True, exist_ok=True)
            codes = extractor.pack(extractor.embed(sound, fine=False))
            peaks = pick_peaks(level_free(sound.power, extractor.params), extractor.params)
            np.savez(kept, codes=codes, peaks=peaks)
        with np.load(kept) as stored:
            parts.append(extractor.unpack(stored["codes"]))
            constellations.append(stored["peaks"])
    vectors = np.ascontiguousarray(np.concatenate(parts))
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return Shelf(
        extractor=extractor,
        sources=tuple(sources),
        starts=starts.astype(np.int64),
        vectors=vectors,
        constellations=tuple(constellations),
        flat=flat,
    )


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
