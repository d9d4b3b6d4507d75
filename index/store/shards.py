"""FAISS shards: immutable files that are built from the stored fingerprints and speed up the search.

A shard belongs to one collection. Small shards are flat: all product-quantised codes are compared, and the
nearest are compared again as half-precision floats. Shards of at least `PARTITIONED_FROM` codes are
partitioned and product-quantised only. Both quantisers are shipped with the scheme. The numbers in a shard
are ``recording * 2**20 + position``.
"""

from __future__ import annotations

import errno
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
    StoreError,
    TooManyOpenFiles,
)

POSITION_BITS: Final = 20
MAX_CODES: Final = 1 << POSITION_BITS
"""Limit on the codes of one recording: six days at two codes a second."""

PARTITIONED_FROM: Final = 50_000
"""Number of codes. Smaller shards are flat: a lookup takes about 2 ms, and every code is compared."""

GROWTH: Final = 3
"""Largest ratio of a shard's size to the gathered size at which it is merged: see `n_shards_to_merge`."""

N_PROBE: Final = 64
"""Number of lists, of the 1,024 of a partitioned shard, that a lookup reads.

Measured with a million codes and 63 query frames: 2.4 ms at 32 lists, 3.3 ms at 48. For excerpts in pink
noise at 0 dB, over a phone or under other music, 42.5 % (32 lists), 44.3 % (48) and 45.3 % (64) of the query
frames have their true code among the 64 nearest. With 4,096 lists in the shard, these are 33.5 % at 32 and
42.8 % at 128, at twice the time. The lists that are not read cause most of the loss, not the quantiser.
"""

MAX_OPEN_SHARDS: Final = 256
"""Limit on the shard files that a process keeps open."""

CODES_PER_BATCH: Final = 1 << 15

PARTITIONED_FILE: Final = "partitioned.faiss"
FLAT_FILE: Final = "flat.faiss"
"""Empty trained indexes. The flat one compares exactly four times as many codes as it returns.

28 query frames take 0.9 and 1.8 ms with 15,000 and 42,000 codes; an exact comparison of all codes takes 4.3
and 8.4 ms. As many query frames of degraded excerpts have their true code among the 24 nearest, within 1 %.
"""

# We parallelise by processes, so FAISS and BLAS get one thread each: on a busy machine two threads of FAISS
# cost five times the CPU, and the second thread of small matrix products spins longer than it computes.
faiss.omp_set_num_threads(1)
threadpool_limits(1, user_api="blas")

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Codes = NDArray[np.uint8]


class Codec(Protocol):
    """The part of an extractor that the store uses."""

    scheme: str
    params: Params

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, dim), of packed codes, shape (n, code_bytes)."""

    def model_file(self, name: str) -> Path:
        """A file that is shipped with the scheme."""


def number_codes(recording: int, n_codes: int) -> Ids:
    """Return the FAISS numbers of one recording's codes."""
    if n_codes > MAX_CODES:
        raise RecordingTooLong(name=f"recording {recording}", n_codes=n_codes, limit=MAX_CODES)
    return (recording << POSITION_BITS) + np.arange(n_codes, dtype=np.int64)


def split_numbers(numbers: Ids) -> tuple[Ids, NDArray[np.int32]]:
    """Split FAISS numbers into recordings and positions of the codes within them."""
    return numbers >> POSITION_BITS, (numbers & (MAX_CODES - 1)).astype(np.int32)


def n_shards_to_merge(sizes: Sequence[int], n_new: int) -> int:
    """Return how many of a collection's shards, smallest first, to merge with `n_new` new codes.

    A shard is merged if it has at most `GROWTH` times the codes gathered so far. The sizes of the remaining
    shards therefore grow geometrically: both their number and how often a code is indexed again are
    logarithmic in the number of codes.

    Parameters
    ----------
    sizes : sequence of int
        Codes of each live shard, ascending.
    """
    gathered = n_new
    for n_merged, size in enumerate(sizes):
        if size > GROWTH * gathered:
            return n_merged
        gathered += size
    return len(sizes)


def build(recordings: Iterable[tuple[int, Codes]], n_codes: int, codec: Codec) -> Any:
    """Build a FAISS index of the packed codes of recordings.

    Parameters
    ----------
    recordings : iterable of (recording number, uint8 array, shape (n, code_bytes))
    n_codes : int
        Total number of codes; decides between a flat and a partitioned index.

    Raises
    ------
    CatalogDamaged
        When the recordings have more or fewer codes than `n_codes`.
    """
    index = _empty(n_codes, codec)
    for codes, numbers in _batches(recordings):
        index.add_with_ids(codec.unpack(codes), numbers)
    if index.ntotal != n_codes:
        reason = f"fingerprints have {index.ntotal} codes, where {n_codes} were stored"
        raise CatalogDamaged(where="the catalog", reason=reason)
    return index


def _batches(recordings: Iterable[tuple[int, Codes]]) -> Iterator[tuple[Codes, Ids]]:
    """Yield codes of many recordings at once: adding them one by one takes three times as long."""
    codes: list[Codes] = []
    numbers: list[Ids] = []
    for recording, recording_codes in recordings:
        codes.append(recording_codes)
        numbers.append(number_codes(recording, len(recording_codes)))
        if sum(map(len, codes)) >= CODES_PER_BATCH:
            yield np.concatenate(codes), np.concatenate(numbers)
            codes, numbers = [], []
    if any(map(len, codes)):
        yield np.concatenate(codes), np.concatenate(numbers)


def _empty(n_codes: int, codec: Codec) -> Any:
    if n_codes >= PARTITIONED_FROM:
        return faiss.read_index(str(codec.model_file(PARTITIONED_FILE)))
    return faiss.IndexIDMap2(faiss.read_index(str(codec.model_file(FLAT_FILE))))


def save(index: Any, folder: Path) -> ShardFile:
    """Write an index into `folder` under a new name; the file is on the disk when this returns."""
    name = f"{uuid.uuid4().hex}.faiss"

    def write(keep: Any) -> None:
        faiss.write_index(index, faiss.PyCallbackIOWriter(keep, 1 << 20))  # type: ignore[attr-defined]

    sha256, size_bytes = write_durably(folder / name, write)
    return ShardFile(file=name, sha256=sha256, size_bytes=size_bytes, n_codes=int(index.ntotal))


def has_full_length(folder: Path, row: ShardFile) -> bool:
    """Whether a shard's file exists with its full length."""
    path = folder / row.file
    return path.is_file() and path.stat().st_size == row.size_bytes


class _OpenFiles:
    """Count of the shard files that this process keeps open; other files are opened when they are read."""

    def __init__(self) -> None:
        self._guard, self._n_open = threading.Lock(), 0

    def acquire(self) -> bool:
        """Count one more open file; False at the limit."""
        limit = min(MAX_OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        with self._guard:
            below_limit = self._n_open < limit
            self._n_open += below_limit
        return below_limit

    def release(self) -> None:
        """Count one open file less."""
        with self._guard:
            self._n_open -= 1


_OPEN_FILES: Final = _OpenFiles()


class Shard:
    """One shard file, kept open, so that it can be read even after a writer has replaced and deleted it.

    At most `MAX_OPEN_SHARDS` files, or a quarter of the files that the process may open, are kept open. The
    others may be deleted before `load`; then the codes are read from the snapshot that names the shard.

    Raises
    ------
    ShardMissing
        When the file does not exist.
    ShardDamaged
        When its size differs from its row in the catalog; in `load`, when its bytes changed.
    TooManyOpenFiles
    """

    def __init__(self, folder: Path, row: ShardFile) -> None:
        self.path, self._row = folder / row.file, row
        self._file: BinaryIO | None = None
        file = self._open()
        if _OPEN_FILES.acquire():
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
        """Read the index into memory and check its SHA-256, as FAISS accepts flipped bits; close the file."""
        file = self._open() if self._file is None else self._file
        digest = hashlib.sha256()

        def read_hashed(n_bytes: int) -> bytes:
            chunk = file.read(n_bytes)
            digest.update(chunk)
            return chunk

        try:
            file.seek(0)
            index = faiss.read_index(faiss.PyCallbackIOReader(read_hashed, 1 << 20))  # type: ignore[attr-defined]
            while read_hashed(1 << 20):
                pass
        except OSError as error:
            raise _unreadable(self.path, error) from error
        except RuntimeError as error:
            raise ShardDamaged(path=str(self.path), reason="is not a FAISS index") from error
        finally:
            file.close()
            self.close()
        if digest.hexdigest() != self._row.sha256:
            raise ShardDamaged(path=str(self.path), reason="does not have the checksum stored in the catalog")
        return index

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            _OPEN_FILES.release()


def _unreadable(path: Path, error: OSError) -> StoreError:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return TooManyOpenFiles(path=str(path))
    return ShardDamaged(path=str(path), reason=f"cannot be read ({error.strerror or error})")


def search_index(index: Any, vectors: Vectors, k: int, n_probe: int) -> tuple[NDArray[np.float32], Ids]:
    """Return similarities and numbers of the `k` nearest codes of each vector; -1 where there are fewer.

    ``n_probe`` is an argument: threads would share an attribute of the index.
    """
    if isinstance(index, faiss.IndexIVF):
        params = faiss.SearchParametersIVF(nprobe=n_probe)  # type: ignore[call-arg]
        similarity, numbers = index.search(vectors, k, params=params)
    else:
        similarity, numbers = index.search(vectors, k)
    return similarity, numbers
