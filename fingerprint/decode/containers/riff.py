"""Parser of WAV, RF64 and BW64 files: every data chunk and its true length."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from earwitness.fingerprint.decode.containers.stated_lengths import (
    MAX_CHUNKS,
    SLACK_S,
    data_extent,
    is_name,
    is_placeholder,
)
from earwitness.fingerprint.decode.file_view import FileView, SplicedView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile, single_piece

PCM_TAGS: Final = (1, 3, 6, 7)
"""Format tags of samples with a fixed number of bytes: PCM, float, A-law and mu-law."""

EXTENSIBLE: Final = 0xFFFE

KNOWN: Final = (
    b"LIST", b"fact", b"cue ", b"smpl", b"inst", b"bext", b"iXML", b"JUNK", b"junk", b"PAD ",
    b"PEAK", b"id3 ", b"ID3 ", b"axml", b"chna", b"_PMX", b"cart", b"afsp", b"DISP", b"FLLR",
    b"umid", b"wavl", b"plst", b"labl", b"note", b"ltxt", b"minf", b"elm1", b"regn", b"levl",
    b"qlty", b"mext", b"link", b"strc", b"acid", b"tlst",
)  # fmt: skip
"""Chunks without audio: it is no loss if they are truncated after the data."""

STARTS: Final = (b"fmt ", b"data", *KNOWN)
"""Names of expected chunks."""

FACT_TOLERANCE: Final = 0.6
"""Tolerance on the duration of a `fact` chunk, as a fraction: some writers count all channels."""

JOINED: Final = re.compile(rb"R(?:IFF|IFX|F64)....WAVE(?:fmt |ds64|JUNK|bext|LIST)", re.DOTALL)
"""First bytes of another file, inside data of unknown length."""


@dataclass(slots=True, kw_only=True)
class _Wave:
    """Fields and data chunks of one file."""

    order: str
    fmt: bytes = b""
    fact: bytes = b""
    data: list[tuple[int, int]] = field(default_factory=list)
    missing_bytes: int = 0
    misleading: bool = False
    """Whether decoders could derive a wrong length from the header."""
    end: int = 0

    @property
    def is_pcm(self) -> bool:
        """Whether samples have a fixed size."""
        return self._tag in PCM_TAGS

    @property
    def _tag(self) -> int:
        if len(self.fmt) < 16:
            return 0
        tag: int = struct.unpack_from(f"{self.order}H", self.fmt)[0]
        if tag == EXTENSIBLE and len(self.fmt) >= 26:
            tag = struct.unpack_from(f"{self.order}H", self.fmt, 24)[0]
        return tag

    @property
    def stated_s(self) -> float:
        """Duration of compressed samples from the `fact` chunk, in seconds; 0 if unknown."""
        if self.is_pcm or len(self.fact) < 12 or len(self.fmt) < 16:
            return 0.0
        n_samples, rate_hz = struct.unpack_from(f"{self.order}I", self.fact, 8)[0], self._rate_hz
        return n_samples / rate_hz if rate_hz and not is_placeholder(n_samples) else 0.0

    @property
    def _rate_hz(self) -> int:
        return int(struct.unpack_from(f"{self.order}I", self.fmt, 4)[0])

    @property
    def bytes_per_s(self) -> float:
        """Bytes per second: computed for samples of a fixed size, else as the header states."""
        if len(self.fmt) < 16:
            return 0.0
        _, channels, rate_hz, bytes_per_s, block, bits = struct.unpack_from(f"{self.order}HHIIHH", self.fmt)
        if not self.is_pcm:
            return float(bytes_per_s)
        fits = channels and block % channels == 0 and block // channels in (-(-bits // 8), 4, 8)
        return float(rate_hz * (block if fits else channels * -(-bits // 8)))


def parse_wav(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Split a WAV file into its data chunks."""
    wave = _read(file, start, starts_file)
    if not wave.data or not wave.fmt:
        missing = None if wave.data else "the data chunk is missing"
        return single_piece(file, start, file.size, Format.WAV, missing)
    unchanged = start == 0 and len(wave.data) == 1 and not wave.misleading and wave.end == file.size
    pieces = []
    for number, (first, last) in enumerate(wave.data, 1):
        at_end = number == len(wave.data)
        missing_s = wave.missing_bytes / wave.bytes_per_s if wave.bytes_per_s and at_end else 0.0
        truncated = at_end and wave.missing_bytes
        counted_s = (last - first) / wave.bytes_per_s if wave.is_pcm and wave.bytes_per_s else None
        fact_s = wave.stated_s if len(wave.data) == 1 and not truncated else 0.0
        pieces.append(
            Piece(
                format=Format.WAV,
                file=file if unchanged else _with_true_length(file, wave, first, last),
                expected_s=counted_s or fact_s or None,
                tolerance_s=FACT_TOLERANCE * fact_s if fact_s else None,
                missing_s=missing_s,
                missing=f"the data chunk ends {wave.missing_bytes:,} bytes past the end of the file"
                if truncated
                else None,
            )
        )
    return FileLayout(pieces=tuple(pieces), end=wave.end)


def _read(file: FileView, start: int, starts_file: StartsFile) -> _Wave:
    wave = _Wave(order=">" if file.read_at(start, 4) == b"RIFX" else "<", end=file.size)
    offset, long_size = start + 12, 0
    for _ in range(MAX_CHUNKS):
        head = file.read_at(offset, 8)
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack(f"{wave.order}I", head[4:])[0]
        if wave.data and starts_file(offset):
            wave.end = offset
            break
        if wave.data and not _is_chunk(file, offset, name, size):
            _extend_data(file, wave, offset)
            break
        if name == b"ds64":
            long_size = int.from_bytes(file.read_at(offset + 16, 8), "little")
        elif name == b"fmt ":
            wave.fmt = wave.fmt or file.read_at(offset + 8, min(size, 65_536))
        elif name == b"fact":
            wave.fact = file.read_at(offset, min(8 + size, 64))
        elif name == b"data":
            offset = _add_data(file, wave, offset + 8, size, long_size)
            continue
        offset += 8 + size + size % 2
        if size % 2 and file.read_at(offset - 1, 4) in STARTS and file.read_at(offset, 4) not in STARTS:
            offset, wave.misleading = offset - 1, True  # written without the padding byte
    return wave


def _add_data(file: FileView, wave: _Wave, start: int, size: int, long_size: int) -> int:
    """Add a data chunk; return the offset of the next chunk."""
    bits = 32
    if size == 0xFFFFFFFF and long_size:
        size, bits = long_size, 64
    following = file.read_at(start, 8)
    if size == 0 and following and not _is_chunk(file, start, following[:4], _size_of(wave, following)):
        size = 0xFFFFFFFF
    extent = data_extent(file, start, size, bytes_per_s=wave.bytes_per_s, bits=bits)
    end = extent.end
    if extent.to_the_end:
        end = next(file.find(JOINED, start), end)
        wave.misleading = True
        wave.missing_bytes = extent.missing_bytes if end == file.size else 0
    if end > start:
        wave.data.append((start, end))
    return end + (size % 2 if not extent.to_the_end else 0)


def _size_of(wave: _Wave, head: bytes) -> int:
    return int(struct.unpack(f"{wave.order}I", head[4:8])[0]) if len(head) == 8 else 0


def _is_chunk(file: FileView, offset: int, name: bytes, size: int) -> bool:
    return is_name(name) and (name in KNOWN or name == b"data" or offset + 8 + size <= file.size + 1)


def _extend_data(file: FileView, wave: _Wave, offset: int) -> None:
    """Extend the data over bytes after it that are not a chunk, if they are long enough to matter."""
    first, last = wave.data[-1]
    if file.size - last > max(SLACK_S * wave.bytes_per_s, 64) and file.read_at(offset, 4_096).strip(b"\0"):
        wave.data[-1] = (first, file.size)
        wave.misleading = True


def _with_true_length(file: FileView, wave: _Wave, first: int, last: int) -> SplicedView:
    """One data chunk, after a header that states its true length."""
    n_bytes = last - first
    fact = wave.fact if not wave.is_pcm else b""
    size = 20 + len(wave.fmt) + len(wave.fact) + n_bytes
    magic = b"RIFF" if wave.order == "<" else b"RIFX"
    fits = size < 0xFFFFFF00

    def length(number: int) -> bytes:
        return struct.pack(f"{wave.order}I", number if fits else 0xFFFFFFFF)

    fmt = b"fmt " + struct.pack(f"{wave.order}I", len(wave.fmt)) + wave.fmt + b"\0" * (len(wave.fmt) % 2)
    header = magic + length(size) + b"WAVE" + fmt + fact + b"data" + length(n_bytes)
    return SplicedView(file, [header, (first, last)])
