"""One file as an item, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator

from api.datasets.places import Place
from api.datasets.streams import Unpacked, lazily
from api.datasets.types import NONE_PASSED_OVER, Recording, Skipped, SourceLimits
from api.datasets.unpack import unpacker
from api.errors import ItemTooLarge


class FileReader:
    """Reads one audio file as a source of one item."""

    format = "file"
    total = 1
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Place, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits

    def __iter__(self) -> Iterator[Recording | Skipped]:
        yield place_item(self._place, item_id=self._place.name, limits=self._limits)


class PackedReader:
    """Reads one compressed audio file (``clip.wav.gz``) as a source of one item."""

    format = "packed"
    total = 1
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Place, *, compression: str, limits: SourceLimits) -> None:
        self._place, self._compression, self._limits = place, compression, limits

    def __iter__(self) -> Iterator[Recording | Skipped]:
        name, limits = self._place.name, self._limits

        def opened() -> Unpacked:
            return unpacker(self._place.open(), compression=self._compression, name=name, limits=limits)

        opening = lazily(opened, name=name, max_bytes=limits.item_bytes)
        yield Recording(item_id=name, path=name, open=opening)


def place_item(place: Place, *, item_id: str, limits: SourceLimits) -> Recording | Skipped:
    """The item that an audio file is; nothing is opened."""
    if place.size is not None and place.size > limits.item_bytes:
        too_large = ItemTooLarge(name=item_id, detail=f"{place.size:,} bytes")
        return Skipped.of(too_large, item_id=item_id, path=place.name)
    return Recording(
        item_id=item_id,
        path=place.name,
        size=place.size,
        open=lazily(place.open, name=item_id, max_bytes=limits.item_bytes),
        file=place.file,
    )
