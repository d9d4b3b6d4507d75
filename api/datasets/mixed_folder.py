"""A folder of audio files, archives and tables, each read by its own reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Listing, Location, Refused
from earwitness.api.datasets.archives.single_file import place_item
from earwitness.api.datasets.entries.embedded_audio_text import (
    may_hold_audio,
    text_holds_audio,
)
from earwitness.api.datasets.file_kinds import PassedOver
from earwitness.api.datasets.item_errors import AudioInText, ItemMissing, ItemRefused, ItemUnreadable
from earwitness.api.datasets.items import (
    Manifest,
    Reader,
    Skipped,
    SourceItem,
    SourceLimits,
    Written,
)
from earwitness.api.datasets.members import called_like_audio, is_archive, is_item
from earwitness.api.datasets.names import HEAD_BYTES, Names
from earwitness.api.datasets.source_errors import NoAudioColumn, SourceError

TABLES: Final = frozenset({"parquet", "arrow"})
_NAMES_NONE: Final = "it names no audio"
_OWN_ERRORS: Final = frozenset({"bad_entry", "item_too_large", "source_cut_off"})


class Nested(Protocol):
    """Opens the reader of an archive or a table; None for other files, such as compressed text."""

    def __call__(self, place: Location, *, lists: bool = False) -> Reader | None:
        """Open a file; with ``lists``, a text manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The reader of a folder's main format, and the names of the files that it reads."""

    reader: Reader
    names: frozenset[str]


class MixedReader:
    """Reads a folder file by file; an item's id is its path relative to the folder.

    The ids of items in an archive or a table begin with its path: ``data/a.zip/clip.mp3``,
    ``data/a.parquet#3``. Where the folder has a main format (shards of one kind, Kaldi), its items are read
    first, with their own ids, and then all other files.

    Parameters
    ----------
    root : Path or None
        The folder, where it is a local one: rows of a table that only name its files are not read twice.
    """

    def __init__(
        self, listing: Listing, *, nested: Nested, lead: Lead | None, root: Path | None, limits: SourceLimits
    ) -> None:
        self._listing, self._nested, self._lead = listing, nested, lead
        self._root, self._limits = root, limits
        self._total: int | None = None
        self._is_counted = False
        self.format = "folder" if lead is None else lead.reader.format
        self.shards = () if lead is None else lead.reader.shards
        self.passed_over = PassedOver()

    @property
    def total(self) -> int | None:
        """How many items there are, by listing the folder; None where it holds an archive or a table."""
        if not self._is_counted:
            self._total, self._is_counted = self._count(), True
        return self._total

    def _count(self) -> int | None:
        lead = None if self._lead is None else self._lead.reader
        total = 0 if lead is None else lead.total
        if total is None:
            return None
        for file in self._rest():
            if isinstance(file, Location) and not called_like_audio(file.name):
                try:
                    head = file.head(HEAD_BYTES)
                except (OSError, ItemRefused):
                    total += 1
                    continue
                if not is_item(file.name, head=head):
                    if is_archive(file.name, head=head):
                        return None
                    continue
            total += 1
        # the list of the main format may name some of the files
        return sum(1 for _ in self) if lead is not None and not lead.shards else total

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names = Names()  # names of different bytes may have one label
        for item in self._items():
            yield replace(item, item_id=names.take(item.item_id))

    def _items(self) -> Iterator[SourceItem | Skipped]:
        read: set[Path | str] = set()
        if self._lead is not None:
            for item in self._lead.reader:
                if isinstance(item, SourceItem) and item.shard is None:
                    read.add(item.file or item.path)
                yield item
            self.passed_over.add_all(self._lead.reader.passed_over)
        for file in self._rest():
            if isinstance(file, Refused):
                yield Skipped.of(file.error, item_id=file.name)
            elif (file.file or file.name) not in read:
                yield from self._file(file)

    def _rest(self) -> Iterator[Location | Refused]:
        lead = frozenset[str]() if self._lead is None else self._lead.names
        return (file for file in self._listing() if file.name not in lead)

    def _file(self, place: Location) -> Iterator[SourceItem | Skipped]:
        try:
            head = b"" if called_like_audio(place.name) else place.head(HEAD_BYTES)
        except (OSError, ItemRefused) as error:
            yield _refused(error, place)
            return
        if is_item(place.name, head=head):
            yield place_item(place, item_id=place.name, limits=self._limits)
        elif is_archive(place.name, head=head):
            yield from self._within(place)
        else:
            yield from self._held(place, head)

    def _held(self, place: Location, head: bytes) -> Iterator[SourceItem | Skipped]:
        """The items whose audio is inside a list; files that it only names are listed by themselves.

        A text that holds audio in another form is reported.
        """
        n_held = 0
        if may_hold_audio(place, limits=self._limits):
            try:
                for item in self._nested(place, lists=True) or ():
                    own = item.path == place.name and getattr(item, "open", None) is not None
                    if own or (isinstance(item, Skipped) and _is_own_error(item)):
                        n_held += 1
                        yield _below(item, place)
            except (SourceError, ItemRefused, OSError) as error:
                n_held += 1
                yield _refused(error, place)
        if n_held:
            return
        try:
            if not text_holds_audio(place, head):
                self.passed_over.add(place.name)
                return
            yield _refused(AudioInText(name=place.name), place)
        except (ItemRefused, OSError) as error:
            yield _refused(error, place)

    def _within(self, place: Location) -> Iterator[SourceItem | Skipped]:
        """The items of an archive or a table; its failure is reported as one item."""
        try:
            reader = self._nested(place)
            if reader is None:
                yield from self._held(place, place.head(HEAD_BYTES))
                return
            n_items = 0
            for item in self._rows(reader, place) if reader.format in TABLES else reader:
                n_items += 1
                yield _below(item, place)
            self.passed_over.add_all(reader.passed_over)
            if not n_items and not sum(reader.passed_over.values()):
                self.passed_over.add(place.name)
        except NoAudioColumn:
            self.passed_over.add(
                place.name
            )  # a table of other things, such as the titles of the files beside it
        except (SourceError, ItemRefused, OSError) as error:
            yield _refused(error, place)

    def _rows(self, reader: Reader, place: Location) -> Iterator[SourceItem | Skipped]:
        """A table's rows without those that name files of this folder, which are items already."""
        n_missing = 0
        for item in reader:
            if isinstance(item, Skipped):
                if item.code == ItemMissing.code:
                    n_missing += 1
                else:
                    yield item
            elif not self._is_in_folder(item):
                yield item
        if n_missing:
            missing = ItemMissing(
                name=place.name, detail=f"{n_missing:,} of its rows name files that are not here"
            )
            yield Skipped.of(missing, item_id=f"{place.name}#missing", path=place.name, shard=place.name)

    def _is_in_folder(self, item: SourceItem) -> bool:
        return (
            item.file is not None
            and self._root is not None
            and item.file.is_relative_to(self._root)
            and called_like_audio(item.file.name)
        )


def _is_own_error(item: Skipped) -> bool:
    """Whether an unreadable row of a list may hold audio, and is not only a description."""
    return item.code in _OWN_ERRORS and _NAMES_NONE not in item.message


class MixedManifest(MixedReader):
    """A folder whose main format is a list that can be written again with entries left out."""

    def written(self) -> Iterator[Written]:
        """The list unchanged, entry by entry."""
        assert self._lead is not None
        assert isinstance(self._lead.reader, Manifest)
        return self._lead.reader.written()


def _refused(error: SourceError | ItemRefused | OSError, place: Location) -> Skipped:
    known = ItemUnreadable(name=place.name, detail=reason(error)) if isinstance(error, OSError) else error
    return Skipped.of(known, item_id=place.name)


def _below(item: SourceItem | Skipped, place: Location) -> SourceItem | Skipped:
    """An item of an archive or a table; its id begins with the path of that file."""
    if item.item_id == place.name or item.item_id.startswith(f"{place.name}#"):
        return replace(item, shard=place.name)
    path = item.path if item.path.startswith(place.name) else f"{place.name}/{item.path}"
    return replace(item, item_id=f"{place.name}/{item.item_id}", path=path, shard=place.name)
