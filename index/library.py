"""One epoch of a home, opened for search. It never changes; open another to see later additions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.changed_copies.coverage import coverage_of
from earwitness.index.database import copy_rows, reads
from earwitness.index.database.catalog import Catalog, open_catalog
from earwitness.index.database.records import Collection, ItemRow, RecordingRow, Thumbnail
from earwitness.index.database.row_digests import AT_ONCE
from earwitness.index.database.tables import ITEM
from earwitness.index.match import Hits
from earwitness.index.matching.whole_file import WholeFiles, copies
from earwitness.index.protocols import Embedder
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.scheme_files import background_of, calibration_of
from earwitness.index.store.byte_cache import ByteCache
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.owned_home import own_home
from earwitness.index.store.shards import (
    N_PROBE,
    Codec,
    Shard,
    Vectors,
    build,
    search_index,
    split_numbers,
)
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    DiskFull,
    HomeBusy,
    HomeUnusable,
    ShardDamaged,
    ShardMissing,
    StoreUnwritable,
    TooManyOpenFiles,
)
from earwitness.index.store.summary import HomeSummary

CACHED_BYTES: Final = 64 << 20
"""Bytes of unpacked codes in the cache: 36 hours of audio."""

CACHED_PEAKS_BYTES: Final = 16 << 20
"""Bytes of peaks in the cache: 32 hours of audio."""

OPEN_ATTEMPTS: Final = 5
REPAIR_WAIT_S: Final = 0.1


class SchemeCodec(Codec, Embedder, Protocol):
    """What the store and the search together need of an extractor."""


@dataclass(frozen=True, slots=True)
class _OpenShard:
    """An open shard file and its row in the catalog."""

    row: reads.ShardRow
    shard: Shard


class Library:
    """An opened epoch: catalog, shards and stored fingerprints as they were at one instant.

    Open it with `Library.open`; it is cheap to open again. Its methods may be called from any thread. What a
    writer removes afterwards stays readable here until `close`.

    Attributes
    ----------
    epoch : int
    scheme : str
    collections : tuple of Collection
    extractor
        The extractor of this scheme.
    """

    def __init__(
        self,
        snapshot: Connection,
        summary: HomeSummary,
        address: HomeAddress,
        codec: SchemeCodec,
        shards: Sequence[_OpenShard],
    ) -> None:
        self.scheme, self.epoch = summary.scheme, summary.epoch
        self.collections = summary.collections
        self.tenant, self.extractor = address.tenant, codec
        self._home = address.path
        self._summary = summary
        self._snapshot, self._shards = snapshot, shards
        self._guard = threading.RLock()
        self._loaded: dict[int, list[Any]] = {}
        self._file_indexes: dict[int, WholeFiles] = {}
        self._copies: dict[frozenset[int], CopyIndex | None] = {}
        self._codes = ByteCache(self._read_codes, most_bytes=CACHED_BYTES)
        self._peaks = ByteCache(self._read_peaks, most_bytes=CACHED_PEAKS_BYTES)
        self._recordings: dict[int, RecordingRow] = {}
        self._close = ExitStack()

    @classmethod
    def open(cls, address: HomeAddress, *, codec: SchemeCodec | None = None) -> Self:
        """Open the newest epoch.

        Parameters
        ----------
        codec
            The extractor; by default that of the home's scheme.

        Raises
        ------
        HomeMissing
            When nothing was ever stored in this home.
        ShardDamaged
            When a shard file is missing or cut off and cannot be mended, as another process is writing.
        CatalogTooNew, SchemeMismatch
            When another program is needed to read it.
        """
        catalog = open_catalog(address)
        with ExitStack() as undo:
            undo.callback(catalog.close)
            scheme = _scheme(catalog, address)
            codec = codec or _extractor(scheme)
            if codec.scheme != scheme:
                raise SchemeMismatch(index_scheme=scheme, query_scheme=codec.scheme)
            snapshot, shards = _pin(catalog, address, codec)
            undo.callback(snapshot.close)
            for held in shards:
                undo.callback(held.shard.close)
            summary = HomeSummary.from_connection(snapshot, address)
            library = cls(snapshot, summary, address, codec, shards)
            library._close = undo.pop_all()
        return library

    @property
    def calibration(self) -> Calibration:
        """Fitted numbers of this scheme, which E-values and kinds of match rest on."""
        return calibration_of(self.extractor)

    @property
    def background(self) -> Background:
        """Decoys of this scheme, from which chance is estimated."""
        return background_of(self.extractor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; the space of those that a writer has replaced is then free."""
        with self._guard:
            self._close.close()

    def search(self, vectors: Vectors, *, k: int, collections: Sequence[int], n_probe: int = N_PROBE) -> Hits:
        """Find the `k` codes nearest to each vector, over all the given collections together.

        Parameters
        ----------
        vectors : float32 array, shape (n, dim)
            Unit vectors.
        n_probe : int
            Lists that a look-up reads of each partitioned shard.

        Returns
        -------
        hits : Hits
            Best first within each row, rows ascending; similarities are as the shards estimate them.

        Raises
        ------
        ShardDamaged
            When a shard's bytes changed on the disk; fewer results would be a false "no match".
        """
        indexes = [index for number in dict.fromkeys(collections) for index in self._indexes(number)]
        wanted = np.ascontiguousarray(vectors, dtype=np.float32)
        if not indexes or not len(wanted):
            return _as_hits(np.empty((0, 0), np.float32), np.empty((0, 0), np.int64))
        results = [search_index(index, wanted, k, n_probe) for index in indexes]
        if len(results) == 1:  # sorted already, and each code once
            return _as_hits(*results[0])
        similarity = np.concatenate([part for part, _ in results], axis=1)
        numbers = np.concatenate([part for _, part in results], axis=1)
        return _as_hits(*_best(similarity, numbers, k))

    def codes(self, recording: int) -> Vectors:
        """Unit vectors of one recording's codes, float32, shape (n_codes, dim); not to be written to."""
        with self._guard:
            return self._codes.of(recording)

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Frame and band of one recording's peaks, int32, shape (n_peaks, 2); not to be written to."""
        with self._guard:
            return self._peaks.of(recording)

    def recording(self, recording: int) -> RecordingRow:
        """One recording by its number."""
        with self._guard:
            if recording not in self._recordings:
                row = reads.recording(self._snapshot, self.tenant, recording)
                if row is None:  # the caller has the number from a row or a shard
                    raise CatalogDamaged(where=f"recording {recording}", reason="it is not in the catalog")
                self._recordings[recording] = row
            return self._recordings[recording]

    def by_sha256(self, sha256: str) -> RecordingRow | None:
        """The recording that was decoded from these bytes; None when the store does not hold it."""
        with self._guard:
            return reads.recording_of(self._snapshot, self.tenant, sha256)

    def chromaprint(self, recording: int) -> NDArray[np.uint32]:
        """Whole-file Chromaprint vector of one recording."""
        with self._guard:
            return reads.chromaprint(self._snapshot, self.tenant, recording)

    def thumbnail(self, recording: int) -> Thumbnail | None:
        """The stored thumbnail of a work; None for other recordings."""
        with self._guard:
            return reads.thumbnail(self._snapshot, self.tenant, recording)

    def items(self, recording: int, collections: Sequence[int]) -> list[ItemRow]:
        """Every item of the given collections that holds a recording."""
        with self._guard:
            return reads.items_of_recording(self._snapshot, self.tenant, recording, collections)

    def items_with(self, sha256s: Sequence[str], collection: int) -> list[ItemRow]:
        """Every item of a collection, unreadable ones included, whose bytes have one of these SHA-256."""
        self._collection(collection)
        here, found = ITEM.c.collection_id == collection, list[ItemRow]()
        with self._guard:
            for start in range(0, len(sha256s), AT_ONCE):
                some = ITEM.c.sha256.in_(sha256s[start : start + AT_ONCE])
                found += reads.items(self._snapshot, self.tenant, here & some)
        return found

    def listing(self, collection: int) -> list[ItemRow]:
        """Every item of a collection, unreadable ones included, in the order in which they were added."""
        known = self._collection(collection)
        with self._guard:
            items = reads.items(self._snapshot, self.tenant, ITEM.c.collection_id == collection)
        reads.check_count(known, "items", len(items), known.n_items + known.n_unreadable)
        return items

    def durations(self, collection: int) -> dict[int, float]:
        """Length in seconds of every recording of a collection, by its number."""
        known = self._collection(collection)
        with self._guard:
            return reads.durations(self._snapshot, known)

    def n_codes(self, collections: Sequence[int]) -> int:
        """Codes that a search of these collections looks through."""
        return sum(self._collection(number).n_codes for number in dict.fromkeys(collections))

    def whole_file(
        self, chromaprint: NDArray[np.uint32], duration_s: float, collections: Sequence[int]
    ) -> list[int]:
        """Recordings that are the same complete file by Chromaprint alone; nearest first."""
        known = [self._whole_files(number) for number in dict.fromkeys(collections)]
        return copies(chromaprint, duration_s, known, self.chromaprint)

    def length_filter(self, collections: Sequence[int]) -> Callable[[float], bool]:
        """Return a test of a length in seconds: whether any recording is about as long (see `whole_file`)."""
        known = [self._whole_files(number) for number in dict.fromkeys(collections)]
        return lambda duration_s: any(files.have_length(duration_s) for files in known)

    def changed_copies(self, collections: Sequence[int]) -> CopyIndex | None:
        """The changed copies of the recordings of these collections; None where a search cannot use them."""
        with self._guard:
            asked = frozenset(collections)
            if asked not in self._copies:
                known = [self._collection(number) for number in asked]
                usable = coverage_of(self._snapshot, known).is_usable
                self._copies[asked] = (
                    CopyIndex.open(self._snapshot, sorted(asked), self.extractor, home=self._home)
                    if usable
                    else None
                )
            return self._copies[asked]

    def has_copies(self, recording: int) -> bool:
        """Whether a recording is stored with changed copies."""
        with self._guard:
            return copy_rows.has_copies(self._snapshot, recording)

    def state_digest(self, collections: Sequence[int]) -> str:
        """Digest of the state of these collections: a finding about them holds as long as it is the same."""
        return self._summary.state_digest(collections)

    def _read_codes(self, recording: int) -> Vectors:
        packed = reads.codes(self._snapshot, self.tenant, recording, self.extractor.params.code_bytes)
        return self.extractor.unpack(packed)

    def _read_peaks(self, recording: int) -> NDArray[np.int32]:
        return reads.peaks(self._snapshot, self.tenant, recording)

    def _collection(self, number: int) -> Collection:
        return self._summary.collection(number)

    def _whole_files(self, collection: int) -> WholeFiles:
        known = self._collection(collection)
        with self._guard:
            if collection not in self._file_indexes:
                self._file_indexes[collection] = WholeFiles(
                    *reads.chromaprint_summaries(self._snapshot, known)
                )
            return self._file_indexes[collection]

    def _indexes(self, collection: int) -> list[Any]:
        self._collection(collection)
        with self._guard:
            if collection not in self._loaded:
                held = [one for one in self._shards if one.row.collection == collection]
                self._loaded[collection] = [self._load(one) for one in held] + self._waiting(collection)
            return self._loaded[collection]

    def _load(self, opened: _OpenShard) -> Any:
        """Read a shard; one that a writer has replaced since is built from this epoch's fingerprints."""
        try:
            return opened.shard.load()
        except ShardMissing:
            row = opened.row
            members = reads.members_of(row.collection, (row.id,), waiting=False)
            codes = reads.member_codes(self._snapshot, members, self.extractor.params.code_bytes)
            return build(codes, row.file.n_codes, self.extractor)

    def _waiting(self, collection: int) -> list[Any]:
        """An index in memory of what was added but has no shard yet: it counts once it is stored."""
        members = reads.members_of(collection, (), waiting=True)
        n_codes = reads.count_codes(self._snapshot, members)
        if not n_codes:
            return []
        codes = reads.member_codes(self._snapshot, members, self.extractor.params.code_bytes)
        return [build(codes, n_codes, self.extractor)]


def _scheme(catalog: Catalog, address: HomeAddress) -> str:
    with catalog.reading() as connection:
        return HomeSummary.from_connection(connection, address).scheme


def _extractor(scheme: str) -> SchemeCodec:
    from earwitness.fingerprint.extract import extractor  # loads the inference runtime

    return extractor(scheme)


def _pin(catalog: Catalog, address: HomeAddress, codec: SchemeCodec) -> tuple[Connection, list[_OpenShard]]:
    """A snapshot of the catalog, and all of its shard files, open."""
    for attempt in range(OPEN_ATTEMPTS):
        snapshot, held = catalog.snapshot(), list[_OpenShard]()
        try:
            live = reads.shards(snapshot, address.tenant)
            collections = reads.collections(snapshot, address.tenant)
            reads.check_codes(snapshot, address.tenant, collections, live)
            for row in live:
                held.append(_OpenShard(row, Shard(address.shard_folder, row.file)))
        except (ShardDamaged, TooManyOpenFiles) as error:
            for one in held:
                one.shard.close()
            snapshot.close()
            if isinstance(error, TooManyOpenFiles) or attempt == OPEN_ATTEMPTS - 1:
                raise
            if attempt:  # at the first attempt a writer may just have replaced it: try again
                _repair(address, codec)
        else:
            return snapshot, held
    raise AssertionError("unreachable: the last attempt returns or raises")


def _repair(address: HomeAddress, codec: SchemeCodec) -> None:
    """Repair the home's shards, or wait a moment where another process writes it."""
    try:
        own_home(address, codec).close()
    except (HomeBusy, HomeUnusable, StoreUnwritable, DiskFull):
        time.sleep(REPAIR_WAIT_S)  # another process is writing, or nothing can be written


def _best(
    similarity: NDArray[np.float32], numbers: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` best of each row, each code once, even when several collections hold it."""
    similarity, numbers = _sorted(similarity, numbers)
    by_number = np.argsort(numbers, axis=1, kind="stable")  # the better of two copies stays first
    in_order = np.take_along_axis(numbers, by_number, axis=1)
    again = np.zeros(numbers.shape, dtype=bool)
    np.put_along_axis(again, by_number[:, 1:], in_order[:, 1:] == in_order[:, :-1], axis=1)
    numbers = np.where(again, -1, numbers)
    similarity, numbers = _sorted(np.where(numbers < 0, -np.inf, similarity), numbers)
    return similarity[:, :k], numbers[:, :k]


def _sorted(
    similarity: NDArray[np.float32], numbers: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    order = np.argsort(-similarity, axis=1, kind="stable")
    return np.take_along_axis(similarity, order, axis=1), np.take_along_axis(numbers, order, axis=1)


def _as_hits(similarity: NDArray[np.float32], numbers: NDArray[np.int64]) -> Hits:
    row, column = np.nonzero(numbers >= 0)
    recording, position = split_numbers(numbers[row, column])
    return Hits(
        query_row=row.astype(np.int32),
        recording=recording,
        position=position,
        similarity=similarity[row, column].astype(np.float32),
    )
