"""Parsers of MP4, Matroska, AVI and ASF files: whether they are complete, and where the next file begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from earwitness.fingerprint.decode.containers.matroska_elements import (
    SEGMENT,
    element,
    walk_segment,
)
from earwitness.fingerprint.decode.containers.stated_lengths import MAX_CHUNKS, is_placeholder
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, StartsFile, single_piece

TOP_BOXES: Final = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx",
     b"ssix", b"uuid", b"meta", b"emsg", b"prft", b"udta", b"pdin", b"junk", b"PICT"}
)  # fmt: skip
"""Boxes at the top level of an MP4 file."""

ASF_STREAM: Final = b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65"
ASF_SPARE_S: Final = 0.5
"""Tolerance in seconds on the duration that an ASF file states."""

ASF_DATA_BYTES: Final = 50
"""Bytes of an ASF data object before its first packet."""

ASF_PACKET: Final = b"\x82\x00\x00"
"""First bytes of a packet with an error correction field of two bytes: all packets of a file, or none."""

ASF_PROPERTIES: Final = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"


def parse_mp4(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Step over the boxes of one MP4 file; a second `ftyp` after a `moov` begins the next file."""
    offset, seen, missing = start, set[bytes](), None
    for _count in range(MAX_CHUNKS):
        head = file.read_at(offset, 16)
        if not head:
            break
        if len(head) < 8:
            missing = "the file ends inside a box header"
            break
        if b"moov" in seen and head[4:8] not in TOP_BOXES and starts_file(offset):
            return single_piece(file, start, offset, Format.M4A)
        if head[4:8] == b"ftyp" and {b"moov", b"mdat", b"moof"} <= seen | {b"moof"}:
            return single_piece(file, start, offset, Format.M4A)
        seen.add(head[4:8])
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0 means to the end of the file; less is damage, which the decoder reports
            break
        offset += size
        if offset > file.size:
            name = head[4:8].decode("ascii", "replace")
            missing = f"box {name} ends {offset - file.size:,} bytes past the end of the file"
            break
    return single_piece(file, start, file.size, Format.M4A, missing)


def parse_webm(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Walk through the segment of a Matroska file, up to the next file."""
    head_bytes, size = element(file.read_at(start, 16))[1:]
    at = start + head_bytes + (size or 0)
    identity, head_bytes, size = element(file.read_at(at, 16))
    if identity != SEGMENT:
        return single_piece(file, start, file.size, Format.WEBM)
    first = at + head_bytes
    end = file.size if size is None else min(first + size, file.size)
    walked = walk_segment(file, first, end)
    missing = None
    if walked.lost_bytes:
        missing = f"{walked.lost_bytes:,} bytes in it are damaged"
    elif size is not None and first + size > file.size:
        missing = f"the segment ends {first + size - file.size:,} bytes past the end of the file"
    elif walked.truncated:
        missing = "its last element is incomplete"
    end = walked.end if starts_file(walked.end) else file.size
    return single_piece(file, start, end, Format.WEBM, missing, at_end=not walked.lost_bytes)


def parse_avi(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Step over the RIFF lists of an AVI file; large files have several."""
    offset, missing = start, None
    for _count in range(MAX_CHUNKS):
        head = file.read_at(offset, 12)
        if head[:4] != b"RIFF" or head[8:12] not in (b"AVI ", b"AVIX", b"AVI\x19"):
            if offset > start and starts_file(offset):
                return single_piece(file, start, offset, Format.AVI)
            break
        if offset > start and head[8:12] != b"AVIX":
            return single_piece(file, start, offset, Format.AVI)
        size = int.from_bytes(head[4:8], "little")
        if size == 0 or is_placeholder(size):
            break
        offset += 8 + size + size % 2
        if offset > file.size + 1:
            missing = f"its list ends {offset - file.size:,} bytes past the end of the file"
            break
    return single_piece(file, start, file.size, Format.AVI, missing)


def parse_asf(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Read the stated size and duration of an ASF (Windows Media) file, which broadcast files lack."""
    head = file.read_at(start, 65_536)
    position, missing, end = head.find(ASF_PROPERTIES), None, file.size
    fields = head[position : position + 104] if position >= 0 else b""
    if len(fields) == 104 and not fields[88] & 1:
        stated = int.from_bytes(fields[40:48], "little")
        if stated > file.size - start:
            missing = f"it ends {start + stated - file.size:,} bytes past the end of the file"
        elif stated and starts_file(start + stated):
            end = start + stated
    damaged = _damaged_packets(file, start, fields)
    if damaged and missing is None:
        missing = f"{damaged:,} packets in it are damaged"
    layout = single_piece(file, start, end, Format.ASF, missing, at_end=not damaged)
    if len(fields) < 104 or fields[88] & 1 or head.count(ASF_STREAM) != 1:
        return layout
    seconds = int.from_bytes(fields[64:72], "little") / 1e7 - int.from_bytes(fields[80:88], "little") / 1e3
    piece = replace(layout.pieces[0], expected_s=max(seconds, 0.0), tolerance_s=ASF_SPARE_S)
    return FileLayout(pieces=(piece,), end=layout.end)


def _damaged_packets(file: FileView, start: int, fields: bytes) -> int:
    """Count the packets that lack the error correction field of two bytes which the first one has."""
    n_bytes = int.from_bytes(fields[92:96], "little") if len(fields) == 104 else 0
    data = start + int.from_bytes(file.read_at(start + 16, 8), "little")
    n_packets = int.from_bytes(file.read_at(data + 40, 8), "little")
    first = data + ASF_DATA_BYTES
    if n_bytes < 64 or fields[96:100] != fields[92:96] or file.read_at(first, 3) != ASF_PACKET:
        return 0
    available = min(n_packets, (file.size - first) // n_bytes)
    return sum(file.read_at(first + number * n_bytes, 3) != ASF_PACKET for number in range(available))
