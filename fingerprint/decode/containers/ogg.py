"""Parser of Ogg pages (RFC 3533): the links of a chained file, their streams, and missing pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_non_audio, tag_end
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, SplicedView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile

MAX_LINKS: Final = 2_000
FIRST, LAST = 2, 4
"""Flags of the first and of the last page of a stream."""

TOLERANCE_S: Final = 0.25
"""Seconds that a decoder may fall short of the granule positions."""

_PAGE: Final = re.compile(b"OggS\x00")
UNKNOWN: Final = 0xFFFFFFFFFFFFFFFF
"""Granule position of a page on which no packet ends."""

_CODECS: Final = (
    (b"OpusHead", Format.OPUS, None),
    (b"\x01vorbis", Format.OGG, 12),
    (b"\x7fFLAC", Format.OGG, None),
    (b"Speex   ", Format.SPEEX, 36),
)
"""First bytes of supported audio streams, their format, and the offset of their sample rate."""


@dataclass(slots=True, kw_only=True)
class _Stream:
    """One logical stream of a link; `first` and `last` are granule positions."""

    format: Format | None
    rate_hz: int
    page_number: int
    first: int | None = None
    last: int = 0
    lost_pages: int = 0
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class _Link:
    start: int
    streams: dict[int, _Stream] = field(default_factory=dict)
    junk: bool = False
    in_headers: bool = True
    truncated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    start: int
    end: int
    flags: int
    granule: int
    serial: int
    number: int
    table: bytes
    body: bytes
    """The first bytes of its body."""


def parse_ogg(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Split an Ogg file into its links: a link begins with a first page that follows pages of data."""
    links: list[_Link] = []
    end = file.size
    for page in _pages(file, start):
        if isinstance(page, int):  # offset of bytes that are not a page
            if starts_file(page):
                end = page
                break
            if links and not _is_ignorable(file, page):
                links[-1].junk = True
            continue
        if page.flags & FIRST and (not links or not links[-1].in_headers):
            if len(links) == MAX_LINKS:
                end = page.start
                break
            links.append(_Link(start=page.start))
        if links:
            _add_page(links[-1], page, file.size)
    ends = [*(link.start for link in links[1:]), end]
    whole_file = len(links) == 1 and start == 0 and end == file.size
    pieces = [
        piece
        for link, link_end in zip(links, ends, strict=True)
        if (piece := _piece(file, link, link_end, whole_file=whole_file)) is not None
    ]
    return FileLayout(pieces=tuple(pieces), end=end)


def _add_page(link: _Link, page: _Page, size: int) -> None:
    if page.flags & FIRST:
        link.streams[page.serial] = _stream(page)
        return
    link.in_headers = False
    stream = link.streams.get(page.serial)
    if stream is None:
        return
    stream.lost_pages += max(0, page.number - stream.page_number - 1)
    stream.page_number = page.number
    if page.granule != UNKNOWN:
        if stream.first is None and page.granule:
            stream.first = page.granule
        stream.last = max(stream.last, page.granule)
    stream.ended = bool(page.flags & LAST)
    link.truncated = None
    if page.end > size:
        link.truncated = "the last Ogg page is cut off"
    elif page.table[-1:] == b"\xff":
        link.truncated = "the last Ogg page ends inside a packet"


def _stream(page: _Page) -> _Stream:
    for magic, format_, rate_at in _CODECS:
        if page.body.startswith(magic):
            rate_hz = 48_000
            if rate_at is not None:
                rate_hz = int.from_bytes(page.body[rate_at : rate_at + 4], "little")
            elif magic == b"\x7fFLAC":
                rate_hz = int.from_bytes(page.body[27:30], "big") >> 4
            return _Stream(format=format_, rate_hz=rate_hz, page_number=page.number)
    return _Stream(format=None, rate_hz=0, page_number=page.number)


def _piece(file: FileView, link: _Link, end: int, *, whole_file: bool) -> Piece | None:
    audio = [stream for stream in link.streams.values() if stream.format is not None]
    if not audio:
        return None
    main = audio[0]
    missing, at_end = link.truncated, True
    if n_lost := sum(stream.lost_pages for stream in audio):
        missing, at_end = f"{n_lost:,} Ogg pages in it are missing or damaged", False
    elif link.junk:
        missing, at_end = "there are bytes between its Ogg pages", False
    elif missing is None and not all(stream.ended for stream in audio):
        # libvorbis, opusenc, FFmpeg and libsndfile set the flag on every link
        missing = "the last Ogg page is not marked as the stream's last"
    counted_s = None
    if main.first is not None and main.rate_hz:
        counted_s = (main.last - main.first) / main.rate_hz
    assert main.format is not None
    return Piece(
        format=main.format,
        file=file if whole_file else SplicedView(file, [(link.start, end)]),
        expected_s=counted_s,
        tolerance_s=TOLERANCE_S,
        missing=missing,
        at_end=at_end,
    )


def _is_ignorable(file: FileView, offset: int) -> bool:
    """Whether the bytes from `offset` are a tag before a page or the end, padding, or an image."""
    after = tag_end(file, offset)
    if after is not None and (after >= file.size or file.read_at(after, 4) == b"OggS"):
        return True
    return is_non_audio(file, offset, file.size)


def _pages(file: FileView, start: int) -> Iterator[_Page | int]:
    """Yield the pages in order, and the offset of bytes that are not a page."""
    offset, base, window = start, start, b""
    while offset < file.size:
        at = offset - base
        if (at + 27 + 255 + 64 > len(window) and base + len(window) < file.size) or not window:
            base, window = offset, file.read_at(offset, SCAN_BYTES)
            at = 0
        header = window[at : at + 27]
        if header[:4] != b"OggS" or len(header) < 27:
            yield offset
            following = next(file.find(_PAGE, offset + 1), None)
            if following is None:
                return
            offset = following
            base, window = offset, file.read_at(offset, SCAN_BYTES)
            continue
        table = window[at + 27 : at + 27 + header[26]]
        body_at = at + 27 + header[26]
        end = offset + 27 + header[26] + sum(table)
        yield _Page(
            start=offset,
            end=end if len(table) == header[26] else file.size + 1,
            flags=header[5],
            granule=int.from_bytes(header[6:14], "little"),
            serial=int.from_bytes(header[14:18], "little"),
            number=int.from_bytes(header[18:22], "little"),
            table=table,
            body=window[body_at : body_at + 64],
        )
        offset = end
