"""Read-only views of an open file by position, so that nobody's file offset moves."""

from __future__ import annotations

import io
import os


class Stored:
    """The bytes behind a file descriptor.

    Attributes
    ----------
    fd : int
        Borrowed: whoever opened it closes it.
    size : int
        Bytes in the file when this was made.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size

    def at(self, offset: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `offset`; fewer, or none, past the end."""
        return os.pread(self.fd, n_bytes, offset) if 0 <= offset < self.size else b""


class StoredFile(io.RawIOBase):
    """The same as a file object, for libraries that want one."""

    def __init__(self, stored: Stored) -> None:
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

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset`; a place before the start is the start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stored.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position
