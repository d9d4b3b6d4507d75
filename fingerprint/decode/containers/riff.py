"""WAV, RF64 and BW64 files: every data chunk is found, and its true length."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from earwitness.fingerprint.decode.containers.stated_lengths import (
    MAX_CHUNKS,
    SLACK_S,
    is_name,
    made_up,
    sized,
)
from earwitness.fingerprint.decode.file_view import FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

PCM_TAGS: Final = (1, 3, 6, 7)
"""Format tags of samples that each have a fixed number of bytes."""

EXTENSIBLE: Final = 0xFFFE

KNOWN: Final = (
    b"LIST", b"fact", b"cue ", b"smpl", b"inst", b"bext", b"iXML", b"JUNK", b"junk", b"PAD ",
    b"PEAK", b"id3 ", b"ID3 ", b"axml", b"chna", b"_PMX", b"cart", b"afsp", b"DISP", b"FLLR",
    b"umid", b"wavl", b"plst", b"labl", b"note", b"ltxt", b"minf", b"elm1", b"regn", b"levl",
    b"qlty", b"mext", b"link", b"strc", b"acid", b"tlst",
)  # fmt: skip
"""Chunks that are no sound, and may be cut off behind it without loss."""

STARTS: Final = (b"fmt ", b"data", *KNOWN)
"""Names of chunks that one expects."""

FACT_SPARE: Final = 0.6
"""Part of what a `fact` chunk states that may be missing: some writers count the samples of all channels."""

JOINED: Final = re.compile(rb"R(?:IFF|IFX|F64)....WAVE(?:fmt |ds64|JUNK|bext|LIST)", re.DOTALL)
"""How another file begins within data whose length is not known."""


@dataclass(slots=True, kw_only=True)
class _Wave:
    """What a file's chunks come to."""

    order: str
    fmt: bytes = b""
    fact: bytes = b""
    data: list[tuple[int, int]] = field(default_factory=list)
    missing_bytes: int = 0
    odd: bool = False
    """Whether decoders could read another length from the header than is there."""
    end: int = 0

    @property
    def is_pcm(self) -> bool:
        """Whether bytes can be counted as samples."""
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
        """Seconds that the `fact` chunk states of samples that are no PCM; 0 where it does not."""
        if self.is_pcm or len(self.fact) < 12 or len(self.fmt) < 16:
            return 0.0
        n_samples, rate_hz = struct.unpack_from(f"{self.order}I", self.fact, 8)[0], self._rate_hz
        return n_samples / rate_hz if rate_hz and not made_up(n_samples) else 0.0

    @property
    def _rate_hz(self) -> int:
        return int(struct.unpack_from(f"{self.order}I", self.fmt, 4)[0])

    @property
    def bytes_s(self) -> float:
        """Bytes a second: of samples by their size, else as the header states."""
        if len(self.fmt) < 16:
            return 0.0
        _, channels, rate_hz, bytes_s, block, bits = struct.unpack_from(f"{self.order}HHIIHH", self.fmt)
        if not self.is_pcm:
            return float(bytes_s)
        fits = channels and block % channels == 0 and block // channels in (-(-bits // 8), 4, 8)
        return float(rate_hz * (block if fits else channels * -(-bits // 8)))


def lay_wav(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """The data chunks of a WAV file; each is a link."""
    wave = _read(stored, start, other_sound)
    if not wave.data or not wave.fmt:
        missing = None if wave.data else "the data chunk is missing"
        return FileLayout(pieces=(_as_it_is(stored, start, missing),), end=stored.size)
    plain = start == 0 and len(wave.data) == 1 and not wave.odd and wave.end == stored.size
    pieces = []
    for number, (first, last) in enumerate(wave.data, 1):
        at_end = number == len(wave.data)
        missing_s = wave.missing_bytes / wave.bytes_s if wave.bytes_s and at_end else 0.0
        cut = at_end and wave.missing_bytes
        counted_s = (last - first) / wave.bytes_s if wave.is_pcm and wave.bytes_s else None
        roughly_s = wave.stated_s if len(wave.data) == 1 and not cut else 0.0
        pieces.append(
            Piece(
                format=Format.WAV,
                stored=stored if plain else _rebuilt(stored, wave, first, last),
                expected_s=counted_s or roughly_s or None,
                spare_s=FACT_SPARE * roughly_s if roughly_s else None,
                missing_s=missing_s,
                missing=f"the data chunk ends {wave.missing_bytes:,} bytes past the end of the file"
                if cut
                else None,
            )
        )
    return FileLayout(pieces=tuple(pieces), end=wave.end)


def _as_it_is(stored: FileView, start: int, missing: str | None) -> Piece:
    whole = stored if start == 0 else View(stored, [(start, stored.size)])
    return Piece(format=Format.WAV, stored=whole, missing=missing)


def _read(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> _Wave:
    wave = _Wave(order=">" if stored.at(start, 4) == b"RIFX" else "<", end=stored.size)
    offset, long_size = start + 12, 0
    for _ in range(MAX_CHUNKS):
        head = stored.at(offset, 8)
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack(f"{wave.order}I", head[4:])[0]
        if wave.data and other_sound(offset):
            wave.end = offset
            break
        if wave.data and not _is_chunk(stored, offset, name, size):
            _go_on(stored, wave, offset)
            break
        if name == b"ds64":
            long_size = int.from_bytes(stored.at(offset + 16, 8), "little")
        elif name == b"fmt ":
            wave.fmt = wave.fmt or stored.at(offset + 8, min(size, 65_536))
        elif name == b"fact":
            wave.fact = stored.at(offset, min(8 + size, 64))
        elif name == b"data":
            offset = _data(stored, wave, offset + 8, size, long_size)
            continue
        offset += 8 + size + size % 2
        if size % 2 and stored.at(offset - 1, 4) in STARTS and stored.at(offset, 4) not in STARTS:
            offset, wave.odd = offset - 1, True  # written without the byte that makes its length even
    return wave


def _data(stored: FileView, wave: _Wave, start: int, size: int, long_size: int) -> int:
    """Take in a data chunk; returns where the next chunk begins."""
    bits = 32
    if size == 0xFFFFFFFF and long_size:
        size, bits = long_size, 64
    follows = stored.at(start, 8)
    if size == 0 and follows and not _is_chunk(stored, start, follows[:4], _size_of(wave, follows)):
        size = 0xFFFFFFFF
    found = sized(stored, start, size, bytes_s=wave.bytes_s, bits=bits)
    end = found.end
    if found.to_the_end:
        end = next(stored.find(JOINED, start), end)
        wave.odd = True
        wave.missing_bytes = found.missing_bytes if end == stored.size else 0
    if end > start:
        wave.data.append((start, end))
    return end + (size % 2 if not found.to_the_end else 0)


def _size_of(wave: _Wave, head: bytes) -> int:
    return int(struct.unpack(f"{wave.order}I", head[4:8])[0]) if len(head) == 8 else 0


def _is_chunk(stored: FileView, offset: int, name: bytes, size: int) -> bool:
    return is_name(name) and (name in KNOWN or name == b"data" or offset + 8 + size <= stored.size + 1)


def _go_on(stored: FileView, wave: _Wave, offset: int) -> None:
    """What follows the data is no chunk: where it is long enough to matter, the data goes on."""
    first, last = wave.data[-1]
    if stored.size - last > max(SLACK_S * wave.bytes_s, 64) and stored.at(offset, 4_096).strip(b"\0"):
        wave.data[-1] = (first, stored.size)
        wave.odd = True


def _rebuilt(stored: FileView, wave: _Wave, first: int, last: int) -> View:
    """The data behind a header that states its true length."""
    n_bytes = last - first
    fact = wave.fact if not wave.is_pcm else b""
    size = 20 + len(wave.fmt) + len(wave.fact) + n_bytes
    magic = b"RIFF" if wave.order == "<" else b"RIFX"
    fits = size < 0xFFFFFF00

    def four(number: int) -> bytes:
        return struct.pack(f"{wave.order}I", number if fits else 0xFFFFFFFF)

    fmt = b"fmt " + struct.pack(f"{wave.order}I", len(wave.fmt)) + wave.fmt + b"\0" * (len(wave.fmt) % 2)
    return View(stored, [magic + four(size) + b"WAVE" + fmt + fact + b"data" + four(n_bytes), (first, last)])
