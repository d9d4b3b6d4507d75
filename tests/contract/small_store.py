"""A codec without a net, and small made-up items: what the tests of the store are made of."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Fingerprint, Spectrogram
from earwitness.index.database.records import CollectionKind, Failure, NewItem
from earwitness.index.library import Library, SchemeCodec
from earwitness.index.store.shards import FLAT_FILE


class Nibbles:
    """Four bits a dimension, evenly spaced and normalised: unpacks like a scheme, knows no sound."""

    scheme = "test-000000"
    params = Params()

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors of packed codes."""
        nibbles = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)
        vectors = nibbles.astype(np.float32) - 7.5
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """The store never asks for it."""
        raise AssertionError("the store does not embed")

    def model_file(self, name: str) -> Path:
        """An empty index, partitioned or flat, trained on random vectors."""
        path = (self._folder or _scratch()) / name
        if not path.exists():
            empty = _flat(self.params.dim) if name == FLAT_FILE else _partitioned(self.params.dim)
            faiss.write_index(empty, str(path))
        return path


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="small-store-"))


@cache
def _flat(dim: int) -> faiss.Index:
    flat: Any = faiss.index_factory(dim, f"PQ{dim // 2}x4fs,Refine(SQfp16)", faiss.METRIC_INNER_PRODUCT)
    flat.train(Nibbles().unpack(some_codes(0, 2_000)))
    flat.k_factor = 4.0
    made: faiss.Index = flat
    return made


@cache
def _partitioned(dim: int) -> faiss.IndexIVFPQFastScan:
    vectors = Nibbles().unpack(some_codes(0, 2_000))
    index = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, 16, dim // 2, 4, faiss.METRIC_INNER_PRODUCT)
    index.own_fields = False
    index.train(vectors)
    return index


CODEC: SchemeCodec = Nibbles()


def some_codes(seed: int, n_codes: int) -> NDArray[np.uint8]:
    """Random packed codes."""
    size = (n_codes, Nibbles.params.code_bytes)
    return np.random.default_rng(seed).integers(0, 256, size=size, dtype=np.uint8)


def some_peaks(seed: int, n_peaks: int) -> NDArray[np.int32]:
    """Random peaks, frames ascending, with a pause in the middle."""
    rng = np.random.default_rng(seed)
    frames = np.cumsum(rng.integers(0, 3, size=n_peaks))
    frames[n_peaks // 2 :] += 1_000
    return np.stack([frames, rng.integers(0, 128, size=n_peaks)], axis=1).astype(np.int32)


def some_fingerprint(seed: int, n_codes: int = 6) -> Fingerprint:
    """A fingerprint that no other seed shares."""
    duration_s = n_codes * Nibbles.params.hop_s
    chromaprint = np.random.default_rng(seed).integers(0, 2**32, size=8 * n_codes, dtype=np.uint32)
    return Fingerprint(
        scheme=Nibbles.scheme,
        duration_s=duration_s,
        active_s=duration_s,
        codes=some_codes(seed, n_codes),
        peaks=some_peaks(seed, 40 * n_codes),
        chromaprint=chromaprint,
    )


def sha256_of(seed: int) -> str:
    """What the made-up bytes of an item would have as their checksum."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


def some_item(seed: int, *, path: str | None = None, n_codes: int = 6, owner: str | None = None) -> NewItem:
    """An item of the audio `seed`."""
    return NewItem(
        path=path or f"{seed}.wav",
        sha256=sha256_of(seed),
        fingerprint=some_fingerprint(seed, n_codes),
        owner=owner,
    )


def unreadable(path: str, sha256: str | None = None) -> NewItem:
    """An item that could not be read."""
    failure = Failure(code="broken", message=f"{path} is broken", hint="send another")
    return NewItem(path=path, sha256=sha256, failure=failure)


DATASET = CollectionKind.DATASET
WORKS = CollectionKind.WORKS


def found_at_once(library: Library, seed: int, collections: Sequence[int], n_codes: int = 6) -> bool:
    """Whether every code of an audio finds itself, of the right recording and position, before all others."""
    known = library.by_sha256(sha256_of(seed))
    hits = library.search(CODEC.unpack(some_codes(seed, n_codes)), k=1, collections=collections)
    if known is None or len(hits.recording) != n_codes:
        return False
    exact = (hits.recording == known.id) & (hits.position == np.arange(n_codes))
    return bool(exact.all() and (hits.similarity > 0.99).all())
