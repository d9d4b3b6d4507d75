"""Frame headers of MPEG audio (ISO 11172-3, 2.4.2.3) and ADTS (ISO 13818-7, 6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView

_KBIT: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by (1 for MPEG-1, 2 for MPEG-2 and 2.5) and layer."""

_RATE_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sample rates by the version bits: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5."""

_ADTS_RATE_HZ: Final = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000),
    *(22_050, 16_000, 12_000, 11_025, 8_000, 7_350),
)
"""Sample rates by ADTS's index."""

HEADER_BYTES: Final = 7
"""Bytes of the longer of the two headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Fields of a frame header.

    Attributes
    ----------
    kind : tuple of int
        Fields that are constant within a stream: version, layer, sample rate and whether it is mono.
    side_bytes : int
        Bytes of header and side information: offset of a Xing tag in layer III.
    """

    n_bytes: int
    n_samples: int
    rate_hz: int
    kind: tuple[int, ...]
    side_bytes: int = 0


def mp3_frame(header: bytes) -> Frame | None:
    """Parse a header of MPEG audio, four bytes; None if they are no header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    if version == 1 or layer == 4 or header[2] >> 4 in (0, 15) or header[2] >> 2 & 3 == 3:
        return None
    first = version == 3
    bits_per_s = 1_000 * _KBIT[1 if first else 2, layer][header[2] >> 4]
    rate_hz, padding = _RATE_HZ[version][header[2] >> 2 & 3], header[2] >> 1 & 1
    n_samples = 384 if layer == 1 else 576 if layer == 3 and not first else 1_152
    slot_bytes = 4 if layer == 1 else 1
    n_bytes = (n_samples // 8 // slot_bytes * bits_per_s // rate_hz + padding) * slot_bytes
    mono = header[3] >> 6 == 3
    side_bytes = 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    kind = (header[1] & 0xFE, header[2] & 0x0C, int(mono))
    return Frame(n_bytes=n_bytes, n_samples=n_samples, rate_hz=rate_hz, side_bytes=side_bytes, kind=kind)


def adts_frame(header: bytes) -> Frame | None:
    """Parse a header of ADTS, seven bytes; None if they are no header."""
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    n_bytes = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    rate, n_samples = header[2] >> 2 & 15, 1_024 * (1 + (header[6] & 3))
    if rate >= len(_ADTS_RATE_HZ) or n_bytes < HEADER_BYTES:
        return None
    kind = (header[1] & 0xFE, header[2] & 0xFD, header[3] & 0xC0)
    return Frame(n_bytes=n_bytes, n_samples=n_samples, rate_hz=_ADTS_RATE_HZ[rate], kind=kind)


def frame_at(file: FileView, offset: int, *, adts: bool) -> Frame | None:
    """The frame whose header is at `offset`, or None."""
    header = file.read_at(offset, HEADER_BYTES)
    return adts_frame(header) if adts else mp3_frame(header)


def find_frames(file: FileView, start: int, reach: int, *, adts: bool, n_consecutive: int = 3) -> int | None:
    """Offset of the first of `n_consecutive` frames within ``[start, start + reach)``, or None.

    A single header often occurs by chance; several at the right distances hardly ever do.
    """
    for position in _headers(file, start, reach, adts=adts):
        if frames_at(file, position, n_consecutive, adts=adts):
            return position
    return None


_SYNC: Final = {
    True: re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"),
    False: re.compile(rb"\xff[\xe2-\xff][^\xf0-\xff]"),
}
"""First bytes of a header, by whether it is ADTS."""


def _headers(file: FileView, start: int, reach: int, *, adts: bool) -> Iterator[int]:
    parse = adts_frame if adts else mp3_frame
    for offset in range(start, start + reach, SCAN_BYTES):
        n_bytes = min(SCAN_BYTES, start + reach - offset)
        window = file.read_at(offset, n_bytes + HEADER_BYTES)
        for match in _SYNC[adts].finditer(window, 0, n_bytes + 2):
            if match.start() < n_bytes and parse(window[match.start() : match.start() + HEADER_BYTES]):
                yield offset + match.start()


def frames_at(file: FileView, offset: int, n_consecutive: int, *, adts: bool) -> bool:
    """Whether `n_consecutive` frames of one kind begin at `offset`; one less at the end of the file."""
    kinds = set()
    for count in range(n_consecutive):
        if offset == file.size and count and count == n_consecutive - 1:
            break
        frame = frame_at(file, offset, adts=adts)
        if frame is None:
            return False
        kinds.add(frame.kind)
        offset += frame.n_bytes
    return len(kinds) == 1
