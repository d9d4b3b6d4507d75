"""Codes from log spectrograms: the neural net that embeds, and the quantiser that packs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.kernels.nibbles import pack_nibbles, unpack_nibbles
from earwitness.fingerprint.params import Params

NET_PARTS: Final = ("net_early.onnx", "net_middle.onnx", "net_late.onnx")

CODES_AT_ONCE: Final = 32
"""Codes per run of the net (545 frames), so that its layers fit into the cache of one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiser:
    """Scalar quantiser with 16 levels for each dimension of a rotated embedding.

    The rotation equalises the variance of the dimensions, so that they share one set of levels.

    Attributes
    ----------
    mean : float32 array, shape (dim,)
    rotation : float32 array, shape (dim, dim)
        Orthonormal; multiplied from the left.
    levels : float32 array, shape (16,)
        Ascending reconstruction values (Lloyd 1982, Max 1960).
    """

    mean: NDArray[np.float32]
    rotation: NDArray[np.float32]
    levels: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Quantiser:
        """Load a file written by `benchmarks.training.export`."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(mean=arrays["mean"], rotation=arrays["rotation"], levels=arrays["levels"])

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Quantise unit vectors (n, dim) to packed codes, uint8 (n, dim / 2)."""
        rotated = np.ascontiguousarray((embedding - self.mean) @ self.rotation.T, dtype=np.float32)
        thresholds = np.asarray((self.levels[1:] + self.levels[:-1]) / 2, dtype=np.float32)
        packed = np.empty((len(rotated), self.mean.size // 2), dtype=np.uint8)
        pack_nibbles(rotated, thresholds, packed)
        return packed

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Reconstruct unit vectors, float32 (n, dim), from packed codes (n, dim / 2)."""
        rotated = np.empty((len(codes), self.mean.size), dtype=np.float32)
        unpack_nibbles(np.ascontiguousarray(codes), self.levels, rotated)
        vectors: NDArray[np.float32] = rotated @ self.rotation + self.mean
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Projector:
    """The trained net on one thread of onnxruntime; can be shared between threads.

    The net is split after its strided layers, so that passes with different start frames share computations:
    all four passes cost 2.5 times as much as one.

    Parameters
    ----------
    parts : sequence of bytes
        ``NET_PARTS``: log spectrogram to features every 4 frames, to features every 8, to codes every 16.
    """

    def __init__(self, parts: Sequence[bytes], params: Params) -> None:
        import onnxruntime  # slow to import, and not needed for the name of a scheme

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        self._early, self._middle, self._late = (
            self._part(onnxruntime.InferenceSession(part, options, providers=["CPUExecutionProvider"]))
            for part in parts
        )
        self._params = params

    @staticmethod
    def _part(session: Any) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        def run(features: NDArray[np.float32]) -> NDArray[np.float32]:
            # "seen" is the name of the input in the shipped files
            output: NDArray[np.float32] = session.run(None, {"seen": np.ascontiguousarray(features)})[0]
            return output

        return run

    def project(
        self, log_spectrogram: NDArray[np.float32], *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Embed a log spectrogram; its first and last frame are repeated beyond its ends.

        Parameters
        ----------
        log_spectrogram : float32 array, shape (n_frames, n_bands)
            Result of `earwitness.fingerprint.spectrogram.normalise_level`.
        fine : bool
            Whether rows are ``query_hop_frames`` apart instead of ``code_hop_frames``; they are computed by
            interleaved passes with different start frames.
        phases
            Passes to compute, by default all: pass ``p`` gives rows ``p``, ``p + 4`` and so on.

        Returns
        -------
        codes : float32 array, shape (ceil(n_frames / hop), dim)
            Unit vectors; row ``k`` is centred at frame ``k * hop``. Rows of omitted passes are zeros.
        """
        params = self._params
        hop = params.query_hop_frames if fine else params.code_hop_frames
        reach = params.context_frames // 2
        padded = np.pad(log_spectrogram, ((reach, reach + params.code_hop_frames), (0, 0)), mode="edge")
        codes = np.zeros((-(-len(log_spectrogram) // hop), params.dim), dtype=np.float32)
        n_passes = params.code_hop_frames // hop
        chosen = range(n_passes) if phases is None else phases
        rows_of = {phase: codes[phase::n_passes] for phase in chosen}
        for first in range(0, -(-len(codes) // n_passes), CODES_AT_ONCE):
            # later passes may have one row less; the extra output is discarded
            chunk = {
                phase: rows[first : first + CODES_AT_ONCE]
                for phase, rows in rows_of.items()
                if len(rows) > first
            }
            if not chunk:
                break
            count = max(map(len, chunk.values()))
            start = first * params.code_hop_frames
            frames = padded[start : start + self._n_frames(count, max(chunk))]
            for phase, output in self._passes(frames, chunk):
                chunk[phase][:] = output[: len(chunk[phase])]
        return codes

    def _n_frames(self, count: int, phase: int) -> int:
        """Frames that `count` codes depend on, in passes that start up to `phase` query hops later."""
        params = self._params
        return params.context_frames + (count - 1) * params.code_hop_frames + phase * params.query_hop_frames

    def _passes(
        self, frames: NDArray[np.float32], phases: Iterable[int]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield each phase and its codes, shape (n, dim), from the same frames."""
        every_4 = self._early(frames[None, None])
        for odd in sorted({phase % 2 for phase in phases}):
            every_8 = self._middle(every_4[:, :, odd:])
            for phase in phases:
                if phase % 2 == odd:
                    yield phase, self._late(every_8[:, :, phase // 2 :])[0]
