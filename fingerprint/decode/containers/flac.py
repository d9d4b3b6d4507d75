"""Headers of FLAC frames (RFC 9639, 9.1): whether a file ends in frames."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_non_audio, trailing_tags_start
from earwitness.fingerprint.decode.file_view import FileView

UNKNOWN_BYTES: Final = 65_536
"""Bytes before the end that are searched for a frame, if the file does not state its largest frame."""

_SYNC: Final = re.compile(rb"\xff[\xf8\xf9][^\x00-\x0f]")


def ends_in_frames(file: FileView, start: int) -> bool:
    """Whether the FLAC file that starts at `start` has a frame near its end."""
    largest = int.from_bytes(file.read_at(start + 15, 3), "big")
    end = trailing_tags_start(file, start)
    at = max(start, end - (largest or UNKNOWN_BYTES))
    tail = file.read_at(at, end - at)
    if any(is_header(tail[match.start() : match.start() + 16]) for match in _SYNC.finditer(tail)):
        return True
    return at == start or is_non_audio(file, at, end)


def is_header(head: bytes) -> bool:
    """Whether `head` begins with a frame header whose checksum is right."""
    if len(head) < 6 or head[3] & 1 or head[2] & 15 == 15 or head[3] >> 4 > 10:
        return False
    coded = 1 if head[4] < 0x80 else 8 - (head[4] ^ 0xFF).bit_length()
    size, rate = head[2] >> 4, head[2] & 15
    length = 4 + coded + {6: 1, 7: 2}.get(size, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return size > 0 and length < len(head) and _crc8(head[:length]) == head[length]


def _crc8(data: bytes) -> int:
    table, value = _table(), 0
    for byte in data:
        value = table[value ^ byte]
    return value


@lru_cache(maxsize=1)
def _table() -> tuple[int, ...]:
    """CRC-8 of every byte, polynomial x^8 + x^2 + x + 1."""
    remainders = []
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
        remainders.append(value)
    return tuple(remainders)
