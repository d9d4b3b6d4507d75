"""MP4 and Matroska files: whether they reach the end that they state, and whether another one follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fingerprint.decode.chunks import MAX_CHUNKS
from fingerprint.decode.formats import Format
from fingerprint.decode.pieces import Laid, Piece
from fingerprint.decode.stored import Stored, View

SEGMENT: Final = 0x18538067
EBML: Final = b"\x1aE\xdf\xa3"


def lay_mp4(stored: Stored, start: int, _: Callable[[int], bool]) -> Laid:
    """The boxes of one MP4 file; where `ftyp` comes again after a `moov`, another file begins."""
    offset, seen, missing = start, set[bytes](), None
    for _count in range(MAX_CHUNKS):
        head = stored.at(offset, 16)
        if not head:
            break
        if len(head) < 8:
            missing = "the file ends inside a box header"
            break
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


def lay_webm(stored: Stored, start: int, _: Callable[[int], bool]) -> Laid:
    """The segment of a Matroska file, and where another file begins behind it."""
    offset, size = _element(stored, start)[1:]
    identity, offset, size = _element(stored, offset + (size or 0))
    if identity != SEGMENT or size is None:
        return _laid(stored, start, stored.size, Format.WEBM, None)
    end = offset + size
    if end > stored.size:
        missing = f"the segment ends {end - stored.size:,} bytes past the end of the file"
        return _laid(stored, start, stored.size, Format.WEBM, missing)
    follows = stored.at(end, 4) == EBML
    return _laid(stored, start, end if follows else stored.size, Format.WEBM, None)


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
