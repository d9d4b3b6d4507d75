"""Memory files that no process can change any more: whoever receives one need not copy its bytes."""

from __future__ import annotations

import fcntl
import io
import os
import stat
import sys
from typing import IO, BinaryIO, Final, TypeGuard

SEALED_BYTES: Final = 32 << 20
"""Largest item that is handed over in memory; a larger one is in a temporary file. Chosen by hand."""


def memory_file() -> IO[bytes] | None:
    """Open an empty memory file that can be sealed; None where the system has none."""
    if sys.platform != "linux":
        return None
    return open(os.memfd_create("item", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")  # noqa: PTH123


def seal(file: IO[bytes]) -> None:
    """Make a memory file unchangeable, for every process that has it open."""
    file.flush()
    if sys.platform == "linux":
        fcntl.fcntl(file.fileno(), fcntl.F_ADD_SEALS, _seals())


def is_sealed(stream: IO[bytes]) -> TypeGuard[io.BufferedReader]:
    """Whether a stream is a sealed memory file at its beginning, of at most `SEALED_BYTES`."""
    if not (isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO)):
        return False
    return _is_sealed(stream.fileno()) and stream.tell() == 0


def open_received(descriptor: int) -> BinaryIO:
    """Open a received file for reading; a sealed one with an offset that its sender cannot move."""
    if not _is_sealed(descriptor):
        return os.fdopen(descriptor, "rb")
    try:
        return os.fdopen(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC), "rb")
    finally:
        os.close(descriptor)


def _is_sealed(descriptor: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:  # a file of a file system without seals
        return False
    state = os.fstat(descriptor)
    return seals & _seals() == _seals() and stat.S_ISREG(state.st_mode) and state.st_size <= SEALED_BYTES


def _seals() -> int:
    if sys.platform != "linux":
        return 0
    return fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
