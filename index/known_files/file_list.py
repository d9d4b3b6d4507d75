"""A list of the known files of some datasets: digests sorted for look-up, and their paths.

Format ``earwitness.files/1``: a zip archive whose members are stored without compression, so that the file
can be mapped into memory and searched as it lies.

==================  ================================================================================
Member              Contents
==================  ================================================================================
``files.json``      format, datasets with their numbers of files, and the kinds of digest; the
                    entries of a dataset follow those of the dataset before it
``KIND.digests``    the digests of one kind (``md5``, ``sha1``, ``sha256``), sorted
``KIND.entries``    the number of the entry of each digest, uint32, little-endian
``paths.offsets``   where each block begins in ``paths.blocks``, and where the last one ends, uint64
``paths.blocks``    the paths of the entries, `BLOCK_PATHS` a block, separated by NUL; each block is
                    compressed with Zstandard
``NOTICE``          licences and sources
==================  ================================================================================
"""

from __future__ import annotations

import json
import mmap
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import zstandard

from earwitness.index.known_files.known_file_errors import FileListDamaged

FORMAT: Final = "earwitness.files/1"
DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32}
"""Kinds of digest, and the bytes of each."""

BLOCK_PATHS: Final = 1024
MAX_BLOCK_BYTES: Final = 16 << 20
BLOCKS_HELD: Final = 64
"""Blocks of paths that are held unpacked, about 60 kB each."""
PATHS_SHOWN: Final = 5
"""Paths of one dataset that a look-up returns; others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDataset:
    """One dataset of a list.

    Attributes
    ----------
    id : str
        Also the id of its card.
    n_files : int
        Files of it that are listed.
    listed_by : str
        The publication that the digests are from, with its version.
    """

    id: str
    name: str
    version: str
    n_files: int
    listed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """The files of one dataset that have the digest that was looked up.

    Attributes
    ----------
    digest : str
        Kind of the digest.
    paths : tuple of str
        Up to `PATHS_SHOWN` of their paths in the dataset; names for people, never opened.
    n_paths : int
        Number of those files.
    """

    dataset: ListedDataset
    digest: str
    paths: tuple[str, ...]
    n_paths: int


class FileList:
    """An open list of known files.

    Raises
    ------
    FileListDamaged
        When the file is not as it was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                members = _members(file, self._bytes)
            head = json.loads(bytes(members["files.json"]))
            if head["format"] != FORMAT:
                raise ValueError(f"its format is {head['format']}, not {FORMAT}")
            self.datasets = tuple(ListedDataset(**each) for each in head["datasets"])
            self._first_entries = list(_running_totals([each.n_files for each in self.datasets]))
            self._tables = {kind: _Table(kind, members) for kind in head["digests"]}
            self._offsets = np.frombuffer(members["paths.offsets"], dtype="<u8")
            self._blocks = members["paths.blocks"]
            self._check()
        except (OSError, ValueError, KeyError, TypeError, struct.error, zipfile.BadZipFile) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
            raise FileListDamaged(path=str(path), reason=reason) from error
        self._block = lru_cache(maxsize=BLOCKS_HELD)(self._read_block)

    @property
    def digests(self) -> frozenset[str]:
        """The kinds of digest that it holds."""
        return frozenset(self._tables)

    @property
    def n_files(self) -> int:
        """Number of files that it lists."""
        return sum(each.n_files for each in self.datasets)

    def find(self, digest: str, value: bytes) -> list[ListedFile]:
        """Return the files with this digest, grouped by dataset; empty where none has it."""
        table = self._tables.get(digest)
        if table is None:
            return []
        by_dataset: dict[int, list[int]] = {}
        for entry in table.entries_of(value):
            by_dataset.setdefault(bisect_right(self._first_entries, entry) - 1, []).append(entry)
        return [
            ListedFile(
                dataset=self.datasets[number],
                digest=digest,
                paths=tuple(self.path_of(entry) for entry in entries[:PATHS_SHOWN]),
                n_paths=len(entries),
            )
            for number, entries in by_dataset.items()
        ]

    def entries(self, digest: str) -> Iterator[tuple[bytes, ListedDataset, str]]:
        """Yield digest, dataset and path of all files that have a digest of this kind, sorted by digest."""
        table = self._tables[digest]
        # digests are in no order of the blocks, and to unpack a block for each takes a thousand times as long
        paths = [path for number in range(len(self._offsets) - 1) for path in self._read_block(number)]
        for number in range(len(table)):
            entry = table.entry(number)
            dataset = self.datasets[bisect_right(self._first_entries, entry) - 1]
            yield table.digest(number), dataset, paths[entry]

    def path_of(self, entry: int) -> str:
        """Return the path of an entry."""
        return self._block(entry // BLOCK_PATHS)[entry % BLOCK_PATHS]

    def _read_block(self, number: int) -> list[str]:
        packed = self._blocks[self._offsets[number] : self._offsets[number + 1]]
        try:
            text = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BLOCK_BYTES)
            paths = text.decode("utf-8").split("\0")
        except (zstandard.ZstdError, UnicodeDecodeError) as error:
            raise FileListDamaged(path=str(self._path), reason=str(error)) from error
        return paths

    def _check(self) -> None:
        n_entries, n_blocks = self.n_files, -(-self.n_files // BLOCK_PATHS)
        if len(self._offsets) != n_blocks + 1 or self._offsets[n_blocks] != len(self._blocks):
            raise ValueError("its paths do not fit its datasets")
        if any(len(table) > n_entries for table in self._tables.values()):
            raise ValueError("it holds more digests than files")


class _Table:
    """The sorted digests of one kind."""

    def __init__(self, kind: str, members: dict[str, memoryview]) -> None:
        self._width = DIGEST_BYTES[kind]
        self._bytes = members[f"{kind}.digests"]
        self._entries = np.frombuffer(members[f"{kind}.entries"], dtype="<u4")
        if len(self._bytes) != self._width * len(self._entries):
            raise ValueError(f"its {kind} digests do not fit their entries")
        # NumPy compares these as if padded with NUL: for digests of one length, that is their order
        self._sorted = np.frombuffer(self._bytes, dtype=f"S{self._width}")

    def __len__(self) -> int:
        return len(self._entries)

    def digest(self, number: int) -> bytes:
        """Return one digest."""
        return bytes(self._bytes[number * self._width : (number + 1) * self._width])

    def entry(self, number: int) -> int:
        """Return the entry that a digest belongs to."""
        return int(self._entries[number])

    def entries_of(self, digest: bytes) -> list[int]:
        """Return the entries with this digest, in order."""
        first = last = int(self._sorted.searchsorted(digest))
        while last < len(self) and self.digest(last) == digest:
            last += 1
        return sorted(self._entries[first:last].tolist())


def _members(file: Any, mapped: memoryview) -> dict[str, memoryview]:
    """Return the bytes of the members, which lie in the file as they are; their checksums are verified."""
    members = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{info.filename} is compressed")
            n_name, n_extra = struct.unpack_from("<HH", mapped, info.header_offset + 26)
            begin = info.header_offset + 30 + n_name + n_extra
            member = mapped[begin : begin + info.file_size]
            if len(member) != info.file_size or zlib.crc32(member) != info.CRC:
                raise ValueError(f"{info.filename} has changed")
            members[info.filename] = member
    return members


def _running_totals(numbers: Sequence[int]) -> Iterator[int]:
    total = 0
    for number in numbers:
        yield total
        total += number
