"""MP4, Matroska, AVI and ASF files: whether they reach their stated end, and whether another file follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from earwitness.fingerprint.decode.containers.matroska_elements import (
    SEGMENT,
    element,
    walk_segment,
)
from earwitness.fingerprint.decode.containers.stated_lengths import MAX_CHUNKS, made_up
from earwitness.fingerprint.decode.file_view import FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

OtherSound = Callable[[int], bool]
"""Whether a file that we read begins at an offset."""

TOP_BOXES: Final = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx",
     b"ssix", b"uuid", b"meta", b"emsg", b"prft", b"udta", b"pdin", b"junk", b"PICT"}
)  # fmt: skip
"""Boxes at the top of an MP4 file."""

ASF_STREAM: Final = b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65"
ASF_SPARE_S: Final = 0.5
"""Seconds by which an ASF file may be shorter than it states."""

ASF_DATA_BYTES: Final = 50
"""Bytes of an ASF data object before its first packet."""

ASF_PACKET: Final = b"\x82\x00\x00"
"""How a packet with an error correction field of two bytes begins; writers use it in all or none."""

ASF_PROPERTIES: Final = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"


def lay_mp4(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
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


def lay_webm(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
    """The segment of a Matroska file, and where another file begins behind it."""
    head_bytes, size = element(stored.at(start, 16))[1:]
    at = start + head_bytes + (size or 0)
    identity, head_bytes, size = element(stored.at(at, 16))
    if identity != SEGMENT:
        return _laid(stored, start, stored.size, Format.WEBM, None)
    first = at + head_bytes
    end = stored.size if size is None else min(first + size, stored.size)
    walked = walk_segment(stored, first, end)
    missing = None
    if walked.lost_bytes:
        missing = f"{walked.lost_bytes:,} bytes in it are damaged"
    elif size is not None and first + size > stored.size:
        missing = f"the segment ends {first + size - stored.size:,} bytes past the end of the file"
    elif walked.torn:
        missing = "its last element is cut off"
    end = walked.end if other_sound(walked.end) else stored.size
    laid = _laid(stored, start, end, Format.WEBM, missing)
    piece = replace(laid.pieces[0], at_end=not walked.lost_bytes)
    return FileLayout(pieces=(piece,), end=laid.end)


def lay_avi(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
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


def lay_asf(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
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
    damaged = _damaged_packets(stored, start, fields)
    if damaged and missing is None:
        missing = f"{damaged:,} packets in it are damaged"
    laid = _laid(stored, start, end, Format.ASF, missing)
    if damaged:
        laid = FileLayout(pieces=(replace(laid.pieces[0], at_end=False),), end=laid.end)
    if len(fields) < 104 or fields[88] & 1 or head.count(ASF_STREAM) != 1:
        return laid
    seconds = int.from_bytes(fields[64:72], "little") / 1e7 - int.from_bytes(fields[80:88], "little") / 1e3
    piece = replace(laid.pieces[0], expected_s=max(seconds, 0.0), spare_s=ASF_SPARE_S)
    return FileLayout(pieces=(piece,), end=laid.end)


def _damaged_packets(stored: FileView, start: int, fields: bytes) -> int:
    """Packets of an ASF file that do not begin as all do that have an error correction field of two bytes."""
    n_bytes = int.from_bytes(fields[92:96], "little") if len(fields) == 104 else 0
    data = start + int.from_bytes(stored.at(start + 16, 8), "little")
    n_packets = int.from_bytes(stored.at(data + 40, 8), "little")
    first = data + ASF_DATA_BYTES
    if n_bytes < 64 or fields[96:100] != fields[92:96] or stored.at(first, 3) != ASF_PACKET:
        return 0
    there = min(n_packets, (stored.size - first) // n_bytes)
    return sum(stored.at(first + number * n_bytes, 3) != ASF_PACKET for number in range(there))


def _laid(stored: FileView, start: int, end: int, format_: Format, missing: str | None) -> FileLayout:
    whole = start == 0 and end == stored.size
    view = stored if whole else View(stored, [(start, end)])
    return FileLayout(pieces=(Piece(format=format_, stored=view, missing=missing),), end=end)
