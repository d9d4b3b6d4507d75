"""Parsers of AIFF, AU, CAF and Wave64 files: where their audio data ends."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

from earwitness.fingerprint.decode.containers.riff import parse_wav
from earwitness.fingerprint.decode.containers.stated_lengths import MAX_CHUNKS, DataExtent, data_extent
from earwitness.fingerprint.decode.file_view import FileView, SplicedView, section
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile, single_piece

AIFF_PCM: Final = (b"NONE", b"twos", b"sowt", b"raw ", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32")
AU_SAMPLE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
"""Bytes of a sample by the encoding in an AU header."""


def parse_aiff(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Find the sound chunk of an AIFF or AIFF-C file."""
    offset, common = start + 12, b""
    for _ in range(MAX_CHUNKS):
        head = file.read_at(offset, 8)
        if len(head) < 8:
            break
        size: int = struct.unpack(">I", head[4:])[0]
        if head[:4] == b"COMM":
            common = file.read_at(offset + 8, min(size, 1_024))
        if head[:4] == b"SSND":
            return _aiff_sound(file, start, (offset, size), common, starts_file)
        offset += 8 + size + size % 2
    return single_piece(file, start, file.size, Format.AIFF, "the sound chunk is missing")


def _aiff_sound(
    file: FileView, start: int, chunk: tuple[int, int], fields: bytes, starts_file: StartsFile
) -> FileLayout:
    """Layout of a file whose SSND chunk is at (offset, size); `fields` is the COMM chunk."""
    offset, size = chunk
    frame = _aiff_frame(fields)
    bytes_per_s = frame * _extended(fields[8:18]) if frame else 0.0
    extent = data_extent(file, offset + 8, size or 0xFFFFFFFF, bytes_per_s=bytes_per_s)
    end = extent.end + (extent.end - offset) % 2 if not extent.to_the_end else extent.end
    layout_end = end if starts_file(end) else file.size
    expected_s = (extent.end - offset - 16) / bytes_per_s if bytes_per_s else None
    piece = Piece(format=Format.AIFF, file=file, expected_s=expected_s)
    n_frames = int.from_bytes(fields[2:6], "big")
    consistent = not frame or abs(n_frames * frame - (size - 8)) < max(frame, 2)
    if consistent and not extent.to_the_end:
        piece = replace(piece, file=section(file, start, layout_end))
        return FileLayout(pieces=(piece,), end=layout_end)
    n_bytes = extent.end - offset - 8
    if frame:
        fields = fields[:2] + struct.pack(">I", max(0, n_bytes - 8) // frame & 0xFFFFFFFF) + fields[6:]
    comm = b"COMM" + struct.pack(">I", len(fields)) + fields + b"\0" * (len(fields) % 2)
    kind, version = file.read_at(start + 8, 4), b""
    if kind == b"AIFC":
        version = b"FVER\0\0\0\x04\xa2\x80\x51\x40"
    ssnd = b"SSND" + struct.pack(">I", n_bytes & 0xFFFFFFFF)
    total = 4 + len(version) + len(comm) + len(ssnd) + n_bytes
    header = b"FORM" + struct.pack(">I", total & 0xFFFFFFFF) + kind + version + comm + ssnd
    view = SplicedView(file, [header, (offset + 8, extent.end)])
    return FileLayout(pieces=(_marked(replace(piece, file=view), extent, bytes_per_s),), end=layout_end)


def _aiff_frame(fields: bytes) -> int:
    """Bytes of one frame; 0 if the samples are compressed."""
    if len(fields) < 18 or (len(fields) >= 22 and fields[18:22] not in AIFF_PCM):
        return 0
    channels, bits = struct.unpack(">H", fields[:2])[0], struct.unpack(">H", fields[6:8])[0]
    return int(channels * ((bits + 7) // 8))


def _extended(data: bytes) -> float:
    """Value of an 80-bit extended float."""
    power = int.from_bytes(data[:2], "big") & 0x7FFF
    return (
        float(int.from_bytes(data[2:10], "big")) * 2.0 ** (power - 16_446)
        if 16_383 <= power < 16_420
        else 0.0
    )


def parse_au(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Read the header of a Sun or NeXT file; audio data follows it to the end."""
    head = file.read_at(start, 24)
    if len(head) < 24:
        return single_piece(file, start, file.size, Format.AU, "the file ends inside its header")
    order = ">" if head[:4] == b".snd" else "<"
    data, size, encoding, rate_hz, channels = struct.unpack(f"{order}IIIII", head[4:])
    bytes_per_s = float(AU_SAMPLE_BYTES.get(encoding, 0) * rate_hz * channels)
    extent = data_extent(file, start + data, size or 0xFFFFFFFF, bytes_per_s=bytes_per_s)
    end = extent.end if starts_file(extent.end) else file.size
    header = head[:8] + struct.pack(f"{order}I", (end - start - data) & 0xFFFFFFFF) + head[12:]
    view = SplicedView(file, [header, (start + 24, end)])
    expected_s = (end - start - data) / bytes_per_s if bytes_per_s and end > start + data else None
    piece = Piece(format=Format.AU, file=view, expected_s=expected_s)
    return FileLayout(pieces=(_marked(piece, extent, bytes_per_s),), end=end)


def parse_caf(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Find the data chunk of a Core Audio file."""
    offset, bytes_per_s = start + 8, 0.0
    for _ in range(MAX_CHUNKS):
        head = file.read_at(offset, 12)
        if len(head) < 12:
            break
        size: int = struct.unpack(">q", head[4:])[0]
        if head[:4] == b"desc":
            fields = file.read_at(offset + 12, 32)
            if len(fields) == 32:
                rate_hz, kind, _, packet, per_packet, _, _ = struct.unpack(">d4sIIIII", fields)
                if kind in (b"lpcm", b"alaw", b"ulaw") and 0 < rate_hz < 1e7 and per_packet == 1:
                    bytes_per_s = rate_hz * packet
        if head[:4] == b"data":
            stated = (1 << 63) - 1 if size <= 0 else size
            extent = data_extent(file, offset + 12, stated, bytes_per_s=bytes_per_s, bits=64)
            end = extent.end if starts_file(extent.end) else file.size
            true_size = struct.pack(">q", extent.end - offset - 12)
            view = SplicedView(file, [(start, offset + 4), true_size, (offset + 12, end)])
            unchanged = start == 0 and not extent.to_the_end and end == file.size
            expected_s = (extent.end - offset - 16) / bytes_per_s if bytes_per_s else None
            piece = Piece(format=Format.CAF, file=file if unchanged else view, expected_s=expected_s)
            return FileLayout(pieces=(_marked(piece, extent, bytes_per_s),), end=end)
        if size < 0:
            break
        offset += 12 + size
    return single_piece(file, start, file.size, Format.CAF, "the data chunk is missing")


def parse_w64(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Parse a Wave64 file, presented to the WAV parser with a WAV header."""
    offset, head = start + 40, b""
    fmt = b""
    for _ in range(MAX_CHUNKS):
        head = file.read_at(offset, 24)
        if len(head) < 24:
            break
        size = int.from_bytes(head[16:24], "little") - 24
        if head[:4] == b"fmt ":
            fmt = file.read_at(offset + 24, min(max(size, 0), 65_536))
        if head[:4] == b"data":
            available = file.size - offset - 24
            stated = size if 0 < size < 0xFFFFFF00 else 0xFFFFFFFF
            end = offset + 24 + min(available, size) if size > 0 else file.size
            end = end if starts_file(-(-end // 8) * 8) else file.size
            header = b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data"
            view = SplicedView(file, [header + struct.pack("<I", stated), (offset + 24, end)])
            layout = parse_wav(view, 0, lambda _: False)
            return FileLayout(pieces=layout.pieces, end=-(-end // 8) * 8 if end < file.size else end)
        if size < 0:
            break
        offset += 24 + -(-size // 8) * 8
    return single_piece(file, start, file.size, Format.W64, "the data chunk is missing")


def _marked(piece: Piece, extent: DataExtent, bytes_per_s: float) -> Piece:
    """The piece, with a note of what the file lacks of its audio data."""
    if not extent.missing_bytes:
        return piece
    missing = f"the sound ends {extent.missing_bytes:,} bytes past the end of the file"
    return replace(
        piece, missing=missing, missing_s=extent.missing_bytes / bytes_per_s if bytes_per_s else 0.0
    )
