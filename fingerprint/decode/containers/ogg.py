"""Walks the pages of an Ogg file (RFC 3533): its links, their streams, and pages that are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_no_sound, tag_end
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

MAX_LINKS: Final = 2_000
FIRST, LAST = 2, 4
"""Flags of a page that begins its stream, and of one that ends it."""

LEAST_LOST_S: Final = 0.25
UNKNOWN: Final = 0xFFFFFFFFFFFFFFFF
"""Granule position of a page on which no packet ends."""

_CODECS: Final = (
    (b"OpusHead", Format.OPUS, None),
    (b"\x01vorbis", Format.OGG, 12),
    (b"\x7fFLAC", Format.OGG, None),
    (b"Speex   ", Format.SPEEX, 36),
)
"""First bytes of the streams of sound that we read, their format, and where their rate stands."""


@dataclass(slots=True, kw_only=True)
class _Stream:
    """One logical stream of a link."""

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
    headed: bool = True
    torn: str | None = None


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


def lay_ogg(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """Links of an Ogg file: a link begins where streams begin after the ones before had their pages."""
    links: list[_Link] = []
    end = stored.size
    for page in _pages(stored, start):
        if isinstance(page, int):  # bytes that are no page
            if other_sound(page):
                end = page
                break
            if links and not _is_no_matter(stored, page):
                links[-1].junk = True
            continue
        if page.flags & FIRST and (not links or not links[-1].headed):
            if len(links) == MAX_LINKS:
                end = page.start
                break
            links.append(_Link(start=page.start))
        if links:
            _note(links[-1], page, stored.size)
    ends = [*(link.start for link in links[1:]), end]
    whole_file = len(links) == 1 and start == 0 and end == stored.size
    pieces = [
        piece
        for link, link_end in zip(links, ends, strict=True)
        if (piece := _piece(stored, link, link_end, whole_file=whole_file)) is not None
    ]
    return FileLayout(pieces=tuple(pieces), end=end)


def _note(link: _Link, page: _Page, size: int) -> None:
    if page.flags & FIRST:
        link.streams[page.serial] = _stream(page)
        return
    link.headed = False
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
    link.torn = None
    if page.end > size:
        link.torn = "the last Ogg page is cut off"
    elif page.table[-1:] == b"\xff":
        link.torn = "the last Ogg page ends inside a packet"


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


def _piece(stored: FileView, link: _Link, end: int, *, whole_file: bool) -> Piece | None:
    sounds = [stream for stream in link.streams.values() if stream.format is not None]
    if not sounds:
        return None
    main = sounds[0]
    missing, at_end = link.torn, True
    if n_lost := sum(stream.lost_pages for stream in sounds):
        missing, at_end = f"{n_lost:,} Ogg pages in it are missing or damaged", False
    elif link.junk:
        missing, at_end = "there are bytes between its Ogg pages", False
    elif missing is None and not all(stream.ended for stream in sounds):
        # encoders set the flag (libvorbis, opusenc, FFmpeg, libsndfile), also on the last link of a chain;
        # what cuts a stream into pieces may not, but then the piece is no whole either
        missing = "the last Ogg page is not marked as the stream's last"
    counted_s = None
    if main.first is not None and main.rate_hz:
        counted_s = (main.last - main.first) / main.rate_hz
    assert main.format is not None
    return Piece(
        format=main.format,
        stored=stored if whole_file else View(stored, [(link.start, end)]),
        expected_s=counted_s,
        spare_s=LEAST_LOST_S,
        missing=missing,
        at_end=at_end,
    )


def _is_no_matter(stored: FileView, offset: int) -> bool:
    """Whether a tag begins at an offset that a page or the file's end follows, or padding, or a picture."""
    behind = tag_end(stored, offset)
    if behind is not None and (behind >= stored.size or stored.at(behind, 4) == b"OggS"):
        return True
    return is_no_sound(stored, offset, stored.size)


def _pages(stored: FileView, start: int) -> Iterator[_Page | int]:
    """The pages in order; an offset where bytes are no page, after which the next page is looked for."""
    offset, base, window = start, start, b""
    while offset < stored.size:
        at = offset - base
        if (at + 27 + 255 + 64 > len(window) and base + len(window) < stored.size) or not window:
            base, window = offset, stored.at(offset, SCAN_BYTES)
            at = 0
        header = window[at : at + 27]
        if header[:4] != b"OggS" or len(header) < 27:
            yield offset
            found = next(stored.find(re.compile(b"OggS\x00"), offset + 1), None)
            if found is None:
                return
            offset = found
            base, window = offset, stored.at(offset, SCAN_BYTES)
            continue
        table = window[at + 27 : at + 27 + header[26]]
        body_at = at + 27 + header[26]
        end = offset + 27 + header[26] + sum(table)
        yield _Page(
            start=offset,
            end=end if len(table) == header[26] else stored.size + 1,
            flags=header[5],
            granule=int.from_bytes(header[6:14], "little"),
            serial=int.from_bytes(header[14:18], "little"),
            number=int.from_bytes(header[18:22], "little"),
            table=table,
            body=window[body_at : body_at + 64],
        )
        offset = end
