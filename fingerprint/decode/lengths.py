"""Whether a file reaches the end that its own container states; read from its structure alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from fingerprint.decode.formats import Format
from fingerprint.decode.mpeg import find_frames, frame_at
from fingerprint.decode.sniff import Sniffed
from fingerprint.decode.stored import Stored

UNKNOWN_32: Final = 0xFFFFFFFF
"""What writers to a pipe put where a length belongs."""

MAX_BOXES: Final = 10_000
"""Chunks or boxes looked at before giving up; real files have tens."""

TAIL_BYTES: Final = 65_536
"""More than the largest Ogg page and the largest MPEG frame."""

LAST_PAGE: Final = 4
"""Flag of an Ogg page that ends its stream (RFC 3533)."""


def cut_short(stored: Stored, sniffed: Sniffed) -> str | None:
    """Say how a file falls short of what its container states; None if it does not, or states nothing.

    FLAC and the tables of MP4 state a number of samples instead: compare with what was decoded.
    """
    check = _CHECKS.get(sniffed.format)
    return check(stored, sniffed.start) if check else None


def _missing(stored: Stored, end: int, what: str) -> str | None:
    if end <= stored.size:
        return None
    return f"{what} ends {end - stored.size:,} bytes past the end of the file"


def _wav(stored: Stored, start: int) -> str | None:
    magic = stored.at(start, 4)
    order = ">" if magic == b"RIFX" else "<"
    offset, long_size = start + 12, None
    for _ in range(MAX_BOXES):
        head = stored.at(offset, 8)
        if len(head) < 8:
            return "the data chunk is missing"
        size: int = struct.unpack(f"{order}I", head[4:])[0]
        if head[:4] == b"ds64":
            long_size = int.from_bytes(stored.at(offset + 16, 8), "little")
        if head[:4] == b"data":
            if size == UNKNOWN_32:
                return _missing(stored, offset + 8 + long_size, "the data chunk") if long_size else None
            return _missing(stored, offset + 8 + size, "the data chunk")
        offset += 8 + size + size % 2
    return None


def _aiff(stored: Stored, start: int) -> str | None:
    offset = start + 12
    for _ in range(MAX_BOXES):
        head = stored.at(offset, 8)
        if len(head) < 8:
            return "the sound chunk is missing"
        size: int = struct.unpack(">I", head[4:])[0]
        if head[:4] == b"SSND":
            return None if size == UNKNOWN_32 else _missing(stored, offset + 8 + size, "the sound chunk")
        offset += 8 + size + size % 2
    return None


def _mp4(stored: Stored, start: int) -> str | None:
    offset = start
    for _ in range(MAX_BOXES):
        head = stored.at(offset, 16)
        if not head:
            return None
        if len(head) < 8:
            return "the file ends inside a box header"
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0 says "to the end of the file"; less is damage that the decoder will meet
            return None
        offset += size
        if offset > stored.size:
            return _missing(stored, offset, f"box {head[4:8].decode('ascii', 'replace')}")
    return None


def _ogg(stored: Stored, start: int) -> str | None:
    tail_at = max(start, stored.size - 2 * TAIL_BYTES)
    tail = stored.at(tail_at, 2 * TAIL_BYTES)
    place = tail.rfind(b"OggS")
    header = tail[place : place + 27] if place >= 0 else b""
    if len(header) < 27:
        return "the last Ogg page is cut off"
    table = tail[place + 27 : place + 27 + header[26]]
    end = tail_at + place + 27 + header[26] + sum(table)
    if len(table) < header[26] or end > stored.size:
        return "the last Ogg page is cut off"
    if table[-1:] == b"\xff":
        return "the last Ogg page ends inside a packet"
    # encoders set it (libvorbis, opusenc, FFmpeg, libsndfile), also on the last link of a chain; what cuts a
    # stream into pieces may not, but then the piece is no whole either
    return None if header[5] & LAST_PAGE else "the last Ogg page is not marked as the stream's last"


def _webm(stored: Stored, start: int) -> str | None:
    _, offset, size = _element(stored, start)
    identity, offset, size = _element(stored, offset + (size or 0))
    if identity != 0x18538067 or size is None:
        return None
    return _missing(stored, offset + size, "the segment")


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


def _mp3(stored: Stored, start: int) -> str | None:
    return _xing(stored, start) or _last_frame(stored, start, adts=False)


def hides_more(stored: Stored, sniffed: Sniffed) -> bool:
    """Whether frames go on behind the end that an MP3's Xing tag states, as where two files were joined.

    libsndfile stops at the stated end; a listener's player does not.
    """
    if sniffed.format is not Format.MP3 or (end := _xing_end(stored, sniffed.start)) is None:
        return False
    return find_frames(stored, end, TAIL_BYTES // 4, adts=False) is not None


def _xing_end(stored: Stored, start: int) -> int | None:
    """Where the file ends by the byte count of its Xing or Info tag."""
    frame = frame_at(stored, start, adts=False)
    tag = stored.at(start + frame.side_bytes, 16) if frame else b""
    if tag[:4] not in (b"Xing", b"Info") or len(tag) < 16 or tag[7] & 3 != 3:
        return None
    return start + int.from_bytes(tag[12:16], "big")


def _xing(stored: Stored, start: int) -> str | None:
    missing = (_xing_end(stored, start) or 0) - stored.size
    # encoders disagree on whether the tag's own frame counts; a frame is 1,441 bytes at most
    return f"the Xing tag states {missing:,} bytes more than the file has" if missing > 2_882 else None


def _adts(stored: Stored, start: int) -> str | None:
    return _last_frame(stored, start, adts=True)


def _last_frame(stored: Stored, start: int, *, adts: bool) -> str | None:
    """Follow the frames of the file's tail; the last of them must be whole."""
    tail_at = max(start, stored.size - TAIL_BYTES // 4)
    offset = find_frames(stored, tail_at, TAIL_BYTES // 4, adts=adts)
    if offset is None:
        return None
    while (frame := frame_at(stored, offset, adts=adts)) is not None:
        offset += frame.n_bytes
    return "the last frame is cut off" if offset > stored.size else None


_CHECKS: Final[dict[Format, Callable[[Stored, int], str | None]]] = {
    Format.WAV: _wav,
    Format.AIFF: _aiff,
    Format.OGG: _ogg,
    Format.OPUS: _ogg,
    Format.M4A: _mp4,
    Format.AAC: _adts,
    Format.MP3: _mp3,
    Format.WEBM: _webm,
}
