"""Decoys: codes of audio that belongs to no collection, as each scheme's model ships them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.statistics.speech import SpeechDetector

BACKGROUND_FILE: Final = "background.npz"
"""Name of the file in a scheme's model folder."""

ROUGH_EVERY: Final = 8
"""The rough background holds one of this many runs of decoys."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Background:
    """Codes of music and speech that belong to no collection: decoys, from which chance is estimated.

    Attributes
    ----------
    codes : float32 array, shape (n_decoys, dim)
        Unit vectors, in contiguous runs.
    run_of : int32 array, shape (n_decoys,)
        Number of the run (a part of one recording) that each code belongs to.
    centre : float32 array, shape (dim,)
        Mean of the codes.
    spread : float32 array, shape (dim, dim)
        A root of their covariance.
    speech : SpeechDetector or None
        None where no decoy, or every one, is spoken.
    """

    codes: NDArray[np.float32]
    run_of: NDArray[np.int32]
    centre: NDArray[np.float32]
    spread: NDArray[np.float32]
    speech: SpeechDetector | None

    @classmethod
    def of(
        cls, codes: NDArray[np.float32], run_of: NDArray[np.int32], is_speech: NDArray[np.bool_]
    ) -> Background:
        """Compute mean and covariance of the decoys, and train the detector of speech on them.

        Parameters
        ----------
        is_speech : bool array, shape (n_decoys,)
            Whether each code comes from spoken word.
        """
        centre = codes.mean(axis=0, dtype=np.float64)
        values, vectors = np.linalg.eigh(np.cov(codes, rowvar=False, dtype=np.float64))
        spread = vectors * np.sqrt(np.maximum(values, 1e-9))
        return cls(
            codes=np.ascontiguousarray(codes, dtype=np.float32),
            run_of=run_of,
            centre=centre.astype(np.float32),
            spread=spread.astype(np.float32),
            speech=SpeechDetector.of(codes, is_speech),
        )

    @cached_property
    def rough(self) -> Background:
        """Every `ROUGH_EVERY`-th run, for a first estimate; mean and covariance stay those of all."""
        chosen = self.run_of % ROUGH_EVERY == 0
        return replace(self, codes=self.codes[chosen], run_of=self.run_of[chosen] // ROUGH_EVERY)

    def is_speech(self, codes: NDArray[np.float32]) -> bool:
        """Whether consecutive codes, float32 (n, dim), are spoken word rather than music."""
        return self.speech is not None and self.speech.is_speech(codes)

    def expected_similarity(
        self, rows: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of each row's similarity to the decoys, exact.

        Parameters
        ----------
        rows : float32 array, shape (n_rows, dim)
        """
        sd = np.linalg.norm(rows @ self.spread, axis=1)
        return rows @ self.centre, np.maximum(sd, 1e-3).astype(np.float32)


def read_background(path: Path, unpack: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> Background:
    """Read the decoys of a scheme.

    Parameters
    ----------
    path : Path
        Packed codes, the length of each run in codes, and whether each run is spoken.
    unpack : callable
        Turns the scheme's packed codes into unit vectors.
    """
    with np.load(path, allow_pickle=False) as stored:
        codes, lengths = unpack(stored["codes"]), stored["run_lengths"]
        is_speech = np.repeat(stored["spoken"], lengths)
    run_of = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return Background.of(codes, run_of, is_speech)
