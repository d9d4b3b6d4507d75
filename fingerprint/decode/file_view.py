"""Read-only access to an open file by position, which does not move its offset."""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

SCAN_BYTES: Final = 1 << 20
"""Bytes per read when a whole file is scanned."""


class FileView:
    """The bytes of a file descriptor.

    Attributes
    ----------
    fd : int
        Not closed by this class.
    size : int
        Size in bytes when the view was made.
    is_file : bool
        Whether the view is all of the file of `fd`, unchanged.
    """

    is_file = True

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size

    def read_at(self, offset: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `offset`; fewer, or none, past the end."""
        return os.pread(self.fd, n_bytes, offset) if 0 <= offset < self.size else b""

    def find(self, pattern: re.Pattern[bytes], start: int, *, reach: int = 64) -> Iterator[int]:
        """Yield the offsets of matches of `pattern` from `start` on; a match has at most `reach` bytes."""
        offset, lowest = start, start
        while offset < self.size:
            window = self.read_at(offset, SCAN_BYTES + reach)
            for match in pattern.finditer(window):
                if lowest <= offset + match.start() < offset + SCAN_BYTES:
                    yield offset + match.start()
                    lowest = offset + match.end()
            offset += SCAN_BYTES


class SplicedView(FileView):
    """Concatenation of byte strings and byte ranges of another file, read like a file.

    Parameters
    ----------
    file : FileView
    pieces : sequence of bytes or (start, end)
        Literal bytes, or a byte range of `file`.
    """

    is_file = False

    def __init__(self, file: FileView, pieces: Sequence[bytes | tuple[int, int]]) -> None:
        self.fd, self._file = file.fd, file
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._ends = list(accumulate(_length(piece) for piece in self._pieces))
        self.size = self._ends[-1] if self._ends else 0

    def read_at(self, offset: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `offset`; fewer, or none, past the end."""
        if not 0 <= offset < self.size:
            return b""
        chunks = []
        index = bisect_right(self._ends, offset)
        while n_bytes > 0 and index < len(self._pieces):
            piece = self._pieces[index]
            first = offset - (self._ends[index] - _length(piece))
            if isinstance(piece, bytes):
                data = piece[first : first + n_bytes]
            else:
                data = self._file.read_at(piece[0] + first, min(n_bytes, piece[1] - piece[0] - first))
            if not data:
                break  # the file was truncated meanwhile
            chunks.append(data)
            offset += len(data)
            n_bytes -= len(data)
            index = bisect_right(self._ends, offset)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def section(file: FileView, start: int, end: int) -> FileView:
    """Bytes `start` to `end` of a file; the file itself if that is all of it."""
    return file if start == 0 and end == file.size else SplicedView(file, [(start, end)])


def _length(piece: bytes | tuple[int, int]) -> int:
    return len(piece) if isinstance(piece, bytes) else max(0, piece[1] - piece[0])


class ViewReader(io.RawIOBase):
    """File object on a view, for libraries that need one."""

    def __init__(self, file: FileView) -> None:
        self._file, self._position = file, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, n_bytes: int = -1) -> bytes:
        """Up to `n_bytes` from the current position; all that is left if negative."""
        data = self._file.read_at(self._position, self._file.size if n_bytes < 0 else n_bytes)
        self._position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the current position; return the number of bytes read."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset`, or to the start if that is before it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Position of the next byte to read."""
        return self._position
