"""Whatever holds an item -> one descriptor of a regular file, which can be passed to another process."""

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
"""Bytes copied at once from a stream that has no file of its own."""

MEMORY_BYTES: Final = 64 << 20
"""What is larger is copied to an unlinked temporary file rather than to memory."""


@contextmanager
def open_input(source: Path | bytes | BinaryIO, *, max_bytes: int, name: str) -> Iterator[int]:
    """Yield a descriptor of a regular file that holds the item; it is closed at the end.

    A path and a plain open file are not copied; a stream is read from where it stands.

    Raises
    ------
    AudioTooLarge
        There are more than `max_bytes`.
    NotAudio
        The path leads to a folder or a device.
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
        return _copy(io.BytesIO(source), max_bytes)
    if sys.platform == "linux" and _is_plain_file(source):
        return _read_only(source)
    return _copy(source, max_bytes)


def _open_path(path: Path, name: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a fifo must not make us wait
    except OSError as error:
        raise BrokenAudio(name=name, reason=f"it cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotAudio(name=name, looks_like="a folder or a device")
    return fd


def _is_plain_file(source: BinaryIO) -> bool:
    # by type: a GzipFile has a fileno too, but that of the compressed file
    if not (isinstance(source, io.BufferedReader) and isinstance(source.raw, io.FileIO)):
        return False
    return stat.S_ISREG(os.fstat(source.fileno()).st_mode) and source.tell() == 0


def _copy(stream: BinaryIO, max_bytes: int) -> int:
    """Copy a stream to memory, or to a file without a name; stops soon after `max_bytes`."""
    with _memory_file() as memory:
        if _pour(stream, memory, min(MEMORY_BYTES, max_bytes)):
            return _read_only(memory)
        with tempfile.TemporaryFile() as disk:
            memory.seek(0)
            _pour(memory, disk, max_bytes)
            _pour(stream, disk, max_bytes - memory.tell())
            return _read_only(disk)


def _memory_file() -> IO[bytes]:
    return open(os.memfd_create("item"), "w+b") if sys.platform == "linux" else tempfile.TemporaryFile()  # noqa: PTH123


def _pour(stream: IO[bytes], target: IO[bytes], max_bytes: int) -> bool:
    """Copy until the stream ends (True), or until more than `max_bytes` were copied (False)."""
    n_bytes = 0
    while n_bytes <= max_bytes:
        piece = stream.read(COPY_BYTES)
        if not piece:
            return True
        target.write(piece)
        n_bytes += len(piece)
    return False


def _read_only(file: IO[bytes]) -> int:
    file.flush()
    if sys.platform == "linux":
        # opened anew rather than duplicated, so that it has an offset of its own
        return os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    return os.dup(file.fileno())
