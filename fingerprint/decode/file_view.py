"""Read-only views of an open file by position, so that nobody's file offset moves."""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

SCAN_BYTES: Final = 1 << 20
"""Bytes read at once where a whole file is looked through."""


class FileView:
    """The bytes behind a file descriptor.

    Attributes
    ----------
    fd : int
        Borrowed: whoever opened it closes it.
    size : int
        Bytes in the file when this was made.
    is_file : bool
        Whether these are the bytes behind `fd`, from its first to its last.
    """

    is_file = True

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size

    def at(self, offset: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `offset`; fewer, or none, past the end."""
        return os.pread(self.fd, n_bytes, offset) if 0 <= offset < self.size else b""

    def find(self, pattern: re.Pattern[bytes], start: int, *, reach: int = 64) -> Iterator[int]:
        """Offsets at which `pattern` begins, from `start` on; it matches at most `reach` bytes."""
        offset, least = start, start
        while offset < self.size:
            window = self.at(offset, SCAN_BYTES + reach)
            for found in pattern.finditer(window):
                if least <= offset + found.start() < offset + SCAN_BYTES:
                    yield offset + found.start()
                    least = offset + found.end()
            offset += SCAN_BYTES


class View(FileView):
    """Bytes and stretches of another file, one after another, as if they were a file of their own.

    Parameters
    ----------
    stored : FileView
    pieces : sequence of bytes or (start, end)
        What the view holds: bytes as they are, or a stretch of `stored`.
    """

    is_file = False

    def __init__(self, stored: FileView, pieces: Sequence[bytes | tuple[int, int]]) -> None:
        self.fd, self._stored = stored.fd, stored
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._ends = list(accumulate(_length(piece) for piece in self._pieces))
        self.size = self._ends[-1] if self._ends else 0

    def at(self, offset: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `offset`; fewer, or none, past the end."""
        if not 0 <= offset < self.size:
            return b""
        found = []
        place = bisect_right(self._ends, offset)
        while n_bytes > 0 and place < len(self._pieces):
            piece = self._pieces[place]
            first = offset - (self._ends[place] - _length(piece))
            if isinstance(piece, bytes):
                data = piece[first : first + n_bytes]
            else:
                data = self._stored.at(piece[0] + first, min(n_bytes, piece[1] - piece[0] - first))
            if not data:
                break  # the file has become shorter
            found.append(data)
            offset += len(data)
            n_bytes -= len(data)
            place = bisect_right(self._ends, offset)
        return found[0] if len(found) == 1 else b"".join(found)


def _length(piece: bytes | tuple[int, int]) -> int:
    return len(piece) if isinstance(piece, bytes) else max(0, piece[1] - piece[0])


class ViewFile(io.RawIOBase):
    """The same as a file object, for libraries that want one."""

    def __init__(self, stored: FileView) -> None:
        self._stored, self._position = stored, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought in."""
        return True

    def read(self, n_bytes: int = -1) -> bytes:
        """Up to `n_bytes` from here on."""
        wanted = self._stored.size if n_bytes < 0 else n_bytes
        found = self._stored.at(self._position, wanted)
        self._position += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from here on; returns the bytes read."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset`; a place before the start is the start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stored.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position
