"""WARC files: audio among the responses of a web crawl, in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataException, DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from earwitness.api.datasets.access.byte_streams import UNPACK_ERRORS, item_stream, reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.archives.tars import cut_off
from earwitness.api.datasets.entries.embedded_audio_text import holds_audio, is_text
from earwitness.api.datasets.file_kinds import PassedOver, kind_of
from earwitness.api.datasets.item_errors import (
    AudioInText,
    ItemRefused,
    ItemUnreadable,
    NestedArchive,
    SourceCutOff,
    StreamMovedOn,
)
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.members import is_archive, is_item
from earwitness.api.datasets.names import HEAD_BYTES, Names, label

_WITH_CONTENT: Final = frozenset({"response", "resource", "conversion"})
_RANGE: Final = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.IGNORECASE)
# warcio raises the last three for a record without a header that it expects
_WARC_ERRORS: Final = (
    ArchiveLoadFailed, StatusAndHeadersParserException, ChunkedDataException, *UNPACK_ERRORS,
    AttributeError, LookupError, TypeError,
)  # fmt: skip


class WarcReader:
    """Reads the audio of one WARC; an item's id is its target URL. Items are ``sequential``."""

    format = "warc"
    shards: tuple[str, ...] = ()
    total = None

    def __init__(self, place: Location, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits
        self.passed_over = PassedOver()

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names = Names()
        try:
            with closing(self._place.open()) as stream:
                for record in self._records(stream):
                    if record.is_revisit:
                        self.passed_over.add_kind("revisit")
                        continue
                    if record.continues:
                        yield _continuation(record, names)
                        continue
                    path = _path_of(record.url)
                    if item := self._item(record, path, names):
                        yield item
                    else:
                        self.passed_over.add_kind(kind_of(path) or record.media_type.partition("/")[2][:40])
        except (ItemRefused, OSError) as error:
            yield cut_off(error, place=self._place, item_id=names.take(f"{self._place.name}#rest"))

    def _records(self, stream: BinaryIO) -> Iterator[_Content]:
        content: _Content | None = None
        try:
            iterator = ArchiveIterator(stream)
            iterator.reader = reader = _LimitedReader(stream, self._limits)
            for record in iterator:
                reader.n_line_bytes = 0
                if content is not None:
                    content.passed = True
                if record.rec_type in {*_WITH_CONTENT, "continuation", "revisit"}:
                    content = _Content(record)
                    yield content
        except _WARC_ERRORS as error:
            raise SourceCutOff(name=self._place.name, detail=reason(error)) from error

    def _item(self, content: _Content, path: str, names: Names) -> SourceItem | Skipped | None:
        head = content.head
        declared = content.media_type.startswith(("audio/", "video/"))
        if not declared and not is_item(path, head=head):
            refused = _refusal(content, path)
            if refused is None:
                return None
            item_id = names.take(label(content.url))
            return Skipped.of(refused, item_id=item_id)
        item_id = names.take(label(content.url))
        return SourceItem(
            item_id=item_id,
            path=label(path.rpartition("/")[2]) or item_id,
            open=lambda: item_stream(content, name=item_id, max_bytes=self._limits.item_bytes),
            sequential=True,
            partial=content.partial,
            metadata={"url": label(content.url), "media_type": label(content.media_type)},
        )


def _continuation(content: _Content, names: Names) -> Skipped:
    """Report a record that continues another one: they are not joined."""
    item_id = names.take(label(content.url))
    detail = "it is the continuation of another record, and such records are not joined"
    return Skipped.of(ItemUnreadable(name=item_id, detail=detail), item_id=item_id)


def _refusal(content: _Content, path: str) -> ItemRefused | None:
    """Why a record that is no audio file is reported; None where it holds no audio."""
    name = label(content.url)
    if is_archive(path, head=content.head):
        return NestedArchive(name=name)
    try:
        has_audio = is_text(path, content.head) and holds_audio(content)
    except ItemRefused as error:
        return error
    return AudioInText(name=name) if has_audio else None


def _path_of(url: str) -> str:
    """The path in a URL; a text that is no URL is returned unchanged."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url


class _LimitedReader(DecompressingBufferedReader):  # type: ignore[misc] # warcio has no types
    """Limits the length of lines (headers, chunk sizes), each and per record.

    warcio reads a header line of any length into memory, and a packed one can be of any length.
    """

    def __init__(self, stream: BinaryIO, limits: SourceLimits) -> None:
        super().__init__(stream)
        self._limits = limits
        self.n_line_bytes = 0

    def readline(self, length: int | None = None) -> bytes:
        """Read a line; `ArchiveLoadFailed` when it, or the record's lines together, are too long."""
        limit = self._limits.header_bytes
        line: bytes = super().readline(min(length, limit) if length else limit)
        self.n_line_bytes += len(line)
        if len(line) >= limit or self.n_line_bytes > self._limits.json_bytes:
            raise ArchiveLoadFailed("its headers are too long")
        return line


def _partial(record: Any) -> str | None:
    """Why a record holds a part of its file only; None where no header states so."""
    if truncated := record.rec_headers.get_header("WARC-Truncated"):
        return f"the crawler cut the record off: {label(truncated)[:80]}"
    if record.rec_headers.get_header("WARC-Segment-Number"):
        return "the record is the first of several that hold the file"
    answer = record.http_headers
    if answer is None or answer.get_statuscode() != "206":
        return None
    stated = _RANGE.fullmatch((answer.get_header("Content-Range") or "").strip())
    if stated and int(stated[1]) == 0 and int(stated[2]) + 1 == int(stated[3]):
        return None
    return "the server sent a part of the file (status 206)"


class _Content:
    """The content of one record, to be read before the next record."""

    def __init__(self, record: Any) -> None:
        self.url: str = record.rec_headers.get_header("WARC-Target-URI") or "(no URL)"
        headers = record.http_headers or record.rec_headers
        self.media_type: str = (headers.get_header("Content-Type") or "").partition(";")[0].strip().lower()
        self.passed = False
        self.continues = record.rec_type == "continuation"
        self.is_revisit = record.rec_type == "revisit"
        self.partial = _partial(record)
        self._raw, self._stream = record.raw_stream, record.content_stream()
        # its first bytes decide where neither its type nor its name is that of audio
        self.head: bytes = self._stream.read(HEAD_BYTES)
        self._peeked: bytes = self.head

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes."""
        if self.passed:
            raise StreamMovedOn(name=label(self.url))
        if self._peeked:
            peeked = self._peeked[:n]
            self._peeked = self._peeked[n:]
            return peeked
        try:
            data: bytes = self._stream.read(n)
        except _WARC_ERRORS as error:
            raise OSError(reason(error)) from error
        if not data and getattr(self._raw, "limit", 0) > 0:
            raise ItemUnreadable(name=label(self.url), detail="the record ends before its stated length")
        return data
