"""Millions of codes out of a hundred thousand: the database of `benchmarks.runs.codes`.

Real codes come first, then synthetic ones. A synthetic code is a weighted mean of a real one and one of its
`NEAR` nearest codes of other recordings, lengthened to a unit vector in the direction of a third code.
Without the third code, synthetic codes would be nearer to absent queries than real codes are; random unit
vectors would be much less near, which would favour every index. `highest_similarities` measures this.
Synthetic codes come from recordings that no query is cut from, so that they are no denser around a query's
true place than elsewhere. They are packed and unpacked as all stored codes are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import faiss
import numpy as np

from earwitness.index.store.shards import Codes, Ids, Vectors

NEAR: Final = 16
AT_ONCE: Final = 1 << 17


class CodePacker(Protocol):
    """The methods of an extractor that a code set needs."""

    def pack(self, embedding: Vectors) -> Codes:
        """Return the stored form of unit vectors."""

    def unpack(self, codes: Codes) -> Vectors:
        """Return stored codes as unit vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSet:
    """Real codes followed by synthetic ones; a code's number is its row.

    Attributes
    ----------
    real : float32 array, shape (n_real, dim)
    made : uint8 array, shape (n_made, code_bytes)
        Packed, to save memory.
    """

    real: Vectors
    made: Codes
    codec: CodePacker

    def __len__(self) -> int:
        return len(self.real) + len(self.made)

    def batches(self) -> Iterator[Vectors]:
        """Yield unit vectors of all codes, in order."""
        for first in range(0, len(self.real), AT_ONCE):
            yield self.real[first : first + AT_ONCE]
        for first in range(0, len(self.made), AT_ONCE):
            yield self.codec.unpack(self.made[first : first + AT_ONCE])

    def sample(self, n: int) -> Vectors:
        """Return about `n` evenly spaced codes."""
        step = max(1, len(self) // n)
        return np.concatenate([self.real[::step], self.codec.unpack(self.made[::step])])


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCodes:
    """Real codes that synthetic ones are computed from.

    Attributes
    ----------
    vectors : float32 array, shape (n, dim)
    anchors : int64 array, shape (n_anchors,)
        Rows that synthetic codes start from.
    nearest : int64 array, shape (n_anchors, NEAR)
        Rows of other recordings that are nearest to each anchor.
    """

    vectors: Vectors
    anchors: Ids
    nearest: Ids

    @classmethod
    def of(cls, recordings: Sequence[Vectors], *, n_anchors: int, seed: int) -> RealCodes:
        """Draw anchors among the codes of some recordings, and compute their neighbours."""
        vectors = np.concatenate(recordings)
        owner = np.repeat(np.arange(len(recordings)), [len(codes) for codes in recordings])
        rng = np.random.default_rng(seed)
        anchors = rng.choice(len(vectors), min(n_anchors, len(vectors)), replace=False)
        return cls(vectors=vectors, anchors=anchors, nearest=neighbours(vectors, owner, anchors))

    def codes(self, n: int, *, seed: int) -> Iterator[Vectors]:
        """Yield `n` synthetic codes in batches."""
        rng = np.random.default_rng(seed)
        vectors, middle = self.vectors, self.vectors.mean(axis=0)
        for first in range(0, n, AT_ONCE):
            count = min(AT_ONCE, n - first)
            chosen = rng.integers(len(self.anchors), size=count)
            one = vectors[self.anchors[chosen]]
            other = vectors[self.nearest[chosen, rng.integers(NEAR, size=count)]]
            mean = one + rng.random((count, 1), dtype=np.float32) * (other - one)
            lost = np.sqrt(np.maximum(1 - np.square(mean).sum(axis=1, keepdims=True), 0))
            yield _unit(mean + lost * _unit(vectors[rng.integers(len(vectors), size=count)] - middle))


def neighbours(vectors: Vectors, owner: Ids, queried: Ids) -> Ids:
    """Return the `NEAR` nearest rows of other recordings for each row in `queried`.

    Parameters
    ----------
    vectors : float32 array, shape (n, dim)
    owner : int64 array, shape (n,)
        Which recording each row belongs to.

    Returns
    -------
    int64 array, shape (n_queried, NEAR)
    """
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    nearest = np.empty((len(queried), NEAR), dtype=np.int64)
    for first in range(0, len(queried), 4096):
        rows = queried[first : first + 4096]
        # more than needed, because rows of the same recording are dropped
        similarity, neighbour = flat.search(vectors[rows], min(4 * NEAR, len(vectors)))
        similarity[owner[neighbour] == owner[rows, None]] -= 2.0
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :NEAR]
        nearest[first : first + 4096] = np.take_along_axis(neighbour, order, axis=1)
    return nearest


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def code_set(
    queried: Sequence[Vectors], base_codes: RealCodes, size: int, codec: CodePacker, *, seed: int
) -> CodeSet:
    """Return a set of `size` codes: those of queried recordings, other real ones, then synthetic ones."""
    real = np.concatenate([*queried, base_codes.vectors])
    made = [codec.pack(some) for some in base_codes.codes(size - len(real), seed=seed)]
    return CodeSet(real=real, made=np.concatenate(made), codec=codec)


def highest_similarities(absent: Vectors, base_codes: RealCodes, *, seed: int) -> dict[str, list[float]]:
    """Return each absent code's highest similarity to real codes, and to as many synthetic ones.

    If synthetic codes are realistic, both have the same distribution.
    """
    made = np.concatenate(list(base_codes.codes(len(base_codes.vectors), seed=seed)))
    return {name: _highest(absent, codes) for name, codes in (("real", base_codes.vectors), ("made", made))}


def _highest(queried: Vectors, codes: Vectors) -> list[float]:
    flat = faiss.IndexFlatIP(codes.shape[1])
    flat.add(codes)
    highest: Vectors = flat.search(queried, 1)[0][:, 0]
    return [round(float(one), 3) for one in highest]
