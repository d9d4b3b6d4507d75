"""Writing files so that a crash or a full disk leaves either the old file or the new one."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from earwitness.index.store.store_errors import (
    DiskFailed,
    DiskFull,
    StoreError,
    StoreUnwritable,
)

TEMPORARY_PREFIX: Final = ".tmp-"
"""Files so named were never finished; whoever holds the home's lock deletes them."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_ALLOWED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def convert_write_errors(path: Path) -> Iterator[None]:
    """Convert an OSError on writing `path` into a store error with a hint; other errors pass.

    Raises
    ------
    DiskFull, StoreUnwritable, DiskFailed
    """
    try:
        yield
    except OSError as error:
        named = as_store_error(error, path)
        if named is None:
            raise
        raise named from error


def as_store_error(error: OSError, path: Path) -> StoreError | None:
    """Return the store error for a failure to write `path`; None for errors that have none."""
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return DiskFull(path=str(path))
    if error.errno in _NOT_ALLOWED:
        return StoreUnwritable(path=str(path), reason=reason)
    return DiskFailed(path=str(path), reason=reason) if error.errno == errno.EIO else None


def may_write(path: Path) -> bool:
    """Whether this process may write a file or into a folder, as far as can be known without trying."""
    return os.access(path, os.W_OK)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, write: Callable[[Callable[[bytes], int]], object]) -> tuple[str, int]:
    """Write a file that appears under its name only when its bytes are on the disk.

    Returns
    -------
    sha256, size_bytes
        Of what was written.
    """
    unfinished = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    digest = hashlib.sha256()
    try:
        with convert_write_errors(path), unfinished.open("wb") as file:

            def keep(chunk: bytes) -> int:
                digest.update(chunk)
                return file.write(chunk)

            write(keep)
            size_bytes = file.tell()
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    with convert_write_errors(path):
        unfinished.replace(path)
        fsync_folder(path.parent)
    return digest.hexdigest(), size_bytes
