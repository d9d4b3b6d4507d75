"""Interfaces that the search needs of a library and of an extractor; tests implement small ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.match import Hits
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.store.shards import N_PROBE


class Embedder(Protocol):
    """What the search needs of `earwitness.fingerprint.extract.Extractor`."""

    @property
    def params(self) -> Params:
        """Parameters of its scheme."""

    def __hash__(self) -> int:
        """Extractors are compared by identity: what is read from their files is cached for each."""

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return unit vectors along a spectrogram, at the hop of codes or a quarter of it
        (`Extractor.embed`)."""

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the unit vectors of packed codes."""

    def model_file(self, name: str) -> Path:
        """Return the path of a shipped file of this scheme."""


class Packer(Embedder, Protocol):
    """What making stored codes needs of an extractor."""

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the packed codes of unit vectors."""


class StoredRecording(Protocol):
    """What the search needs of one recording of the index."""

    @property
    def duration_s(self) -> float:
        """Length of the recording, in seconds."""


class Searchable(Protocol):
    """What the search needs of `earwitness.index.library.Library`."""

    @property
    def scheme(self) -> str:
        """Name of the scheme of its codes."""

    @property
    def extractor(self) -> Embedder:
        """The extractor of this scheme."""

    @property
    def calibration(self) -> Calibration:
        """Fitted numbers of this scheme."""

    @property
    def background(self) -> Background:
        """Decoys of this scheme."""

    def search(
        self, vectors: NDArray[np.float32], *, k: int, collections: Sequence[int], n_probe: int = N_PROBE
    ) -> Hits:
        """Return the `k` codes nearest to each vector; `n_probe` lists of a partitioned shard are read for
        each."""

    def codes(self, recording: int) -> NDArray[np.float32]:
        """Return all codes of a recording, unpacked, float32, shape (n_codes, dim)."""

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Return frame and band of a recording's spectral peaks, int32, shape (n_peaks, 2), frames
        ascending."""

    def recording(self, recording: int) -> StoredRecording:
        """Return the stored facts about a recording."""

    def n_codes(self, collections: Sequence[int]) -> int:
        """Return the number of codes that `search` compares with."""

    def whole_file(
        self, chromaprint: NDArray[np.uint32], duration_s: float, collections: Sequence[int]
    ) -> Sequence[int]:
        """Return recordings that are the same file from start to end by Chromaprint."""

    def changed_copies(self, collections: Sequence[int]) -> CopyIndex | None:
        """Return the changed copies of the recordings of these collections, if all of them have copies."""
