"""Unpacks gzip, bzip2, xz and zstandard while reading: in blocks of limited size, stream after stream."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from earwitness.api.datasets.access.byte_streams import Counted, Readable, Unpacked
from earwitness.api.datasets.items import SourceLimits

MEMORY_BYTES: Final = 1 << 28
"""Memory of one unpacker; an xz stream may state any dictionary size."""
_INPUT_BYTES: Final = 1 << 16

PACKINGS: Final = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}
"""First bytes of compressed files, and the name of the compression."""


def compression_of(head: bytes) -> str | None:
    """Name the compression of a file from its first bytes; None when it is not compressed."""
    return next((name for magic, name in PACKINGS.items() if head.startswith(magic)), None)


def packing_of(head: bytes) -> str | None:
    """Name the reader of a compressed tar (``tar.gz``) from its first bytes; None when not compressed."""
    compression = compression_of(head)
    return None if compression is None else f"tar.{compression}"


def unpacker(stream: BinaryIO, *, compression: str, name: str, limits: SourceLimits) -> Unpacked:
    """Open the unpacked bytes of a compressed file, within the limits on ratio and total."""
    packed = Counted(stream)
    return Unpacked(packed=packed, plain=UNPACKERS[compression](packed), name=name, limits=limits)


class Unpacking(Protocol):
    """A decompressor of the standard library with a limit on its output."""

    @property
    def eof(self) -> bool:
        """Whether its stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it needs more packed bytes to return anything."""

    @property
    def unused_data(self) -> bytes:
        """Packed bytes after the end of the stream."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack up to ``max_length`` bytes."""


class Streams:
    """Successive streams of one compression, with or without zeros between them.

    Raises
    ------
    EOFError, OSError, lzma.LZMAError
        When a stream ends early, is damaged, or is followed by something else.
    """

    def __init__(self, packed: Readable, begin: Callable[[], Unpacking]) -> None:
        self._packed, self._begin, self._current = packed, begin, begin()

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; empty at the end of the last stream."""
        while True:
            data = b""
            if self._current.eof:
                data = self._next(self._current.unused_data)
                if not data:
                    return b""
                self._current = self._begin()
            elif self._current.needs_input and not (data := self._packed.read(_INPUT_BYTES)):
                raise EOFError("the compressed stream ends early")
            if plain := self._current.decompress(data, n):
                return plain

    def _next(self, rest: bytes) -> bytes:
        """The first bytes of the next stream; empty where none follows."""
        while not (rest := rest.lstrip(b"\0")):
            if not (rest := self._packed.read(_INPUT_BYTES)):
                return b""
        return rest


def _gzip(packed: Counted) -> Readable:
    # a stream without seek is enough: gzip seeks only to rewind
    file: Readable = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]
    return file


def _bzip2(packed: Counted) -> Readable:
    return Streams(packed, bz2.BZ2Decompressor)


def _xz(packed: Counted) -> Readable:
    return Streams(packed, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES))


class _Zstd:
    def __init__(self, packed: Counted) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        plain = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._stream = plain.stream_reader(packed, read_across_frames=True)  # type: ignore[arg-type]

    def read(self, n: int, /) -> bytes:
        try:
            return self._stream.read(n)
        except self._error as error:
            raise OSError(str(error)) from error


UNPACKERS: Final[dict[str, Callable[[Counted], Readable]]] = {
    "gz": _gzip,
    "bz2": _bzip2,
    "xz": _xz,
    "zst": _Zstd,
}
"""The unpacker of each compression; raises `OSError`, `EOFError` or `lzma.LZMAError` on damage."""
