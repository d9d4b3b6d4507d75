"""Opens an item as a descriptor of a regular file, which can be passed to another process."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from earwitness.fingerprint.errors import AudioTooLarge, BrokenAudio, NotAudio

COPY_BYTES: Final = 1 << 20
"""Bytes per read when a stream is copied."""

MEMORY_BYTES: Final = 64 << 20
"""Larger streams are copied to an unlinked temporary file instead of memory."""


@contextmanager
def open_input(source: Path | bytes | BinaryIO, *, max_bytes: int, name: str) -> Iterator[int]:
    """Yield a descriptor of a regular file with the bytes of the item; close it at the end.

    Paths and regular open files are not copied; other streams are read from their current position.

    Raises
    ------
    AudioTooLarge
        The item has more than `max_bytes`.
    NotAudio
        The path is a folder or a device.
    BrokenAudio
        The path cannot be opened.
    """
    fd = _open(source, max_bytes, name)
    try:
        if os.fstat(fd).st_size > max_bytes:
            raise AudioTooLarge(name=name, what="bytes", limit=f"{max_bytes:,}")
        yield fd
    finally:
        os.close(fd)


def _open(source: Path | bytes | BinaryIO, max_bytes: int, name: str) -> int:
    if isinstance(source, Path):
        return _open_path(source, name)
    if isinstance(source, bytes):
        return copy_to_file(io.BytesIO(source), max_bytes)
    if sys.platform == "linux" and _is_regular_file(source):
        return _read_only(source)
    return copy_to_file(source, max_bytes)


def _open_path(path: Path, name: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a FIFO must not block
    except OSError as error:
        raise BrokenAudio(name=name, reason=f"it cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotAudio(name=name, looks_like="a folder or a device")
    return fd


def _is_regular_file(source: BinaryIO) -> bool:
    # a GzipFile also has a fileno, that of the compressed file
    if not (isinstance(source, io.BufferedReader) and isinstance(source.raw, io.FileIO)):
        return False
    return stat.S_ISREG(os.fstat(source.fileno()).st_mode) and source.tell() == 0


def copy_to_file(stream: BinaryIO, max_bytes: int) -> int:
    """Copy a stream to memory or to an unlinked file; stop soon after `max_bytes`."""
    with _memory_file() as memory:
        if _copy_stream(stream, memory, min(MEMORY_BYTES, max_bytes)):
            return _read_only(memory)
        with tempfile.TemporaryFile() as disk:
            memory.seek(0)
            _copy_stream(memory, disk, max_bytes)
            _copy_stream(stream, disk, max_bytes - memory.tell())
            return _read_only(disk)


def _memory_file() -> IO[bytes]:
    return open(os.memfd_create("item"), "w+b") if sys.platform == "linux" else tempfile.TemporaryFile()  # noqa: PTH123


def _copy_stream(stream: IO[bytes], target: IO[bytes], max_bytes: int) -> bool:
    """Copy up to the end of the stream (True), or until more than `max_bytes` were copied (False)."""
    n_bytes = 0
    while n_bytes <= max_bytes:
        chunk = stream.read(COPY_BYTES)
        if not chunk:
            return True
        target.write(chunk)
        n_bytes += len(chunk)
    return False


def _read_only(file: IO[bytes]) -> int:
    file.flush()
    if sys.platform == "linux":
        # opened again instead of duplicated, so that it has its own offset
        return os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    return os.dup(file.fileno())
