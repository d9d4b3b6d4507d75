"""Write a list of known files; the same files give the same bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import numpy as np
import zstandard

from earwitness.index.known_files.file_list import BLOCK_PATHS, DIGEST_BYTES, FORMAT, ListedDataset

LEVEL: Final = 19
"""Effort of the Zstandard compression; the list is written once and read often."""
FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every member, so that the same files give the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """One file of a dataset: its path there, and its digests by kind."""

    path: str
    digests: Mapping[str, bytes]


def write_file_list(
    file: BinaryIO, datasets: Sequence[tuple[ListedDataset, Sequence[KnownFile]]], *, notice: str
) -> None:
    """Write the files of some datasets as one list (see `earwitness.index.known_files.file_list`).

    Raises
    ------
    ValueError
        When a digest has another length than its kind, a path holds a NUL, or `n_files` is not the number of
        files.
    """
    for listed, files in datasets:
        if listed.n_files != len(files):
            raise ValueError(f"{listed.id}: {len(files)} files, not {listed.n_files}")
    files = [each for _, of_dataset in datasets for each in of_dataset]
    tables = {kind: _table(kind, files) for kind in DIGEST_BYTES}
    tables = {kind: table for kind, table in tables.items() if table[1]}
    head = {
        "format": FORMAT,
        "datasets": [asdict(listed) for listed, _ in datasets],
        "digests": {kind: len(entries) // 4 for kind, (_, entries) in tables.items()},
    }
    offsets, blocks = _paths([each.path for each in files])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "files.json", json.dumps(head, indent=1).encode())
        _add(archive, "NOTICE", notice.encode())
        for kind, (digests, entries) in tables.items():
            _add(archive, f"{kind}.digests", digests)
            _add(archive, f"{kind}.entries", entries)
        _add(archive, "paths.offsets", offsets)
        _add(archive, "paths.blocks", blocks)


def _table(kind: str, files: Sequence[KnownFile]) -> tuple[bytes, bytes]:
    """Return the sorted digests of one kind, and the entry of each."""
    entries = [entry for entry, each in enumerate(files) if kind in each.digests]
    digests = [files[entry].digests[kind] for entry in entries]
    if any(len(digest) != DIGEST_BYTES[kind] for digest in digests):
        raise ValueError(f"a digest has not the length of {kind}")
    order = sorted(range(len(entries)), key=digests.__getitem__)
    sorted_entries = np.asarray(entries, dtype="<u4")[order] if order else np.empty(0, dtype="<u4")
    return b"".join(digests[number] for number in order), sorted_entries.tobytes()


def _paths(paths: Sequence[str]) -> tuple[bytes, bytes]:
    if any("\0" in path for path in paths):
        raise ValueError("a path holds a NUL")
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    blocks = [
        compressor.compress("\0".join(paths[first : first + BLOCK_PATHS]).encode("utf-8"))
        for first in range(0, len(paths), BLOCK_PATHS)
    ]
    ends = np.cumsum([0, *map(len, blocks)], dtype="<u8")
    return ends.tobytes(), b"".join(blocks)


def _add(archive: zipfile.ZipFile, name: str, contents: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, date_time=FIRST_DATE), contents)
