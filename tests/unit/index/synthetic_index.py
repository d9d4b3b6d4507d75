"""A small extractor, a small library and synthetic music, so that search tests load no net and no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.params import PARAMS, Params
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.match import Hits
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.scheme_files import calibration_of

N_BANDS, CONTEXT = PARAMS.n_bands, 48
CALIBRATION = calibration_of(extractor())


@lru_cache(maxsize=64)
def music(seed: int, seconds: float) -> Spectrogram:
    """A power spectrogram of decaying notes over a noise floor; every seed another piece."""
    rng = np.random.default_rng(seed)
    n_frames = round(seconds / PARAMS.frame_s) + 1
    power = np.full((n_frames + 60, N_BANDS), 1e-3)
    for _ in range(int(seconds * 12)):
        onset, band = rng.integers(0, n_frames), rng.integers(2, N_BANDS - 2)
        length = int(rng.integers(8, 60))
        note = rng.uniform(0.2, 1.0) * np.exp(-np.arange(length) / rng.uniform(4, 25))
        power[onset : onset + length, band - 1 : band + 2] += note[: len(power) - onset, None] * [
            0.3,
            1.0,
            0.3,
        ]
    return Spectrogram(power=power[:n_frames].astype(np.float32), frame_s=PARAMS.frame_s)


def cut(spectrogram: Spectrogram, start_s: float, end_s: float) -> Spectrogram:
    """The part of a spectrogram between two times."""
    first, last = round(start_s / spectrogram.frame_s), round(end_s / spectrogram.frame_s)
    return Spectrogram(power=spectrogram.power[first:last], frame_s=spectrogram.frame_s)


def join(*parts: Spectrogram) -> Spectrogram:
    """Several spectrograms one after the other."""
    return Spectrogram(power=np.concatenate([part.power for part in parts]), frame_s=parts[0].frame_s)


def silence(seconds: float) -> Spectrogram:
    """Digital silence."""
    return Spectrogram(
        power=np.zeros((round(seconds / PARAMS.frame_s), N_BANDS), np.float32), frame_s=PARAMS.frame_s
    )


@dataclass(frozen=True, eq=False)
class BlurExtractor:
    """Blurs a patch of level-free decibels and projects it at random: enough to know synthetic music."""

    scheme: str = "fake-1"
    params: Params = PARAMS

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors at either hop, edges padded."""
        hop = self.params.query_hop_frames if fine else self.params.code_hop_frames
        picture = normalise_level(spectrogram.power)
        coarse = picture.reshape(len(picture), N_BANDS // 4, 4).mean(axis=2)
        padded = np.pad(coarse, ((CONTEXT // 2, CONTEXT // 2), (0, 0)), mode="edge")
        summed = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
        eighths = (summed[8:] - summed[:-8]) / 8
        centres = np.arange(0, len(picture), hop)
        patches = np.stack([eighths[centres + 8 * part] for part in range(6)], axis=1).reshape(
            len(centres), -1
        )
        patches = patches - patches.mean(axis=1, keepdims=True)
        basis = np.random.default_rng(5).standard_normal((patches.shape[1], self.params.dim))
        rows = patches @ basis
        units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        if phases is not None:
            units[~np.isin(np.arange(len(units)) % QUERY_FRAMES_PER_CODE, phases)] = 0
        return np.asarray(units, dtype=np.float32)

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Codes of signed bytes; not what the product stores."""
        packed: NDArray[np.uint8] = np.round(embedding * 127).astype(np.int8).view(np.uint8)
        return packed

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors from `pack`."""
        rows: NDArray[np.float32] = codes.view(np.int8).astype(np.float32)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows

    def model_file(self, name: str) -> Path:
        """No model travels with this one; its background comes from `background`."""
        raise FileNotFoundError(name)

    def query(self, spectrogram: Spectrogram) -> Query:
        """A query as if `spectrogram` had been heard."""
        seconds = len(spectrogram.power) * spectrogram.frame_s
        return Query(
            scheme=self.scheme,
            duration_s=seconds,
            active_s=seconds,
            spectrogram=spectrogram,
            chromaprint=np.zeros(0, np.uint32),
        )


@dataclass(frozen=True)
class Row:
    """What the search asks about a recording."""

    duration_s: float


@dataclass(eq=False)
class MemoryLibrary:
    """Exact search over recordings held in memory."""

    extractor: BlurExtractor | Extractor
    background: Background
    calibration: Calibration = CALIBRATION
    durations_s: list[float] = field(default_factory=list)
    stored: list[NDArray[np.float32]] = field(default_factory=list)
    constellations: list[NDArray[np.int32]] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    copies: CopyIndex | None = None

    @property
    def scheme(self) -> str:
        """The extractor's."""
        return self.extractor.scheme

    def add(self, spectrogram: Spectrogram) -> int:
        """Keep a recording's codes; returns its number."""
        codes = self.extractor.unpack(self.extractor.pack(self.extractor.embed(spectrogram, fine=False)))
        self.stored.append(codes)
        self.constellations.append(pick_peaks(normalise_level(spectrogram.power)))
        self.durations_s.append(len(spectrogram.power) * spectrogram.frame_s)
        return len(self.stored) - 1

    def search(
        self,
        vectors: NDArray[np.float32],
        *,
        k: int,
        collections: Sequence[int],
        n_probe: int = 0,
    ) -> Hits:
        """The k most similar codes of each vector."""
        similarity = vectors @ np.concatenate(self.stored).T
        k = min(k, similarity.shape[1])
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k].ravel()
        owner = np.repeat(np.arange(len(self.stored)), [len(codes) for codes in self.stored])
        position = np.concatenate([np.arange(len(codes)) for codes in self.stored])
        rows = np.repeat(np.arange(len(vectors)), k)
        return Hits(
            query_row=rows.astype(np.int32),
            recording=owner[nearest].astype(np.int64),
            position=position[nearest].astype(np.int32),
            similarity=similarity[rows, nearest].astype(np.float32),
        )

    def codes(self, recording: int) -> NDArray[np.float32]:
        """All codes of a recording."""
        return self.stored[recording]

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """All peaks of a recording."""
        return self.constellations[recording]

    def recording(self, recording: int) -> Row:
        """What is known of it."""
        return Row(self.durations_s[recording])

    def n_codes(self, collections: Sequence[int]) -> int:
        """Codes in all recordings."""
        return sum(len(codes) for codes in self.stored)

    def whole_file(
        self, chromaprint: NDArray[np.uint32], duration_s: float, collections: Sequence[int]
    ) -> list[int]:
        """The recordings that the test says are whole-file copies."""
        return self.whole

    def changed_copies(self, collections: Sequence[int]) -> CopyIndex | None:
        """The copies that the test made, if any."""
        return self.copies


EXTRACTOR = BlurExtractor()


@cache
def background(*, n_runs: int = 120, seconds: float = 40.0) -> Background:
    """Decoys from pieces that no test asks about; computed once in a process, because it takes seconds."""
    runs = [EXTRACTOR.embed(music(10_000 + run, seconds), fine=False) for run in range(n_runs)]
    run_of = np.repeat(np.arange(n_runs, dtype=np.int32), [len(run) for run in runs])
    return Background.of(np.concatenate(runs), run_of, np.zeros(len(run_of), dtype=np.bool_))


def library_of_music(*, n_pieces: int, seconds: float) -> MemoryLibrary:
    """Pieces of music with the seeds 0 to `n_pieces` - 1, indexed."""
    library = MemoryLibrary(EXTRACTOR, background())
    for seed in range(n_pieces):
        library.add(music(seed, seconds))
    return library
