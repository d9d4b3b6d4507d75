"""The sampling rate that an audio file's first bytes state; needed where a manifest counts in samples."""

from __future__ import annotations

import struct
from typing import Final

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.item_errors import ItemRefused

_HEAD_BYTES: Final = 1 << 16
_MPEG_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def own_rate(place: Location) -> float | None:
    """The sampling rate in Hz of a WAV, FLAC, Ogg, AIFF or MP3 file; None where its head states none."""
    try:
        with place.open() as stream:
            head = stream.read(_HEAD_BYTES)
            if head.startswith(b"ID3") and len(head) >= 10:
                # each byte of a tag's size holds 7 bits
                stream.seek(
                    10
                    + sum(
                        (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
                    )
                )
                head = stream.read(_HEAD_BYTES)
    except (OSError, ValueError, ItemRefused):
        return None
    return rate_of(head)


def rate_of(head: bytes) -> float | None:
    """The sampling rate in Hz that these first bytes state (MP3: after the tag); None for none."""
    try:
        rate = _rate(head)
    except struct.error:
        return None
    return rate if rate is not None and 1_000 <= rate <= 1_000_000 else None


def _rate(head: bytes) -> float | None:
    if head[:4] in {b"RIFF", b"RF64"} and (at := head.find(b"fmt ")) > 0:
        return float(struct.unpack_from("<I", head, at + 12)[0])
    if head.startswith(b"fLaC"):
        return float(int.from_bytes(head[18:21], "big") >> 4)
    if head.startswith(b"OggS"):
        return _ogg_rate(head)
    if head.startswith(b"FORM") and (at := head.find(b"COMM")) > 0:
        exponent, mantissa = struct.unpack_from(">HQ", head, at + 16)
        return (
            float(mantissa) * 2.0 ** ((exponent & 0x7FFF) - 16_383 - 63)
            if exponent & 0x7FFF < 16_450
            else None
        )
    return _mpeg_rate(head)


def _ogg_rate(head: bytes) -> float | None:
    if (at := head.find(b"\x01vorbis")) > 0:
        return float(struct.unpack_from("<I", head, at + 12)[0])
    if (at := head.find(b"OpusHead")) > 0:  # decoders give Opus at 48 kHz
        return 48_000.0
    return None


def _mpeg_rate(head: bytes) -> float | None:
    if head[4:8] == b"ftyp" or head.startswith((b"\x1aE\xdf\xa3", b"PK")):
        return None  # containers of other codecs
    at = head.find(b"\xff")
    while 0 <= at < len(head) - 4:
        version, layer = (head[at + 1] >> 3) & 3, (head[at + 1] >> 1) & 3
        number = (head[at + 2] >> 2) & 3
        plausible = (
            head[at + 1] & 0xE0 == 0xE0 and version != 1 and layer and head[at + 2] >> 4 not in {0, 15}
        )
        if plausible and number != 3:
            return float(_MPEG_RATES[version][number])
        at = head.find(b"\xff", at + 1)
    return None
