"""A tar, plain or compressed: regular members that are items, streamed, never extracted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import (
    Readable,
    item_stream,
    lazily,
    reason,
)
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.archives.tar_stream import Member, members, open_tar_stream
from earwitness.api.datasets.entries.embedded_audio_text import holds_audio, is_text
from earwitness.api.datasets.file_kinds import PassedOver
from earwitness.api.datasets.item_errors import (
    AudioInText,
    DeviceRefused,
    ItemRefused,
    ItemTooLarge,
    LinkRefused,
    SourceCutOff,
    SparseItem,
    UnlistedData,
)
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.members import called_like_audio, is_item, refusal
from earwitness.api.datasets.names import HEAD_BYTES, Names
from earwitness.fingerprint.errors import EarwitnessError

_REFUSED: Final[dict[str, type[ItemRefused]]] = {
    "link": LinkRefused,
    "sparse": SparseItem,
    "other": DeviceRefused,
    "hidden": UnlistedData,
}


class TarReader:
    """Reads one tar; an item's id is its member name.

    Items of an uncompressed tar can be opened in any order; those of a compressed one are ``sequential``.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, place: Location, *, packing: str, limits: SourceLimits) -> None:
        self.format = packing
        self._place, self._limits = place, limits
        self._total: int | None = None
        self.passed_over = PassedOver()

    @property
    def total(self) -> int | None:
        """How many items there are, by walking the headers; None for a compressed tar."""
        if self._total is None and self.format == "tar":
            self._total = sum(1 for _ in self)
        return self._total

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names = Names()
        try:
            with closing(self._place.open()) as stream:
                for member in self._members(stream):
                    item = self._item(member, item_id=names.take(member.name))
                    if item is not None:
                        yield item
                    elif member.kind == "file":
                        self.passed_over.add(member.name)
        except (ItemRefused, OSError) as error:
            yield cut_off(error, place=self._place, item_id=names.take(f"{self._place.name}#rest"))

    def _members(self, stream: BinaryIO) -> Iterator[Member]:
        tar = open_tar_stream(stream, packing=self.format, name=self._place.name, limits=self._limits)
        return members(tar, name=self._place.name, limits=self._limits)

    def _item(self, member: Member, *, item_id: str) -> SourceItem | Skipped | None:
        refused = member_refusal(member, limits=self._limits)
        if refused is not None:
            return Skipped.of(refused, item_id=item_id, path=member.name)
        if member.kind == "folder" or not member_is_item(member):
            return refuse_audio_in_text(member, member.body, item_id=item_id)
        return SourceItem(
            item_id=item_id,
            path=member.name,
            size=member.size,
            open=member_open(self._place, member, packing=self.format, limits=self._limits),
            sequential=self.format != "tar",
        )


def member_is_item(member: Member) -> bool:
    """Whether a regular member is an item."""
    # an item by its name is not read before its bytes are requested
    return called_like_audio(member.name) or is_item(member.name, head=member.body.head(HEAD_BYTES))


def refuse_audio_in_text(
    member: Member, body: Readable, *, item_id: str, shard: str | None = None
) -> Skipped | None:
    """Report a member that is no item, where it is a text that holds audio; None for others."""
    if member.kind != "file" or not is_text(member.name, member.body.head(HEAD_BYTES)):
        return None
    try:
        if not holds_audio(body):
            return None
        refused: ItemRefused = AudioInText(name=member.name)
    except ItemRefused as error:  # its ratio is too high, or it ends early
        refused = error
    return Skipped.of(refused, item_id=item_id, path=member.name, shard=shard)


def member_refusal(member: Member, *, limits: SourceLimits) -> ItemRefused | None:
    """Why a member is refused; None when it is not."""
    if member.kind in _REFUSED:
        return _REFUSED[member.kind](name=member.name)
    if member.kind == "folder":
        return None
    head = b"" if called_like_audio(member.name) else member.body.head(HEAD_BYTES)
    refused = refusal(member.name, head=head)
    if refused is None and member.size > limits.item_bytes and is_item(member.name, head=head):
        return ItemTooLarge(name=member.name, detail=f"{member.size:,} bytes")
    return refused


def member_open(
    place: Location, member: Member, *, packing: str, limits: SourceLimits
) -> Callable[[], BinaryIO]:
    """Make a member's ``open``: at its offset in a plain tar, in the current stream of a compressed one."""
    name, offset, size, body = member.name, member.offset, member.size, member.body
    if packing == "tar":
        return lazily(lambda: Slice(place.open(), offset=offset, size=size), name=name, max_bytes=size)
    return lambda: item_stream(body, name=name, max_bytes=limits.item_bytes)


class Slice:
    """Consecutive bytes of a stored file."""

    def __init__(self, stream: BinaryIO, *, offset: int, size: int) -> None:
        self._stream, self._left = stream, size
        stream.seek(offset)

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; `EOFError` where the file ends early."""
        data = self._stream.read(min(n, self._left))
        if not data and self._left and n:
            raise EOFError("the archive ends within it")
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def cut_off(
    error: EarwitnessError | OSError, *, place: Location, item_id: str, shard: str | None = None
) -> Skipped:
    """Report everything that could not be listed because the archive ends early or is damaged."""
    refused = (
        error if isinstance(error, SourceCutOff) else SourceCutOff(name=place.name, detail=reason(error))
    )
    return Skipped.of(refused, item_id=item_id, path=place.name, shard=shard)
