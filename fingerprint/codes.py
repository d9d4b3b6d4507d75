"""Picture of a sound -> sub-fingerprints: the net that projects, the quantiser that packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fingerprint.kernels.nibbles import pack_nibbles, unpack_nibbles
from fingerprint.params import Params

CODES_AT_ONCE: Final = 32
"""Codes projected in one run of the net (545 frames): layers of this size stay in the cache of one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiser:
    """Sixteen levels for each dimension of a rotated code.

    The rotation spreads the variance evenly over the dimensions, so that one set of levels fits them all.

    Attributes
    ----------
    mean : float32 array, shape (dim,)
    rotation : float32 array, shape (dim, dim)
        Orthonormal; codes are multiplied from the left.
    levels : float32 array, shape (16,)
        Rising; the number that stands for each level (Lloyd 1982, Max 1960).
    """

    mean: NDArray[np.float32]
    rotation: NDArray[np.float32]
    levels: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Quantiser:
        """Load what `benchmarks.training.export` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(mean=kept["mean"], rotation=kept["rotation"], levels=kept["levels"])

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Float codes (n, dim) -> packed codes, uint8 (n, dim / 2)."""
        rotated = np.ascontiguousarray((embedding - self.mean) @ self.rotation.T, dtype=np.float32)
        thresholds = (self.levels[1:] + self.levels[:-1]) / 2
        packed = np.empty((len(rotated), self.mean.size // 2), dtype=np.uint8)
        pack_nibbles(rotated, thresholds, packed)
        return packed

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Packed codes (n, dim / 2) -> unit vectors, float32 (n, dim)."""
        rotated = np.empty((len(codes), self.mean.size), dtype=np.float32)
        unpack_nibbles(np.ascontiguousarray(codes), self.levels, rotated)
        vectors: NDArray[np.float32] = rotated @ self.rotation + self.mean
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Projector:
    """The trained net on one thread of onnxruntime; safe to share between threads."""

    def __init__(self, net: bytes, params: Params) -> None:
        import onnxruntime  # heavy, and not needed to name a scheme

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        self._session: Any = onnxruntime.InferenceSession(net, options, providers=["CPUExecutionProvider"])
        self._params = params

    def project(
        self, picture: NDArray[np.float32], *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Codes of a whole picture, its first and last frame repeated beyond its ends.

        Parameters
        ----------
        picture : float32 array, shape (n_frames, n_bands)
            As `fingerprint.spectrogram.level_free` makes it.
        fine : bool
            Every ``query_hop_frames`` instead of every ``code_hop_frames``: passes over the picture, each
            begun a little later, woven together.
        phases
            Which passes to make, by default all: pass ``p`` gives rows ``p``, ``p + 4`` and so on.

        Returns
        -------
        codes : float32 array, shape (ceil(n_frames / hop), dim)
            Unit vectors; row ``k`` is centred at frame ``k * hop``. Rows of no pass are zeros.
        """
        params = self._params
        coarse = params.code_hop_frames
        hop = params.query_hop_frames if fine else coarse
        n_codes = -(-len(picture) // hop)
        reach = params.context_frames // 2
        padded = np.pad(picture, ((reach, reach + coarse), (0, 0)), mode="edge")
        codes = np.zeros((n_codes, params.dim), dtype=np.float32)
        passes = coarse // hop
        for late in range(passes) if phases is None else phases:
            woven = codes[late::passes]
            self._pass(padded[late * hop :], woven)
        return codes

    def _pass(self, padded: NDArray[np.float32], codes: NDArray[np.float32]) -> None:
        hop, context = self._params.code_hop_frames, self._params.context_frames
        for first in range(0, len(codes), CODES_AT_ONCE):
            count = min(CODES_AT_ONCE, len(codes) - first)
            frames = padded[first * hop : (first + count - 1) * hop + context]
            feed = {"picture": np.ascontiguousarray(frames)[None, None]}
            codes[first : first + count] = self._session.run(None, feed)[0][0]
