"""A zip's central directory, read entry by entry, and the bytes of the file that no entry covers."""

from __future__ import annotations

import io
import re
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from earwitness.api.datasets.entries.embedded_audio_text import holds_audio
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.names import (
    HEAD_BYTES,
    label,
    looks_like_audio,
    looks_like_text,
)
from earwitness.api.datasets.source_errors import SourceBroken, SourceTooLarge

NAMELESS: Final = "(no name)"
"""The name in findings of a member without a name."""

LOCAL: Final = b"PK\x03\x04"
LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_CENTRAL: Final = struct.Struct("<4s4x2H4x3L3H2x2xLL")
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_END: Final = struct.Struct("<4s4H2LH")
_WIDE_END: Final = struct.Struct("<4s12x2L4Q")
_LOCATOR_BYTES: Final = 20
_TAIL_BYTES: Final = (1 << 16) + 22
_READ_BYTES: Final = 1 << 18
_NONE: Final = 0xFFFFFFFF
_MAX_GAP: Final = 128
"""Bytes between two members that are not examined: extra fields and a descriptor."""
_PADDING: Final = 4096
_EXAMINED: Final = 1 << 16
"""Bytes of a gap that are examined."""
_PROGRAM: Final = 1 << 20
"""Most bytes of the program of a self-extracting zip."""
_SOUND_WITHIN: Final = re.compile(
    rb"fLaC[\x00\x80]\x00\x00\x22|ID3[\x02-\x04]\x00.[\x00-\x7f]{4}|OggS\x00\x02|RIFF....WAVE"
    rb"|FORM....AIF[FC]|....ftyp(?:M4A|isom|mp4)|\x1aE\xdf\xa3",
    re.DOTALL,
)
_GAPS_EXAMINED: Final = 10_000
_FARTHEST: Final = (1 << 63) - 1
_SPLIT: Final = "it is one part of a split zip; join the parts first: zip -s 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member as the directory states it; ``offset`` is where its own header begins in the file."""

    name: str
    name_bytes: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder: by its name, and only where nothing is stored under it."""
        return self.name.endswith(("/", "\\")) and not self.size and not self.packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The offsets of the central directory; ``before`` bytes were put in front of the finished zip."""

    start: int
    size: int
    count: int
    before: int
    end: int
    trailing: int
    """Bytes that follow the end of the zip."""
    comment: int
    """Bytes of its comment, which ends at `end`."""
    between: int
    """Bytes between the directory and its end records."""


def ends_like_zip(stream: BinaryIO) -> bool:
    """Whether a file ends with the end record of a zip, whatever it begins with."""
    stream.seek(max(0, stream.seek(0, 2) - _TAIL_BYTES))
    return b"PK\x05\x06" in stream.read(_TAIL_BYTES)


def find_directory(stream: BinaryIO, *, name: str, limits: SourceLimits) -> Directory:
    """Locate the directory from the file's end, and check its size and count against the limits.

    Raises
    ------
    SourceBroken, SourceTooLarge
    """
    n_bytes = stream.seek(0, 2)
    stream.seek(max(0, n_bytes - _TAIL_BYTES))
    tail = stream.read(_TAIL_BYTES)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END.size:
        raise SourceBroken(source=name, reason="no central directory; it may be cut off")
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, end)
    at = n_bytes - len(tail) + end
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    stop, between = at, 0
    if wide >= 0 and len(tail) - wide >= _WIDE_END.size:
        _, disk, first_disk, here, count, size, offset = _WIDE_END.unpack_from(tail, wide)
        stop = n_bytes - len(tail) + wide
        between = max(0, at - stop - _WIDE_END.size - _LOCATOR_BYTES)
    if disk or first_disk or here != count:
        raise SourceBroken(source=name, reason=_SPLIT)
    if size > min(limits.directory_bytes, n_bytes):
        raise SourceTooLarge(source=name, what="its directory", limit=f"{limits.directory_bytes:,} bytes")
    # the directory ends where its end record begins; its stated start may be wrong
    start = stop - size
    if start < 0 or start < offset:
        raise SourceBroken(source=name, reason="its central directory is not at the stated offset")
    trailing = max(0, n_bytes - at - _END.size - comment)
    directory = Directory(
        start=start,
        size=size,
        count=count,
        before=start - offset,
        end=n_bytes - trailing,
        trailing=trailing,
        comment=min(comment, n_bytes - trailing - at - _END.size),
        between=between,
    )
    if _count(stream, directory) > limits.members:
        raise SourceTooLarge(source=name, what="members", limit=f"{limits.members:,}")
    return directory


def _count(stream: BinaryIO, directory: Directory) -> int:
    """How often the signature of an entry occurs in the directory: at least the number of entries."""
    stream.seek(directory.start)
    left, count, last = directory.size, 0, b""
    while left > 0 and (block := stream.read(min(left, _READ_BYTES))):
        left -= len(block)
        count += (last + block).count(_CENTRAL_MAGIC)
        last = block[-3:]
    return count


def entries(stream: BinaryIO, directory: Directory, *, name: str) -> Iterator[Entry]:
    """List the entries of the directory; the stream may be read elsewhere between them.

    Raises
    ------
    SourceBroken
        Where an entry is damaged.
    """
    at, buffer, read = 0, b"", 0
    while read - len(buffer) + at < directory.size:
        if len(buffer) - at < _CENTRAL.size + (3 << 16):
            stream.seek(directory.start + read)
            more = stream.read(min(max(_READ_BYTES, 3 << 16), directory.size - read))
            buffer, at, read = buffer[at:] + more, 0, read + len(more)
        if len(buffer) - at < _CENTRAL.size or buffer[at : at + 4] != _CENTRAL_MAGIC:
            raise SourceBroken(source=name, reason="its central directory is damaged")
        fields = _CENTRAL.unpack_from(buffer, at)
        _, flags, method, crc, packed, size, n_name, n_extra, n_comment, attributes, offset = fields
        at += _CENTRAL.size
        raw, extra = buffer[at : at + n_name], buffer[at + n_name : at + n_name + n_extra]
        at += n_name + n_extra + n_comment
        if len(extra) < n_extra or at > len(buffer):
            raise SourceBroken(source=name, reason="its central directory is damaged")
        if _NONE in {packed, size, offset}:
            size, packed, offset = _wide(extra, size, packed, offset)
        yield Entry(
            name=label(_text(raw)) or NAMELESS,
            name_bytes=n_name,
            flags=flags,
            method=method,
            crc=crc,
            packed=packed,
            size=size,
            mode=attributes >> 16,
            offset=offset + directory.before,
        )


def _text(raw: bytes) -> str | bytes:
    """A name: UTF-8 where it is valid, whatever its flag states, else the code page of DOS."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw if b"\0" in raw else raw.decode("cp437")


def _wide(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Sizes and offset; those that do not fit in 32 bits are in an extra field."""
    at = 0
    numbers = list(values)
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for n, value in enumerate(values):
                if value == _NONE and len(field) >= 8:
                    numbers[n], field = int.from_bytes(field[:8], "little"), field[8:]
        at += 4 + length
    return numbers[0], numbers[1], numbers[2]


class Layout:
    """The offsets of a zip's members: which members overlap, and which bytes belong to none."""

    def __init__(self, members: Iterator[Entry]) -> None:
        self._starts, self._ends, self._names = array("Q"), array("Q"), array("L")
        for entry in members:
            self._names.append(entry.name_bytes)
            self._starts.append(min(entry.offset, (1 << 63) - 1))
            self._ends.append(
                min(entry.offset + LOCAL_HEADER.size + entry.name_bytes + entry.packed, (1 << 63) - 1)
            )
        self.count = len(self._starts)

    def _order(self) -> list[int]:
        return sorted(range(self.count), key=self._starts.__getitem__)

    def overlapping(self) -> frozenset[int]:
        """Numbers of the members that share stored bytes with another one."""
        numbers = set[int]()
        last = -1
        for number in self._order():
            if last >= 0 and self._starts[number] < self._ends[last]:
                numbers |= {last, number}
            last = number
        return frozenset(numbers)

    def unlisted(self, stream: BinaryIO, directory: Directory) -> int:
        """How many bytes belong to no listed member, and may be an unlisted one or audio.

        Extra fields, descriptors, padding and the program of a self-extracting zip do not count.
        """
        end, n_unlisted, n_gaps = 0, 0, 0
        before = -1
        for number in [*self._order(), -1]:
            start = directory.start if number < 0 else self._starts[number]
            if start - end > _MAX_GAP and n_gaps < _GAPS_EXAMINED:
                n_gaps += 1
                end = end if before < 0 else self._exact_end(stream, before)
                n_unlisted += _unlisted(stream, end, start)
            end, before = (end, before) if number < 0 else (max(end, self._ends[number]), number)
        tail, comment = directory.end, directory.end - directory.comment
        n_unlisted += _comment(stream, comment, tail) + _unlisted(stream, tail, tail + directory.trailing)
        return n_unlisted + (directory.between if directory.between > _PADDING else 0)

    def _exact_end(self, stream: BinaryIO, number: int) -> int:
        """The end of a member from its own header, whose extra field may be longer."""
        start, end = self._starts[number], self._ends[number]
        stream.seek(start)
        header = stream.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or header[:4] != LOCAL:
            return end
        _, n_name, n_extra = LOCAL_HEADER.unpack(header)
        return end - self._names[number] + int(n_name) + int(n_extra)


def _unlisted(stream: BinaryIO, start: int, stop: int) -> int:
    """Bytes of a gap that may be a member or audio; 0 where it is padding or a program."""
    if stop - start < LOCAL_HEADER.size:
        return 0
    stream.seek(start)
    head = stream.read(min(stop - start, _EXAMINED))
    plain = head.lstrip(b"\0")
    if LOCAL in head[:_MAX_GAP] or looks_like_audio(plain):
        return stop - start
    if not plain or stop - start <= _PADDING:
        return 0
    if head.startswith((b"MZ", b"\x7fELF", b"#!")) and stop - start <= _PROGRAM:
        stream.seek(start)
        return stop - start if _SOUND_WITHIN.search(stream.read(stop - start)) else 0
    return stop - start


def _comment(stream: BinaryIO, start: int, stop: int) -> int:
    """Bytes of a comment that may be audio, or is longer than a key or a checksum; 0 for plain text."""
    stream.seek(start)
    text = stream.read(stop - start)
    if looks_like_text(text) and not holds_audio(io.BytesIO(text)):
        return 0
    return (
        len(text)
        if len(text) > _PADDING or looks_like_audio(text[:HEAD_BYTES]) or looks_like_text(text)
        else 0
    )
