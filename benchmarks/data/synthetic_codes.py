"""Millions of codes out of a hundred thousand: the database of `benchmarks.runs.codes`.

Real codes come first, then made ones. A made code lies between a real one and one of its `NEAR` nearest of
other recordings, so that it is where music is; what such a mean lacks in length is made up in the direction
of a third code, so that codes do not crowd towards the middle. Both halves are needed for a fair crowd: bare
means come nearer to a stranger's query than real codes do, evenly scattered vectors much less near (which
would flatter every index). `likeness` measures it. Made codes grow out of recordings that no query is cut
from: round a query's own place there are no more of them than round any other. They are packed and unpacked
as all stored codes are.
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


class Packs(Protocol):
    """What a crowd needs of an extractor."""

    def pack(self, embedding: Vectors) -> Codes:
        """Unit vectors as they are stored."""

    def unpack(self, codes: Codes) -> Vectors:
        """Stored codes as unit vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Real codes, and made ones behind them; a code's number is its row.

    Attributes
    ----------
    real : float32 array, shape (n_real, dim)
    made : uint8 array, shape (n_made, code_bytes)
        Packed, for memory's sake.
    """

    real: Vectors
    made: Codes
    codec: Packs

    def __len__(self) -> int:
        return len(self.real) + len(self.made)

    def batches(self) -> Iterator[Vectors]:
        """Unit vectors of all codes, in order."""
        for first in range(0, len(self.real), AT_ONCE):
            yield self.real[first : first + AT_ONCE]
        for first in range(0, len(self.made), AT_ONCE):
            yield self.codec.unpack(self.made[first : first + AT_ONCE])

    def sample(self, n: int) -> Vectors:
        """About `n` codes, evenly from the whole."""
        step = max(1, len(self) // n)
        return np.concatenate([self.real[::step], self.codec.unpack(self.made[::step])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Real codes that made ones grow out of.

    Attributes
    ----------
    vectors : float32 array, shape (n, dim)
    anchors : int64 array, shape (n_anchors,)
        Rows that made codes start from.
    nearest : int64 array, shape (n_anchors, NEAR)
        Rows of other recordings that are nearest to each anchor.
    """

    vectors: Vectors
    anchors: Ids
    nearest: Ids

    @classmethod
    def of(cls, recordings: Sequence[Vectors], *, n_anchors: int, seed: int) -> Stock:
        """Draw anchors among the codes of some recordings, and look for their neighbours."""
        vectors = np.concatenate(recordings)
        owner = np.repeat(np.arange(len(recordings)), [len(codes) for codes in recordings])
        rng = np.random.default_rng(seed)
        anchors = rng.choice(len(vectors), min(n_anchors, len(vectors)), replace=False)
        return cls(vectors=vectors, anchors=anchors, nearest=neighbours(vectors, owner, anchors))

    def codes(self, n: int, *, seed: int) -> Iterator[Vectors]:
        """Batches of `n` made codes in all."""
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


def neighbours(vectors: Vectors, owner: Ids, asked: Ids) -> Ids:
    """Rows of the `NEAR` codes of other recordings that are nearest to the rows `asked`.

    Parameters
    ----------
    vectors : float32 array, shape (n, dim)
    owner : int64 array, shape (n,)
        Which recording each row belongs to.

    Returns
    -------
    int64 array, shape (n_asked, NEAR)
    """
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    nearest = np.empty((len(asked), NEAR), dtype=np.int64)
    for first in range(0, len(asked), 4096):
        rows = asked[first : first + 4096]
        # enough that a piece that repeats itself leaves room for others
        similarity, found = flat.search(vectors[rows], min(4 * NEAR, len(vectors)))
        similarity[owner[found] == owner[rows, None]] -= 2.0
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :NEAR]
        nearest[first : first + 4096] = np.take_along_axis(found, order, axis=1)
    return nearest


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def crowd(asked: Sequence[Vectors], stock: Stock, size: int, codec: Packs, *, seed: int) -> Crowd:
    """A crowd of `size`: codes of recordings asked about, then the stock, then made ones."""
    real = np.concatenate([*asked, stock.vectors])
    made = [codec.pack(some) for some in stock.codes(size - len(real), seed=seed)]
    return Crowd(real=real, made=np.concatenate(made), codec=codec)


def likeness(chance_mask: Vectors, stock: Stock, *, seed: int) -> dict[str, list[float]]:
    """How near strangers' codes come to real codes, and to as many made ones: their highest similarities.

    In a fair crowd both are distributed alike.
    """
    made = np.concatenate(list(stock.codes(len(stock.vectors), seed=seed)))
    return {name: _highest(chance_mask, codes) for name, codes in (("real", stock.vectors), ("made", made))}


def _highest(asked: Vectors, codes: Vectors) -> list[float]:
    flat = faiss.IndexFlatIP(codes.shape[1])
    flat.add(codes)
    highest: Vectors = flat.search(asked, 1)[0][:, 0]
    return [round(float(one), 3) for one in highest]
