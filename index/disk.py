"""Writing files so that a crash or a full disk leaves the old state or the new one, never half of either."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from index.errors import DiskFull

TEMPORARY_PREFIX: Final = ".tmp-"
"""Files so named were never finished; whoever holds the home's lock deletes them."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Turn the system's "no space left" into `DiskFull` for `path`; every other error passes."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(path=str(path)) from error
        raise


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, write: Callable[[Callable[[bytes], int]], None]) -> tuple[str, int]:
    """Let `write` produce a file's bytes, and give it its name only when they are on the disk.

    Returns
    -------
    sha256, size_bytes
        Of what was written.
    """
    unfinished = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    digest = hashlib.sha256()
    try:
        with room_for(path), unfinished.open("wb") as file:

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
    unfinished.replace(path)
    fsync_folder(path.parent)
    return digest.hexdigest(), size_bytes
