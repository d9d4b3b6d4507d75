"""Lengths that headers state of uncompressed sound: which are meant, and which a writer to a pipe made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.file_view import FileView

MAX_CHUNKS: Final = 10_000
"""Chunks or boxes looked at before giving up; real files have tens."""

SLACK_S: Final = 0.02
"""A stated length may be too long by this much: writers count headers and padding, too."""

SLACK_BYTES: Final = 256
"""The same in bytes, where that is more, or the rate is not known."""

MADE_UP: Final = ((0x7FFF0000, 0x800000FF), (0xFFFF0000, 0xFFFFFFFF))
"""Lengths that stand for "unknown" in 32 bits.

GStreamer writes 0x7FFF0000, sox and espeak 0x7FFFF000, arecord 0x7FFFFFFF or 0x80000000, ffmpeg 0xFFFFFFFF;
some take their headers off.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """Where some data really ends.

    Attributes
    ----------
    end : int
        Offset behind its last byte in the file.
    missing_bytes : int
        What is missing of a length that is meant.
    to_the_end : bool
        Whether it is taken to go on to the file's end, whatever was stated.
    """

    end: int
    missing_bytes: int = 0
    to_the_end: bool = False


def made_up(size: int, *, bits: int = 32) -> bool:
    """Whether a length stands for "unknown"."""
    if bits == 64 and (size >= 1 << 62 or size == 0):
        return True
    return any(low <= size <= high for low, high in MADE_UP)


def sized(stored: FileView, start: int, size: int, *, bytes_s: float, bits: int = 32) -> Sized:
    """Where data of a stated length ends that begins at `start`, being `bytes_s` bytes a second."""
    there = max(0, stored.size - start)
    if size <= there:
        return Sized(end=start + size)
    over = size - there
    if made_up(size, bits=bits):
        return Sized(end=stored.size, to_the_end=True)
    slack = max(SLACK_S * bytes_s, SLACK_BYTES)
    return Sized(end=stored.size, missing_bytes=0 if over <= slack else over, to_the_end=True)


def is_name(four: bytes) -> bool:
    """Whether four bytes may be the name of a chunk."""
    return len(four) == 4 and all(32 <= byte < 127 for byte in four)
