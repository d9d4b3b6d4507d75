"""FAISS shards: immutable files; they speed up what the stored fingerprints say, and are built from them.

A shard belongs to one collection. Small ones are flat: all codes are compared product-quantised, and the
nearest of those once more as half-precision floats. From `PARTITIONED_FROM` codes on they are partitioned and
product-quantised only. Both quantisers are shipped with the scheme. The numbers in a shard are
``recording * 2**20 + position``.
"""

from __future__ import annotations

import hashlib
import os
import resource
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from earwitness.fingerprint.params import Params
from earwitness.index.database.records import ShardFile
from earwitness.index.store.files import write_durably
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    RecordingTooLong,
    ShardDamaged,
    ShardMissing,
)

POSITION_BITS: Final = 20
MAX_CODES: Final = 1 << POSITION_BITS
"""Codes that one recording may have: six days at two a second."""

PARTITIONED_FROM: Final = 50_000
"""Below it a look-up takes about 2 ms (`FLAT_FILE`), and no codes are lost by lists that are not read."""

GROWTH: Final = 3
"""A shard is merged into the new one if it is at most so many times as large: see `n_shards_to_merge`."""

N_PROBE: Final = 64
"""Lists of a partitioned shard, of 1,024, that a look-up reads.

Measured at a million codes, 63 rows: 2.4 ms at 32 lists, 3.3 ms at 48. Of the rows of excerpts in pink noise
at 0 dB, over a phone or under other music, 42.5, 44.3 and (64 lists) 45.3 % have their own place among the 64
nearest; of 4,096 lists, 33.5 % at 32 and 42.8 % at 128, at twice the time. What is lost is lost by the lists
that are not read, hardly by the quantiser.
"""

MAX_OPEN_SHARDS: Final = 256
"""Shard files that a process keeps open at most, however many datasets there are."""

ADDED_AT_ONCE: Final = 1 << 15

PARTITIONED_FILE: Final = "partitioned.faiss"
FLAT_FILE: Final = "flat.faiss"
"""Empty trained indexes. The flat one compares exactly four times as many codes as are asked for.

28 rows take 0.9 and 1.8 ms among 15,000 and 42,000 codes, where comparing all exactly takes 4.3 and 8.4; of
the rows of degraded excerpts as many have their own place among the 24 nearest, within 1 %.
"""

# We parallelise by processes, so FAISS and BLAS get one thread each: on a busy machine two threads of FAISS
# cost five times the CPU, and the second thread of small matrix products spins longer than it computes.
faiss.omp_set_num_threads(1)
threadpool_limits(1, user_api="blas")

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Codes = NDArray[np.uint8]


class Codec(Protocol):
    """What the store needs of an extractor."""

    scheme: str
    params: Params

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, dim), of packed codes, shape (n, code_bytes)."""

    def model_file(self, name: str) -> Path:
        """A file that is shipped with the scheme."""


def number_codes(recording: int, n_codes: int) -> Ids:
    """The FAISS numbers of one recording's codes."""
    if n_codes > MAX_CODES:
        raise RecordingTooLong(name=f"recording {recording}", n_codes=n_codes, limit=MAX_CODES)
    return (recording << POSITION_BITS) + np.arange(n_codes, dtype=np.int64)


def split_numbers(numbers: Ids) -> tuple[Ids, NDArray[np.int32]]:
    """FAISS numbers -> recordings, and positions of the codes within them."""
    return numbers >> POSITION_BITS, (numbers & (MAX_CODES - 1)).astype(np.int32)


def n_shards_to_merge(sizes: Sequence[int], n_new: int) -> int:
    """How many of a collection's shards, smallest first, a new shard of `n_new` codes should take in.

    The smallest are taken in as long as the next is no more than `GROWTH` times what was gathered so far. So
    the shards that stay grow quickly from one to the next: their number is logarithmic in the codes, and
    so is how often a code is built anew.

    Parameters
    ----------
    sizes : sequence of int
        Codes of each live shard, ascending.
    """
    gathered = n_new
    for taken, size in enumerate(sizes):
        if size > GROWTH * gathered:
            return taken
        gathered += size
    return len(sizes)


def build(recordings: Iterable[tuple[int, Codes]], n_codes: int, codec: Codec) -> Any:
    """Build a FAISS index of recordings' packed codes; the one way that shards come to be.

    Parameters
    ----------
    recordings : iterable of (recording number, uint8 array, shape (n, code_bytes))
    n_codes : int
        How many codes that will be; decides between a flat and a partitioned index.

    Raises
    ------
    CatalogDamaged
        When they have more or fewer codes: some fingerprint is not there.
    """
    index = _empty(n_codes, codec)
    for codes, numbers in _batches(recordings):
        index.add_with_ids(codec.unpack(codes), numbers)
    if index.ntotal != n_codes:
        reason = f"fingerprints have {index.ntotal} codes, where {n_codes} were stored"
        raise CatalogDamaged(where="the catalog", reason=reason)
    return index


def _batches(recordings: Iterable[tuple[int, Codes]]) -> Iterator[tuple[Codes, Ids]]:
    """Codes of many recordings at once: one by one, a partitioned index takes three times as long."""
    codes: list[Codes] = []
    numbers: list[Ids] = []
    for recording, some in recordings:
        codes.append(some)
        numbers.append(number_codes(recording, len(some)))
        if sum(map(len, codes)) >= ADDED_AT_ONCE:
            yield np.concatenate(codes), np.concatenate(numbers)
            codes, numbers = [], []
    if any(map(len, codes)):
        yield np.concatenate(codes), np.concatenate(numbers)


def _empty(n_codes: int, codec: Codec) -> Any:
    if n_codes >= PARTITIONED_FROM:
        return faiss.read_index(str(codec.model_file(PARTITIONED_FILE)))
    return faiss.IndexIDMap2(faiss.read_index(str(codec.model_file(FLAT_FILE))))


def save(index: Any, folder: Path) -> ShardFile:
    """Write an index into `folder` under a fresh name; durable when it returns."""
    name = f"{uuid.uuid4().hex}.faiss"

    def write(keep: Any) -> None:
        faiss.write_index(index, faiss.PyCallbackIOWriter(keep, 1 << 20))  # type: ignore[attr-defined]

    sha256, size_bytes = write_durably(folder / name, write)
    return ShardFile(file=name, sha256=sha256, size_bytes=size_bytes, n_codes=int(index.ntotal))


def has_full_length(folder: Path, row: ShardFile) -> bool:
    """Whether a shard's file is there in its full length."""
    path = folder / row.file
    return path.is_file() and path.stat().st_size == row.size_bytes


class _Budget:
    """How many shard files this process keeps open; the others are opened when they are read."""

    def __init__(self) -> None:
        self._guard, self._n_held = threading.Lock(), 0

    def take(self) -> bool:
        """Whether one more may be kept open."""
        most = min(MAX_OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        with self._guard:
            may = self._n_held < most
            self._n_held += may
        return may

    def give_back(self) -> None:
        """Count one less."""
        with self._guard:
            self._n_held -= 1


_BUDGET: Final = _Budget()


class Shard:
    """One shard file, kept open, so that it can be read even after a writer has replaced and deleted it.

    At most `MAX_OPEN_SHARDS` files, or a quarter of the files that the process may open, are kept open. Of
    the others, `load` may find the file gone; then the codes are read from the snapshot that named the shard.

    Raises
    ------
    ShardMissing
        When it is not there.
    ShardDamaged
        When it has another size than the manifest states; at `load`, when its bytes changed.
    """

    def __init__(self, folder: Path, row: ShardFile) -> None:
        self.path, self._row = folder / row.file, row
        self._file: BinaryIO | None = None
        file = self._open()
        if _BUDGET.take():
            self._file = file
        else:
            file.close()

    def _open(self) -> BinaryIO:
        try:
            file = self.path.open("rb")
        except FileNotFoundError as error:
            raise ShardMissing(path=str(self.path)) from error
        except OSError as error:
            raise _unreadable(self.path, error) from error
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes != self._row.size_bytes:
            file.close()
            reason = f"has {size_bytes} bytes instead of {self._row.size_bytes}"
            raise ShardDamaged(path=str(self.path), reason=reason)
        return file

    def load(self) -> Any:
        """Read the index, checking every byte on the way, for FAISS itself accepts flipped bits silently.

        The file is closed; the index is in memory.
        """
        file = self._open() if self._file is None else self._file
        digest = hashlib.sha256()

        def take(n_bytes: int) -> bytes:
            chunk = file.read(n_bytes)
            digest.update(chunk)
            return chunk

        try:
            file.seek(0)
            index = faiss.read_index(faiss.PyCallbackIOReader(take, 1 << 20))  # type: ignore[attr-defined]
            while take(1 << 20):
                pass
        except OSError as error:
            raise _unreadable(self.path, error) from error
        except RuntimeError as error:
            raise ShardDamaged(path=str(self.path), reason="is not a FAISS index any more") from error
        finally:
            file.close()
            self.close()
        if digest.hexdigest() != self._row.sha256:
            raise ShardDamaged(path=str(self.path), reason="does not have the checksum of its manifest")
        return index

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            _BUDGET.give_back()


def _unreadable(path: Path, error: OSError) -> ShardDamaged:
    return ShardDamaged(path=str(path), reason=f"cannot be read ({error.strerror or error})")


def search_index(index: Any, vectors: Vectors, k: int, n_probe: int) -> tuple[NDArray[np.float32], Ids]:
    """Similarities and numbers of the `k` nearest codes of each vector; number -1 where there are fewer.

    ``n_probe`` travels with the call: as an attribute of the index it would be shared between threads.
    """
    if isinstance(index, faiss.IndexIVF):
        params = faiss.SearchParametersIVF(nprobe=n_probe)  # type: ignore[call-arg]
        similarity, numbers = index.search(vectors, k, params=params)
    else:
        similarity, numbers = index.search(vectors, k)
    return similarity, numbers
