"""A folder tree: every file that is called like audio, or starts like it."""

from __future__ import annotations

from collections.abc import Iterator

from api.datasets.labels import HEAD_BYTES, Names, looks_like_audio
from api.datasets.members import called_like_audio, is_archive
from api.datasets.places import Listing, Place, Refused
from api.datasets.streams import lazily, reason
from api.datasets.types import Recording, Skipped, SourceLimits
from api.errors import ItemRefused, ItemTooLarge, ItemUnreadable, NestedArchive


class FolderReader:
    """Reads the audio files of a listing; an item's id is its path relative to the folder."""

    format = "folder"
    shards: tuple[str, ...] = ()

    def __init__(self, listing: Listing, *, limits: SourceLimits) -> None:
        self._listing, self._limits = listing, limits
        self._total: int | None = None
        self.passed_over = 0

    @property
    def total(self) -> int:
        """How many items there are; lists the folder once."""
        if self._total is None:
            self._total = sum(1 for _ in self)
        return self._total

    def __iter__(self) -> Iterator[Recording | Skipped]:
        self.passed_over = 0
        names = Names()  # names of different bytes may have one label
        for found in self._listing():
            item = self._item(found, item_id=names.take(found.name))
            if item is None:
                self.passed_over += 1
            else:
                yield item

    def _item(self, found: Place | Refused, *, item_id: str) -> Recording | Skipped | None:
        if isinstance(found, Refused):
            return Skipped.of(found.error, item_id=item_id, path=found.name)
        return place_item(found, item_id=item_id, limits=self._limits)


class FileReader:
    """Reads one audio file as a source of one item."""

    format = "file"
    total = 1
    shards: tuple[str, ...] = ()
    passed_over = 0

    def __init__(self, place: Place, *, limits: SourceLimits) -> None:
        self._place, self._limits = place, limits

    def __iter__(self) -> Iterator[Recording | Skipped]:
        item = place_item(self._place, item_id=self._place.name, limits=self._limits)
        if item is not None:
            yield item


def place_item(place: Place, *, item_id: str, limits: SourceLimits) -> Recording | Skipped | None:
    """The item that a file of a folder is; None when it is no item."""
    try:
        if not _is_item(place):
            return None
    except OSError as error:
        return Skipped.of(
            ItemUnreadable(name=item_id, detail=reason(error)), item_id=item_id, path=place.name
        )
    except ItemRefused as error:
        return Skipped.of(error, item_id=item_id, path=place.name)
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


def _is_item(place: Place) -> bool:
    """Whether a file is an item, by its name or else by its first bytes; `NestedArchive` for an archive."""
    if called_like_audio(place.name):
        return True
    head = place.head(HEAD_BYTES)
    if is_archive(place.name, head=head):
        raise NestedArchive(name=place.name)
    return looks_like_audio(head)
