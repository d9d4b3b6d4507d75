"""One file as an item, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator

from earwitness.api.datasets.access.byte_streams import Unpacked, lazily
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.access.unpack import unpacker
from earwitness.api.datasets.item_errors import ItemTooLarge
from earwitness.api.datasets.items import NONE_PASSED_OVER, Skipped, SourceItem, SourceLimits


class FileReader:
    """Reads one audio file as a source of one item."""

    format = "file"
    total = 1
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Location, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        yield place_item(self._place, item_id=self._place.name, limits=self._limits)


class PackedReader:
    """Reads one compressed audio file (``clip.wav.gz``) as a source of one item."""

    format = "packed"
    total = 1
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Location, *, compression: str, limits: SourceLimits) -> None:
        self._place, self._compression, self._limits = place, compression, limits

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        name, limits = self._place.name, self._limits

        def open_unpacked() -> Unpacked:
            return unpacker(self._place.open(), compression=self._compression, name=name, limits=limits)

        open_item = lazily(open_unpacked, name=name, max_bytes=limits.item_bytes)
        yield SourceItem(item_id=name, path=name, open=open_item)


def place_item(place: Location, *, item_id: str, limits: SourceLimits) -> SourceItem | Skipped:
    """The item of an audio file; nothing is opened."""
    if place.size is not None and place.size > limits.item_bytes:
        too_large = ItemTooLarge(name=item_id, detail=f"{place.size:,} bytes")
        return Skipped.of(too_large, item_id=item_id, path=place.name)
    return SourceItem(
        item_id=item_id,
        path=place.name,
        size=place.size,
        open=lazily(place.open, name=item_id, max_bytes=limits.item_bytes),
        file=place.file,
    )
