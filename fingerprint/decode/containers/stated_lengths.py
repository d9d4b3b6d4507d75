"""Lengths stated by headers of uncompressed audio: real ones, and placeholders written to pipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.file_view import FileView

MAX_CHUNKS: Final = 10_000
"""Most chunks or boxes that are read of one file; real files have tens."""

SLACK_S: Final = 0.02
"""Tolerance in seconds on a stated length: some writers count headers and padding."""

SLACK_BYTES: Final = 256
"""The same in bytes, if that is more or the byte rate is unknown."""

PLACEHOLDERS: Final = ((0x7FFF0000, 0x800000FF), (0xFFFF0000, 0xFFFFFFFF))
"""Lengths that stand for "unknown" in 32 bits.

GStreamer writes 0x7FFF0000, sox and espeak 0x7FFFF000, arecord 0x7FFFFFFF or 0x80000000, ffmpeg 0xFFFFFFFF;
some subtract the size of their headers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataExtent:
    """Where data ends in the file.

    Attributes
    ----------
    end : int
        Offset after its last byte.
    missing_bytes : int
        Bytes of the stated length that the file does not have.
    to_the_end : bool
        Whether the data is read to the end of the file, because its stated length is larger or unknown.
    """

    end: int
    missing_bytes: int = 0
    to_the_end: bool = False


def is_placeholder(size: int, *, bits: int = 32) -> bool:
    """Whether a length stands for "unknown"."""
    if bits == 64 and (size >= 1 << 62 or size == 0):
        return True
    return any(low <= size <= high for low, high in PLACEHOLDERS)


def data_extent(file: FileView, start: int, size: int, *, bytes_per_s: float, bits: int = 32) -> DataExtent:
    """Extent of data that begins at `start` and states `size` bytes, at `bytes_per_s` bytes per second."""
    available = max(0, file.size - start)
    if size <= available:
        return DataExtent(end=start + size)
    over = size - available
    if is_placeholder(size, bits=bits):
        return DataExtent(end=file.size, to_the_end=True)
    slack = max(SLACK_S * bytes_per_s, SLACK_BYTES)
    return DataExtent(end=file.size, missing_bytes=0 if over <= slack else over, to_the_end=True)


def is_name(four: bytes) -> bool:
    """Whether four bytes can be the name of a chunk."""
    return len(four) == 4 and all(32 <= byte < 127 for byte in four)
