"""AIFF, AU, CAF and Wave64 files: where their sound really ends."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from earwitness.fingerprint.decode.containers.riff import lay_wav
from earwitness.fingerprint.decode.containers.stated_lengths import MAX_CHUNKS, Sized, sized
from earwitness.fingerprint.decode.file_view import FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

OtherSound = Callable[[int], bool]

AIFF_PCM: Final = (b"NONE", b"twos", b"sowt", b"raw ", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32")
AU_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
"""Bytes of a sample by the encoding that an AU header states."""

W64_WAVE: Final = b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def lay_aiff(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
    """The sound chunk of an AIFF or AIFF-C file."""
    offset, common, common_at = start + 12, b"", 0
    for _ in range(MAX_CHUNKS):
        head = stored.at(offset, 8)
        if len(head) < 8:
            break
        size: int = struct.unpack(">I", head[4:])[0]
        if head[:4] == b"COMM":
            common, common_at = stored.at(offset + 8, min(size, 1_024)), offset + 8
        if head[:4] == b"SSND":
            return _aiff_sound(stored, start, (offset, size), (common, common_at), other_sound)
        offset += 8 + size + size % 2
    return FileLayout(
        pieces=(_whole(stored, start, Format.AIFF, "the sound chunk is missing"),), end=stored.size
    )


def _aiff_sound(
    stored: FileView, start: int, chunk: tuple[int, int], common: tuple[bytes, int], other_sound: OtherSound
) -> FileLayout:
    (offset, size), (fields, _) = chunk, common
    frame = _aiff_frame(fields)
    bytes_s = frame * _extended(fields[8:18]) if frame else 0.0
    found = sized(stored, offset + 8, size or 0xFFFFFFFF, bytes_s=bytes_s)
    end = found.end + (found.end - offset) % 2 if not found.to_the_end else found.end
    laid_end = end if other_sound(end) else stored.size
    expected_s = (found.end - offset - 16) / bytes_s if bytes_s else None
    piece = Piece(format=Format.AIFF, stored=stored, expected_s=expected_s)
    n_frames = int.from_bytes(fields[2:6], "big")
    right = not found.to_the_end and (not frame or abs(n_frames * frame - (size - 8)) < max(frame, 2))
    if right:
        whole = start == 0 and laid_end == stored.size
        piece = replace(piece, stored=stored if whole else View(stored, [(start, laid_end)]))
        return FileLayout(pieces=(piece,), end=laid_end)
    n_bytes = found.end - offset - 8
    if frame:
        fields = fields[:2] + struct.pack(">I", max(0, n_bytes - 8) // frame & 0xFFFFFFFF) + fields[6:]
    comm = b"COMM" + struct.pack(">I", len(fields)) + fields + b"\0" * (len(fields) % 2)
    kind, version = stored.at(start + 8, 4), b""
    if kind == b"AIFC":
        version = b"FVER\0\0\0\x04\xa2\x80\x51\x40"
    ssnd = b"SSND" + struct.pack(">I", n_bytes & 0xFFFFFFFF)
    total = 4 + len(version) + len(comm) + len(ssnd) + n_bytes
    header = b"FORM" + struct.pack(">I", total & 0xFFFFFFFF) + kind + version + comm + ssnd
    view = View(stored, [header, (offset + 8, found.end)])
    return FileLayout(pieces=(_cut(replace(piece, stored=view), found, bytes_s),), end=laid_end)


def _aiff_frame(fields: bytes) -> int:
    """Bytes of one frame; 0 where the samples are compressed."""
    if len(fields) < 18 or (len(fields) >= 22 and fields[18:22] not in AIFF_PCM):
        return 0
    channels, bits = struct.unpack(">H", fields[:2])[0], struct.unpack(">H", fields[6:8])[0]
    return int(channels * ((bits + 7) // 8))


def _extended(ten: bytes) -> float:
    """The number of an 80-bit float."""
    power = int.from_bytes(ten[:2], "big") & 0x7FFF
    return (
        float(int.from_bytes(ten[2:10], "big")) * 2.0 ** (power - 16_446) if 16_383 <= power < 16_420 else 0.0
    )


def lay_au(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
    """A Sun or NeXT file: a header, and sound to the end."""
    head = stored.at(start, 24)
    if len(head) < 24:
        return FileLayout(
            pieces=(_whole(stored, start, Format.AU, "the file ends inside its header"),), end=stored.size
        )
    order = ">" if head[:4] == b".snd" else "<"
    data, size, encoding, rate_hz, channels = struct.unpack(f"{order}IIIII", head[4:])
    bytes_s = float(AU_BYTES.get(encoding, 0) * rate_hz * channels)
    found = sized(stored, start + data, size or 0xFFFFFFFF, bytes_s=bytes_s)
    end = found.end if other_sound(found.end) else stored.size
    header = head[:8] + struct.pack(f"{order}I", (end - start - data) & 0xFFFFFFFF) + head[12:]
    view = View(stored, [header, (start + 24, end)])
    expected_s = (end - start - data) / bytes_s if bytes_s and end > start + data else None
    piece = Piece(format=Format.AU, stored=view, expected_s=expected_s)
    return FileLayout(pieces=(_cut(piece, found, bytes_s),), end=end)


def lay_caf(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
    """The data chunk of a Core Audio file."""
    offset, bytes_s = start + 8, 0.0
    for _ in range(MAX_CHUNKS):
        head = stored.at(offset, 12)
        if len(head) < 12:
            break
        size: int = struct.unpack(">q", head[4:])[0]
        if head[:4] == b"desc":
            fields = stored.at(offset + 12, 32)
            if len(fields) == 32:
                rate_hz, kind, _, packet, per_packet, _, _ = struct.unpack(">d4sIIIII", fields)
                if kind in (b"lpcm", b"alaw", b"ulaw") and 0 < rate_hz < 1e7 and per_packet == 1:
                    bytes_s = rate_hz * packet
        if head[:4] == b"data":
            found = sized(stored, offset + 12, (1 << 63) - 1 if size <= 0 else size, bytes_s=bytes_s, bits=64)
            end = found.end if other_sound(found.end) else stored.size
            real = struct.pack(">q", found.end - offset - 12)
            view = View(stored, [(start, offset + 4), real, (offset + 12, end)])
            whole = start == 0 and not found.to_the_end and end == stored.size
            expected_s = (found.end - offset - 16) / bytes_s if bytes_s else None
            piece = Piece(format=Format.CAF, stored=stored if whole else view, expected_s=expected_s)
            return FileLayout(pieces=(_cut(piece, found, bytes_s),), end=end)
        if size < 0:
            break
        offset += 12 + size
    return FileLayout(
        pieces=(_whole(stored, start, Format.CAF, "the data chunk is missing"),), end=stored.size
    )


def lay_w64(stored: FileView, start: int, other_sound: OtherSound) -> FileLayout:
    """A Wave64 file, read as the WAV file that it would be."""
    offset, head = start + 40, b""
    fmt = b""
    for _ in range(MAX_CHUNKS):
        head = stored.at(offset, 24)
        if len(head) < 24:
            break
        size = int.from_bytes(head[16:24], "little") - 24
        if head[:4] == b"fmt ":
            fmt = stored.at(offset + 24, min(max(size, 0), 65_536))
        if head[:4] == b"data":
            there = stored.size - offset - 24
            stated = size if 0 < size < 0xFFFFFF00 else 0xFFFFFFFF
            end = offset + 24 + min(there, size) if size > 0 else stored.size
            end = end if other_sound(-(-end // 8) * 8) else stored.size
            header = b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data"
            view = View(stored, [header + struct.pack("<I", stated), (offset + 24, end)])
            laid = lay_wav(view, 0, lambda _: False)
            return FileLayout(pieces=laid.pieces, end=-(-end // 8) * 8 if end < stored.size else end)
        if size < 0:
            break
        offset += 24 + -(-size // 8) * 8
    return FileLayout(
        pieces=(_whole(stored, start, Format.W64, "the data chunk is missing"),), end=stored.size
    )


def _whole(stored: FileView, start: int, format_: Format, missing: str) -> Piece:
    view = stored if start == 0 else View(stored, [(start, stored.size)])
    return Piece(format=format_, stored=view, missing=missing)


def _cut(piece: Piece, found: Sized, bytes_s: float) -> Piece:
    if not found.missing_bytes:
        return piece
    words = f"the sound ends {found.missing_bytes:,} bytes past the end of the file"
    return replace(piece, missing=words, missing_s=found.missing_bytes / bytes_s if bytes_s else 0.0)
