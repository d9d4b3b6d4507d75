"""The product as benchmarks use it: decoder, extractor, writer, library, identify."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.data.corpus import Track
from benchmarks.data.file_cache import write_once
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.errors import AudioError
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import Waveform
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.library import Library
from earwitness.index.match import Effort, Match
from earwitness.index.matching.identify import identify, warm
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer

BATCH: Final = 16


def references(root: Path, tracks: Sequence[Track], *, work: Path, name: str = "references") -> Path:
    """Return a home with these tracks as one dataset; built once for each scheme and selection.

    Decoded audio is cached below `work`, because a new scheme needs it again.
    """
    extractor_used = extractor()
    chosen = hashlib.sha256("\n".join(track.sha256 for track in tracks).encode()).hexdigest()[:10]
    home = work / "homes" / f"{extractor_used.scheme}-{chosen}"
    done = home / "complete"
    if done.exists():
        return home
    with Writer.open(HomeAddress(home)) as writer, Decoder() as decoder:
        collection = writer.collection(CollectionKind.DATASET, name, "1")
        for batch in _batches(tracks):
            writer.add(
                collection, [_item(root, track, decoder, extractor_used, work / "decoded") for track in batch]
            )
        writer.publish()
        writer.mark(collection, complete=True)
    done.touch()
    return home


def _batches(tracks: Sequence[Track]) -> Iterator[Sequence[Track]]:
    for first in range(0, len(tracks), BATCH):
        yield tracks[first : first + BATCH]


def _item(root: Path, track: Track, decoder: Decoder, extractor_used: Extractor, cache: Path) -> NewItem:
    waveform = decoded_waveform(root / track.path, track.sha256, decoder, cache)
    return NewItem(
        path=track.path,
        sha256=track.sha256,
        fingerprint=extractor_used.fingerprint(extractor_used.query(waveform)),
    )


def decoded_waveform(path: Path, sha256: str, decoder: Decoder, cache: Path) -> Waveform:
    """Return the waveform of a corpus file from the product's decoder, or from the cache."""
    file = cache / f"{sha256[:24]}.npy"
    write_once(file, lambda partial: np.save(partial, decoder.decode(path, name=path.name).waveform.samples))
    return Waveform(samples=np.load(file))


def readable(root: Path, tracks: Sequence[Track], *, work: Path) -> tuple[list[Track], list[dict[str, str]]]:
    """Return the tracks that the product's decoder reads, and the errors of the others."""
    good, bad = [], []
    with Decoder() as decoder:
        for track in tracks:
            try:
                decoded_waveform(root / track.path, track.sha256, decoder, work / "decoded")
            except AudioError as error:
                bad.append({"path": track.path, "error": error.code})
            else:
                good.append(track)
    return good, bad


def recordings(library: Library, tracks: Sequence[Track]) -> dict[int, str]:
    """Return the track path of each recording of a home."""
    paths = {}
    for track in tracks:
        row = library.by_sha256(track.sha256)
        if row is not None:
            paths[row.id] = track.path
    return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Result of one search.

    Attributes
    ----------
    took_s : float
        Seconds from waveform to matches.
    active_s : float
        Seconds of the query that are not silent.
    """

    matches: list[Match]
    took_s: float
    active_s: float


class Product:
    """The product in one process: an open library and compiled kernels, for many queries.

    Attributes
    ----------
    names : dict of int to str
        Track path of each recording of the home.
    """

    def __init__(self, home: Path, tracks: Sequence[Track], effort: Effort) -> None:
        self._decoder, self._effort = Decoder(), effort
        self._library = Library.open(HomeAddress(home))
        self._extractor = extractor(self._library.scheme)
        self._collections = [known.id for known in self._library.collections]
        self.names = recordings(self._library, tracks)
        warm(self._extractor)

    @property
    def n_codes(self) -> int:
        """Codes that a search looks through."""
        return self._library.n_codes(self._collections)

    def search(self, sound: bytes | Path, *, name: str) -> Searched:
        """Decode an audio file and search for it."""
        waveform = self._decoder.decode(sound, name=name).waveform
        start = time.perf_counter()
        query = self._extractor.query(waveform)
        matches = identify(query, self._library, collections=self._collections, effort=self._effort)
        took_s = time.perf_counter() - start
        return Searched(matches=matches, took_s=took_s, active_s=query.active_s)
