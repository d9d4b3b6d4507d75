"""Picture of a sound -> sub-fingerprints: the net that projects, the quantiser that packs."""

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
    """The trained net on one thread of onnxruntime; safe to share between threads.

    The net is cut where its steps are, so that passes begun at different frames share what they can: all four
    cost 2.5 times as much as one.

    Parameters
    ----------
    parts : sequence of bytes
        ``NET_PARTS``: picture to features every 4 frames, to features every 8, to codes every 16.
    """

    def __init__(self, parts: Sequence[bytes], params: Params) -> None:
        import onnxruntime  # heavy, and not needed to name a scheme

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
        def run(seen: NDArray[np.float32]) -> NDArray[np.float32]:
            made: NDArray[np.float32] = session.run(None, {"seen": np.ascontiguousarray(seen)})[0]
            return made

        return run

    def project(
        self, picture: NDArray[np.float32], *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Codes of a whole picture, its first and last frame repeated beyond its ends.

        Parameters
        ----------
        picture : float32 array, shape (n_frames, n_bands)
            As `earwitness.fingerprint.spectrogram.normalise_level` makes it.
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
        hop = params.query_hop_frames if fine else params.code_hop_frames
        reach = params.context_frames // 2
        padded = np.pad(picture, ((reach, reach + params.code_hop_frames), (0, 0)), mode="edge")
        codes = np.zeros((-(-len(picture) // hop), params.dim), dtype=np.float32)
        passes = params.code_hop_frames // hop
        woven = {late: codes[late::passes] for late in (range(passes) if phases is None else phases)}
        for first in range(0, -(-len(codes) // passes), CODES_AT_ONCE):
            # later passes may be a row shorter: what is computed for it is cut off
            here = {
                late: rows[first : first + CODES_AT_ONCE] for late, rows in woven.items() if len(rows) > first
            }
            if not here:
                break
            count = max(map(len, here.values()))
            start = first * params.code_hop_frames
            frames = padded[start : start + self._frames(count, max(here))]
            for late, made in self._passes(frames, here):
                here[late][:] = made[: len(here[late])]
        return codes

    def _frames(self, count: int, late: int) -> int:
        """Frames that `count` codes are made of, in passes begun up to `late` query hops in."""
        params = self._params
        return params.context_frames + (count - 1) * params.code_hop_frames + late * params.query_hop_frames

    def _passes(
        self, frames: NDArray[np.float32], wanted: Iterable[int]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Codes of each pass over the same frames, shape (n, dim)."""
        by_four = self._early(frames[None, None])
        for odd in sorted({late % 2 for late in wanted}):
            by_eight = self._middle(by_four[:, :, odd:])
            for late in wanted:
                if late % 2 == odd:
                    yield late, self._late(by_eight[:, :, late // 2 :])[0]
