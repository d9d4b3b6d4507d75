"""A zip: regular members that are items, read one by one, never extracted."""

from __future__ import annotations

import itertools
import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import BinaryIO, Final

from api.datasets.kinds import PassedOver
from api.datasets.labels import HEAD_BYTES, Names, label
from api.datasets.members import called_like_audio, is_item, refusal
from api.datasets.places import Place
from api.datasets.streams import UNPACK_ERRORS, Readable, lazily, reason
from api.datasets.types import Recording, Skipped, SourceLimits
from api.errors import (
    Bomb,
    DeviceRefused,
    EncryptedItem,
    ItemRefused,
    ItemTooLarge,
    ItemUnreadable,
    LinkRefused,
    OverlappingMember,
    SourceBroken,
    SourceTooLarge,
)

NAMELESS: Final = "(no name)"
"""What a member without a name is called, so that a finding can speak of it."""

_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_TAIL_BYTES: Final = (1 << 16) + 22
# bzip2 and LZMA unpack unboundedly much from one read; no dataset needs them for audio
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class ZipReader:
    """Reads one zip; an item's id is its member name, in the order of the central directory."""

    format = "zip"
    shards: tuple[str, ...] = ()

    def __init__(self, place: Place, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits
        self._total: int | None = None
        self.passed_over = PassedOver()

    @property
    def total(self) -> int:
        """How many items there are, by the central directory."""
        if self._total is None:
            self._total = sum(1 for _ in self)
        return self._total

    def __iter__(self) -> Iterator[Recording | Skipped]:
        self.passed_over = PassedOver()
        names = Names()
        with closing(self._place.open()) as stream:
            infos = directory(stream, name=self._place.name, limits=self._limits)
            shared = overlapping(infos)
            for number, info in enumerate(infos):
                item_id = names.take(_name(info))
                try:
                    item = self._item(stream, info, item_id=item_id, shared=number in shared)
                except ItemRefused as error:
                    yield Skipped.of(error, item_id=item_id, path=_name(info))
                    continue
                if item is not None:
                    yield item
                elif not _is_folder(info):
                    self.passed_over.add(_name(info))

    def _item(
        self, stream: BinaryIO, info: zipfile.ZipInfo, *, item_id: str, shared: bool
    ) -> Recording | None:
        if _is_folder(info):
            return None
        name, place = _name(info), self._place
        refuse(info, name=name, shared=shared, limits=self._limits)
        # an item by name is not looked into before it is asked for
        head = b"" if called_like_audio(name) else _head(stream, info, name=name)
        if refused := refusal(name, head=head):
            raise refused
        if not is_item(name, head=head):
            return None
        return Recording(
            item_id=item_id,
            path=name,
            size=info.file_size,
            open=lazily(
                lambda: unpacked(place.open(), info, close_stream=True),
                name=name,
                max_bytes=self._limits.item_bytes,
                size=info.file_size,
            ),
        )


def directory(stream: BinaryIO, *, name: str, limits: SourceLimits) -> Sequence[zipfile.ZipInfo]:
    """Read the central directory, once its size and count are known to be within their caps."""
    try:
        _check_directory(stream, name=name, limits=limits)
        with zipfile.ZipFile(stream) as archive:
            return archive.infolist()
    except UNPACK_ERRORS as error:
        raise SourceBroken(source=name, reason=reason(error)) from error


def _check_directory(stream: BinaryIO, *, name: str, limits: SourceLimits) -> None:
    """Refuse a directory that would not fit in memory: its stated size, and the entries it really holds."""
    n_bytes = stream.seek(0, 2)
    stream.seek(max(0, n_bytes - _TAIL_BYTES))
    tail = stream.read(_TAIL_BYTES)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise SourceBroken(source=name, reason="no central directory; it may be cut off")
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    if wide >= 0:
        size = max(size if size != 0xFFFFFFFF else 0, int.from_bytes(tail[wide + 40 : wide + 48], "little"))
    if size > min(limits.directory_bytes, n_bytes):
        raise SourceTooLarge(source=name, what="its directory", limit=f"{limits.directory_bytes:,} bytes")
    # the directory ends where its end record begins; it may lie about its start, never about this
    stop = n_bytes - len(tail) + (wide if wide >= 0 else end)
    stream.seek(max(0, stop - size))
    if stream.read(min(size, stop)).count(_CENTRAL_MAGIC) > limits.members:
        raise SourceTooLarge(source=name, what="members", limit=f"{limits.members:,}")


def overlapping(infos: Sequence[zipfile.ZipInfo]) -> frozenset[int]:
    """Numbers of the members whose stored bytes begin before those of the member stored ahead of them end."""
    order = sorted(range(len(infos)), key=lambda n: infos[n].header_offset)
    shared = set()
    for before, after in itertools.pairwise(order):
        first = infos[before]
        least = first.header_offset + 30 + len(first.orig_filename) + first.compress_size
        if infos[after].header_offset < least:
            shared |= {before, after}
    return frozenset(shared)


def refuse(info: zipfile.ZipInfo, *, name: str, shared: bool, limits: SourceLimits) -> None:
    """Raise why a member is not read, judged by its directory entry alone."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise LinkRefused(name=name)
    if kind not in {0, stat.S_IFREG}:
        raise DeviceRefused(name=name)
    if info.flag_bits & 0x41:  # encrypted, or strongly so
        raise EncryptedItem(name=name)
    if shared:
        raise OverlappingMember(name=name)
    if info.compress_type not in _METHODS:
        raise ItemUnreadable(name=name, detail=f"compression method {info.compress_type}")
    if info.file_size > max(limits.ratio_free_bytes, limits.ratio * info.compress_size):
        raise Bomb(name=name, detail=f"{info.compress_size:,} bytes state {info.file_size:,}")
    if info.file_size > limits.item_bytes:
        raise ItemTooLarge(name=name, detail=f"{info.file_size:,} bytes")


def unpacked(stream: BinaryIO, info: zipfile.ZipInfo, *, close_stream: bool) -> Readable:
    """The bytes of one member; given a handle of its own, items can be read in any order."""
    stream.seek(info.header_offset)
    magic, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    if magic != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the directory says")
    stream.seek(name_bytes + extra_bytes, 1)
    member: Readable = zipfile.ZipExtFile(stream, "r", info, None, close_stream)  # type: ignore[call-overload]
    return member


def _head(stream: BinaryIO, info: zipfile.ZipInfo, *, name: str) -> bytes:
    try:
        return unpacked(stream, info, close_stream=False).read(HEAD_BYTES)
    except UNPACK_ERRORS as error:
        raise ItemUnreadable(name=name, detail=reason(error)) from error


def _name(info: zipfile.ZipInfo) -> str:
    return label(info.orig_filename) or NAMELESS


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """As `ZipInfo.is_dir` says, which fails on a member whose name is empty or begins with a NUL."""
    return info.filename.endswith("/")
