"""The index of many changed copies is kept in a file of the home, so that the next process need not build it.

The file is named after what it was built from, and ends with its SHA-256. A file that is missing, damaged or
of other works is built again from the stored copies; where the home cannot be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from earwitness.index.store.files import convert_write_errors, write_durably
from earwitness.index.store.store_errors import StoreError

FOLDER: Final = "changed_copies"

KEPT_FROM: Final = 100_000
"""Codes (2 hours of works) from which an index is kept: smaller ones are built in less than half a second."""

KEPT_FILES: Final = 1
"""Files that are kept, the newest: an older one may hold works that were removed since."""

SHA256_BYTES: Final = 32


def read_or_build(home: Path, name: str, n_codes: int, build: Callable[[], Any]) -> Any:
    """Return the index of this name from the home, or build and keep it.

    Parameters
    ----------
    name
        Digest of everything that the index is built from.
    """
    if n_codes < KEPT_FROM:
        return build()
    path = home / FOLDER / f"{name}.faiss"
    index = _read(path)
    if index is None:
        index = build()
        _keep(index, path)
    return index


def forget_indexes(home: Path) -> None:
    """Delete the kept indexes, as works of them are removed; the next search builds another.

    A process that opened the home before the removal may keep one more; the next removal deletes it, and so
    does the next index that is kept.

    Raises
    ------
    StoreUnwritable, DiskFailed
    """
    folder = home / FOLDER
    with convert_write_errors(folder):
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            path.unlink(missing_ok=True)


def _read(path: Path) -> Any | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body, sha256 = data[:-SHA256_BYTES], data[-SHA256_BYTES:]
    if hashlib.sha256(body).digest() != sha256:
        return None
    return faiss.deserialize_index(np.frombuffer(body, dtype=np.uint8))


def _keep(index: Any, path: Path) -> None:
    body = faiss.serialize_index(index).tobytes()

    def write(keep: Callable[[bytes], int]) -> None:
        keep(body)
        keep(hashlib.sha256(body).digest())

    try:
        path.parent.mkdir(exist_ok=True)
        write_durably(path, write)
        files = sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)
        for old in files[:-KEPT_FILES]:
            old.unlink(missing_ok=True)
    except (OSError, StoreError):
        return  # the next process builds it again
