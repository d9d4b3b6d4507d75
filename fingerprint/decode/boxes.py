"""MP4, Matroska, AVI and ASF files: whether they reach their stated end, and whether another file follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fingerprint.decode.chunks import MAX_CHUNKS, made_up
from fingerprint.decode.formats import Format
from fingerprint.decode.pieces import Laid, Piece
from fingerprint.decode.stored import Stored, View

OtherSound = Callable[[int], bool]
"""Whether a file that we read begins at an offset."""

TOP_BOXES: Final = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx",
     b"ssix", b"uuid", b"meta", b"emsg", b"prft", b"udta", b"pdin", b"junk", b"PICT"}
)  # fmt: skip
"""Boxes at the top of an MP4 file."""

SEGMENT: Final = 0x18538067
ASF_STREAM: Final = b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65"
ASF_SPARE_S: Final = 0.5
"""Seconds by which an ASF file may be shorter than it states."""

ASF_PROPERTIES: Final = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"


def lay_mp4(stored: Stored, start: int, other_sound: OtherSound) -> Laid:
    """The boxes of one MP4 file; where `ftyp` comes again after a `moov`, another file begins."""
    offset, seen, missing = start, set[bytes](), None
    for _count in range(MAX_CHUNKS):
        head = stored.at(offset, 16)
        if not head:
            break
        if len(head) < 8:
            missing = "the file ends inside a box header"
            break
        if b"moov" in seen and head[4:8] not in TOP_BOXES and other_sound(offset):
            return _laid(stored, start, offset, Format.M4A, None)
        if head[4:8] == b"ftyp" and {b"moov", b"mdat", b"moof"} <= seen | {b"moof"}:
            return _laid(stored, start, offset, Format.M4A, None)
        seen.add(head[4:8])
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0 says "to the end of the file"; less is damage that the decoder will meet
            break
        offset += size
        if offset > stored.size:
            name = head[4:8].decode("ascii", "replace")
            missing = f"box {name} ends {offset - stored.size:,} bytes past the end of the file"
            break
    return _laid(stored, start, stored.size, Format.M4A, missing)


def lay_webm(stored: Stored, start: int, other_sound: OtherSound) -> Laid:
    """The segment of a Matroska file, and where another file begins behind it."""
    offset, size = _element(stored, start)[1:]
    identity, offset, size = _element(stored, offset + (size or 0))
    if identity != SEGMENT or size is None:
        return _laid(stored, start, stored.size, Format.WEBM, None)
    end = offset + size
    if end > stored.size:
        missing = f"the segment ends {end - stored.size:,} bytes past the end of the file"
        return _laid(stored, start, stored.size, Format.WEBM, missing)
    return _laid(stored, start, end if other_sound(end) else stored.size, Format.WEBM, None)


def lay_avi(stored: Stored, start: int, other_sound: OtherSound) -> Laid:
    """The RIFF lists of an AVI file; large files have several."""
    offset, missing = start, None
    for _count in range(MAX_CHUNKS):
        head = stored.at(offset, 12)
        if head[:4] != b"RIFF" or head[8:12] not in (b"AVI ", b"AVIX", b"AVI\x19"):
            if offset > start and other_sound(offset):
                return _laid(stored, start, offset, Format.AVI, None)
            break
        if offset > start and head[8:12] != b"AVIX":
            return _laid(stored, start, offset, Format.AVI, None)
        size = int.from_bytes(head[4:8], "little")
        if size == 0 or made_up(size):
            break
        offset += 8 + size + size % 2
        if offset > stored.size + 1:
            missing = f"its list ends {offset - stored.size:,} bytes past the end of the file"
            break
    return _laid(stored, start, stored.size, Format.AVI, missing)


def lay_asf(stored: Stored, start: int, other_sound: OtherSound) -> Laid:
    """An ASF (Windows Media) file, which states its size unless it was broadcast."""
    head = stored.at(start, 65_536)
    place, missing, end = head.find(ASF_PROPERTIES), None, stored.size
    fields = head[place : place + 104] if place >= 0 else b""
    if len(fields) == 104 and not fields[88] & 1:
        stated = int.from_bytes(fields[40:48], "little")
        if stated > stored.size - start:
            missing = f"it ends {start + stated - stored.size:,} bytes past the end of the file"
        elif stated and other_sound(start + stated):
            end = start + stated
    laid = _laid(stored, start, end, Format.ASF, missing)
    if len(fields) < 104 or fields[88] & 1 or head.count(ASF_STREAM) != 1:
        return laid
    seconds = int.from_bytes(fields[64:72], "little") / 1e7 - int.from_bytes(fields[80:88], "little") / 1e3
    piece = replace(laid.pieces[0], expected_s=max(seconds, 0.0), spare_s=ASF_SPARE_S)
    return Laid(pieces=(piece,), end=laid.end)


def _laid(stored: Stored, start: int, end: int, format_: Format, missing: str | None) -> Laid:
    whole = start == 0 and end == stored.size
    view = stored if whole else View(stored, [(start, end)])
    return Laid(pieces=(Piece(format=format_, stored=view, missing=missing),), end=end)


def _element(stored: Stored, offset: int) -> tuple[int, int, int | None]:
    """EBML element at `offset` (RFC 8794): its id, where its data starts, their size (None: not stated)."""
    head = stored.at(offset, 16)
    if not head or not head[0]:
        return 0, offset, None
    id_bytes = 9 - head[0].bit_length()
    rest = head[id_bytes:]
    if not rest or not rest[0]:
        return 0, offset, None
    size_bytes = 9 - rest[0].bit_length()
    all_ones = (1 << 7 * size_bytes) - 1
    size = int.from_bytes(rest[:size_bytes], "big") & all_ones
    identity, data_at = int.from_bytes(head[:id_bytes], "big"), offset + id_bytes + size_bytes
    return identity, data_at, None if size == all_ones else size
