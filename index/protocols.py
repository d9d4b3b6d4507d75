"""What the search needs of a library and of an extractor, and nothing more; tests give it small ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Hits
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.store.shards import N_PROBE


class Embedder(Protocol):
    """What the search needs of `earwitness.fingerprint.extract.Extractor`."""

    @property
    def params(self) -> Params:
        """The numbers of its scheme."""

    def __hash__(self) -> int:
        """One extractor is one model: what is worked out from its files is kept for it."""

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors along a spectrogram, at the codes' hop or a quarter of it; zeros but for `phases`."""

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors from packed codes."""

    def model_file(self, name: str) -> Path:
        """A shipped file of this extractor's scheme."""


class StoredRecording(Protocol):
    """What the search needs to know of one recording of the index."""

    @property
    def duration_s(self) -> float:
        """Length of the recording, in seconds."""


class Searchable(Protocol):
    """What the search needs of `earwitness.index.library.Library`."""

    @property
    def scheme(self) -> str:
        """Name of the numbers that its codes were made with."""

    @property
    def extractor(self) -> Embedder:
        """Makes codes of this scheme."""

    @property
    def calibration(self) -> Calibration:
        """Fitted numbers of this scheme."""

    @property
    def background(self) -> Background:
        """Decoys of this scheme."""

    def search(
        self, vectors: NDArray[np.float32], *, k: int, collections: Sequence[int], n_probe: int = N_PROBE
    ) -> Hits:
        """The `k` codes nearest to each vector, `n_probe` lists of a partitioned segment read for each."""

    def codes(self, recording: int) -> NDArray[np.float32]:
        """All codes of a recording, unpacked."""

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Frame and band of a recording's strongest spectral peaks, frames ascending."""

    def recording(self, recording: int) -> StoredRecording:
        """What is known of a recording."""

    def n_codes(self, collections: Sequence[int]) -> int:
        """Codes that `search` looks among."""

    def whole_file(
        self, chromaprint: NDArray[np.uint32], duration_s: float, collections: Sequence[int]
    ) -> Sequence[int]:
        """Recordings that Chromaprint takes for the same file from end to end."""
