"""A zip: regular members that are items, read one by one, never extracted."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import (
    UNPACK_ERRORS,
    Counted,
    Readable,
    lazily,
    reason,
)
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.access.unpack import MEMORY_BYTES, UNPACKERS, Streams
from earwitness.api.datasets.archives.tars import Slice
from earwitness.api.datasets.archives.zip_directory import (
    LOCAL,
    LOCAL_HEADER,
    Directory,
    Entry,
    Layout,
    entries,
    find_directory,
)
from earwitness.api.datasets.entries.embedded_audio_text import holds_audio, is_text
from earwitness.api.datasets.file_kinds import PassedOver
from earwitness.api.datasets.item_errors import (
    AudioInText,
    Bomb,
    DeviceRefused,
    EncryptedItem,
    ItemRefused,
    ItemTooLarge,
    ItemUnreadable,
    LinkRefused,
    OverlappingMember,
    UnknownMethod,
    UnlistedData,
)
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.members import called_like_audio, is_item, refusal
from earwitness.api.datasets.names import HEAD_BYTES, Names
from earwitness.api.datasets.source_errors import SourceBroken

_STORED: Final = 0
_DEFLATED: Final = 8
_LZMA: Final = 14
_METHODS: Final = {
    1: "Shrink", 2: "Reduce", 3: "Reduce", 4: "Reduce", 5: "Reduce", 6: "Implode", 9: "Deflate64",
    10: "PKWARE Implode", 16: "IBM z/OS CMPSC", 18: "IBM TERSE", 19: "IBM LZ77", 94: "MP3", 96: "JPEG",
    97: "WavPack", 98: "PPMd", 99: "AES encryption",
}  # fmt: skip
"""Names of the methods that are not read."""
_COUNTED: Final = 50_000
"""Most members that are read to count the items; the total of a zip with more is not known."""


class ZipReader:
    """Reads one zip; an item's id is its member name, in the order of the central directory."""

    format = "zip"
    shards: tuple[str, ...] = ()

    def __init__(self, place: Location, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits
        self._total: int | None = None
        self._is_counted = False
        self.passed_over = PassedOver()

    @property
    def total(self) -> int | None:
        """How many items there are; None where too many members would have to be read."""
        if not self._is_counted:
            self._total, self._is_counted = self._count(), True
        return self._total

    def _count(self) -> int | None:
        with closing(self._place.open()) as stream:
            directory = self._directory(stream)
            members = entries(stream, directory, name=self._place.name)
            unnamed = sum(1 for entry in members if not called_like_audio(entry.name) and not entry.is_folder)
        return sum(1 for _ in self) if unnamed <= _COUNTED else None

    def _directory(self, stream: BinaryIO) -> Directory:
        try:
            return find_directory(stream, name=self._place.name, limits=self._limits)
        except UNPACK_ERRORS as error:
            raise SourceBroken(source=self._place.name, reason=reason(error)) from error

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names, place = Names(), self._place
        with closing(place.open()) as stream:
            directory = self._directory(stream)
            try:
                layout = Layout(entries(stream, directory, name=place.name))
                unlisted = layout.unlisted(stream, directory)
            except UNPACK_ERRORS as error:
                raise SourceBroken(source=place.name, reason=reason(error)) from error
            overlapping = layout.overlapping()
            for number, entry in enumerate(entries(stream, directory, name=place.name)):
                if entry.is_folder:
                    continue
                item_id = names.take(entry.name)
                try:
                    item = self._item(stream, entry, item_id=item_id, overlaps=number in overlapping)
                except ItemRefused as error:
                    yield Skipped.of(error, item_id=item_id, path=entry.name)
                    continue
                if item is not None:
                    yield item
                else:
                    self.passed_over.add(entry.name)
        if unlisted:
            refused = UnlistedData(name=place.name, detail=f"{unlisted:,} bytes")
            yield Skipped.of(refused, item_id=names.take(f"{place.name}#rest"), path=place.name)

    def _item(self, stream: BinaryIO, entry: Entry, *, item_id: str, overlaps: bool) -> SourceItem | None:
        name, place = entry.name, self._place
        refuse(entry, overlaps=overlaps)
        # an item by its name is not read before its bytes are requested
        head = b"" if called_like_audio(name) else _head(stream, entry)
        if refused := refusal(name, head=head):
            raise refused
        if not is_item(name, head=head):
            if is_text(name, head) and _holds_audio(stream, entry):
                raise AudioInText(name=name)
            return None
        refuse_size(entry, limits=self._limits)
        return SourceItem(
            item_id=item_id,
            path=name,
            size=entry.size,
            open=lazily(
                lambda: unpacked(place.open(), entry),
                name=name,
                max_bytes=self._limits.item_bytes,
                size=entry.size,
            ),
        )


def refuse(entry: Entry, *, overlaps: bool) -> None:
    """Raise an `ItemRefused` where the directory entry of a member shows that it cannot be read."""
    name, kind = entry.name, stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        raise LinkRefused(name=name)
    if kind not in {0, stat.S_IFREG}:
        raise DeviceRefused(name=name)
    if entry.flags & 0x41:  # encrypted, or strongly so
        raise EncryptedItem(name=name)
    if overlaps:
        raise OverlappingMember(name=name)
    if entry.method not in {_STORED, _DEFLATED, _LZMA, *_METHOD_UNPACKERS}:
        method = _METHODS.get(entry.method, "unknown")
        raise UnknownMethod(name=name, detail=f"{method}, method {entry.method}")


def refuse_size(entry: Entry, *, limits: SourceLimits) -> None:
    """Raise `ItemTooLarge` or `Bomb` where the sizes in the directory exceed the limits."""
    if entry.size > max(limits.ratio_free_bytes, limits.ratio * entry.packed):
        raise Bomb(name=entry.name, detail=f"{entry.packed:,} bytes state {entry.size:,}")
    if entry.size > limits.item_bytes:
        raise ItemTooLarge(name=entry.name, detail=f"{entry.size:,} bytes")


def unpacked(stream: BinaryIO, entry: Entry, *, close_stream: bool = True) -> Readable:
    """Open the bytes of one member; with a stream of its own each, members can be read in any order."""
    stream.seek(entry.offset)
    magic, name_bytes, extra_bytes = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    if magic != LOCAL:
        raise zipfile.BadZipFile("no member at the offset in the directory")
    start = entry.offset + LOCAL_HEADER.size + name_bytes + extra_bytes
    stream.seek(start)
    if entry.method in {_STORED, _DEFLATED}:
        return _open_deflated(stream, entry, close_stream=close_stream)
    stored = Counted(Slice(stream, offset=start, size=entry.packed))
    plain = _open_lzma(stored, entry) if entry.method == _LZMA else _METHOD_UNPACKERS[entry.method](stored)
    return _Checked(plain, stored=stored, entry=entry)


def _open_deflated(stream: BinaryIO, entry: Entry, *, close_stream: bool) -> Readable:
    info = zipfile.ZipInfo(entry.name)
    info.compress_type, info.flag_bits, info.CRC = entry.method, entry.flags, entry.crc
    info.compress_size, info.file_size = entry.packed, entry.size
    member: Readable = zipfile.ZipExtFile(stream, "r", info, None, close_stream)  # type: ignore[call-overload]
    return member


def _open_lzma(stored: Counted, entry: Entry) -> Readable:
    """LZMA of a zip: a version, a length, and the header of a .lzma file without its size."""
    _, n_bytes = struct.unpack("<2sH", _exactly(stored, 4))
    properties = _exactly(stored, n_bytes)
    ends_itself = bool(entry.flags & 2)
    length = b"\xff" * 8 if ends_itself else struct.pack("<Q", entry.size)
    plain = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY_BYTES)
    plain.decompress(properties[:5] + length)
    return Streams(stored, lambda: plain)


def _exactly(stored: Counted, n: int) -> bytes:
    data = stored.read(n)
    if len(data) < n:
        raise EOFError("the archive ends within it")
    return data


_METHOD_UNPACKERS: Final[dict[int, Callable[[Counted], Readable]]] = {
    12: lambda stored: UNPACKERS["bz2"](stored),
    93: lambda stored: UNPACKERS["zst"](stored),
    95: lambda stored: UNPACKERS["xz"](stored),
}
"""Unpackers by the number of the compression method."""


class _Checked:
    """The bytes of a member up to its stated size, compared with its checksum."""

    def __init__(self, plain: Readable, *, stored: Counted, entry: Entry) -> None:
        self._plain, self._stored, self._left, self._crc = plain, stored, entry.size, 0
        self._stated_crc = entry.crc

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; `BadZipFile` at the end where the checksum differs."""
        data = self._plain.read(min(n, self._left)) if self._left and n else b""
        self._crc = zlib.crc32(data, self._crc)
        self._left -= len(data)
        if not self._left and self._crc != self._stated_crc:
            raise zipfile.BadZipFile("its bytes do not have the checksum that is stored with them")
        return data

    def close(self) -> None:
        """Close the archive."""
        self._stored.close()


def _holds_audio(stream: BinaryIO, entry: Entry) -> bool:
    """Whether a member that is a text holds audio; the stream stays open."""
    try:
        return holds_audio(unpacked(stream, entry, close_stream=False))
    except UNPACK_ERRORS as error:
        raise ItemUnreadable(name=entry.name, detail=reason(error)) from error


def _head(stream: BinaryIO, entry: Entry) -> bytes:
    """The first bytes of a member; the stream stays open."""
    try:
        return unpacked(stream, entry, close_stream=False).read(HEAD_BYTES)
    except UNPACK_ERRORS as error:
        raise ItemUnreadable(name=entry.name, detail=reason(error)) from error
