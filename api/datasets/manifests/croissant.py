"""Croissant JSON-LD: the files and file sets that describe a dataset, read by the reader of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Listing, Location, Refused
from earwitness.api.datasets.archives.single_file import place_item
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.file_kinds import PassedOver
from earwitness.api.datasets.item_errors import ItemRefused, ItemUnreadable
from earwitness.api.datasets.items import Json, Reader, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.json_rows import whole_json
from earwitness.api.datasets.manifests.json_text import BadJson, text_of
from earwitness.api.datasets.members import called_like_audio, is_item
from earwitness.api.datasets.names import HEAD_BYTES, Names, label
from earwitness.api.datasets.source_errors import SourceBroken, SourceError, UnknownFormat
from earwitness.fingerprint.errors import EarwitnessError

NOT_DESCRIBED: Final = "not in the description"
"""Kind of files that the description does not select."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the distribution: one file, or the files of an archive or the folder that globs select."""

    url: str | None
    includes: tuple[str, ...] = ()
    audio_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSelection:
    """All parts of one file, or of the folder, so that each is read once."""

    url: str | None
    names: frozenset[str]
    globs: tuple[str, ...]
    everything: bool
    audio_columns: tuple[str, ...]

    def selects(self, path: str) -> bool:
        """Whether a part names this path, or a glob matches it; a part without globs selects everything."""
        return self.everything or path in self.names or any(fnmatchcase(path, glob) for glob in self.globs)


Nested = Callable[[Location, tuple[str, ...]], Reader]
"""Opens a file with the reader for its format; the columns are declared to be audio."""


class CroissantReader:
    """Reads what a Croissant file describes; an item's id is ``file/id within it``, or its path."""

    format = "croissant"
    total = None

    def __init__(
        self,
        place: Location,
        *,
        resolver: Resolver,
        listing: Listing,
        nested: Nested,
        limits: SourceLimits,
    ) -> None:
        self._resolver, self._listing, self._nested, self._limits = resolver, listing, nested, limits
        self._place = place
        self._selections = selections_of(
            distribution_parts(read_croissant(place, limits=limits), source=place.name)
        )
        self.shards = tuple(
            label(selection.url) for selection in self._selections if selection.url is not None
        )
        self.passed_over = PassedOver()

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names = Names()
        for selection in self._selections:
            for item in (
                self._folder(selection) if selection.url is None else self._file(selection, selection.url)
            ):
                yield replace(item, item_id=names.take(item.item_id))

    def _file(self, selection: FileSelection, url: str) -> Iterator[SourceItem | Skipped]:
        try:
            place = self._resolver.place(url)
            yield from self._within(place, selection)
        except (ItemRefused, SourceError) as error:
            yield Skipped.of(error, item_id=label(url))

    def _within(self, place: Location, selection: FileSelection) -> Iterator[SourceItem | Skipped]:
        reader = self._nested(place, selection.audio_columns)
        for item in reader:
            if reader.format == "file":
                yield item
            elif selection.selects(item.path):
                own = item.item_id if item.item_id.startswith(place.name) else f"{place.name}/{item.item_id}"
                yield replace(item, item_id=own, shard=place.name)
            else:
                self.passed_over.add_kind(NOT_DESCRIBED)
        self.passed_over.add_all(reader.passed_over)

    def _folder(self, selection: FileSelection) -> Iterator[SourceItem | Skipped]:
        for place in self._listing():
            if place.name == self._place.name or not selection.selects(place.name):
                continue
            if isinstance(place, Refused):
                yield Skipped.of(place.error, item_id=place.name)
            else:
                yield from self._selected(place, selection)

    def _selected(self, place: Location, selection: FileSelection) -> Iterator[SourceItem | Skipped]:
        try:
            if called_like_audio(place.name) or is_item(place.name, head=place.head(HEAD_BYTES)):
                yield place_item(place, item_id=place.name, limits=self._limits)
                return
            # archives and tables of a file set: its globs select the file, not its members
            yield from self._within(place, replace(selection, everything=True))
        except UnknownFormat:
            self.passed_over.add(place.name)
        except OSError as error:
            unreadable = ItemUnreadable(name=place.name, detail=reason(error))
            yield Skipped.of(unreadable, item_id=place.name)
        except EarwitnessError as error:
            yield Skipped.of(error, item_id=place.name)


def read_croissant(place: Location, *, limits: SourceLimits) -> dict[str, Json]:
    """Read the JSON-LD, within its size limit."""
    try:
        value = whole_json(place, limits=limits)
    except (BadJson, OSError) as error:
        raise SourceBroken(source=place.name, reason=str(error)) from error
    if not isinstance(value, dict):
        raise SourceBroken(source=place.name, reason="it is not a JSON object")
    return value


def selections_of(parts: Iterable[Part]) -> list[FileSelection]:
    """The parts of each file, and those of the folder, in the order in which each is named first."""
    by_url: dict[str | None, list[Part]] = {}
    for part in parts:
        by_url.setdefault(part.url, []).append(part)
    return [_selection(url, of_one) for url, of_one in by_url.items()]


def _selection(url: str | None, parts: list[Part]) -> FileSelection:
    globs = dict.fromkeys(glob.removeprefix("./") for part in parts for glob in part.includes)
    return FileSelection(
        url=url,
        names=frozenset(glob for glob in globs if not set(glob) & set("*?[")),
        globs=tuple(glob for glob in globs if set(glob) & set("*?[")),
        everything=not all(part.includes for part in parts),
        audio_columns=tuple(dict.fromkeys(name for part in parts for name in part.audio_columns)),
    )


def distribution_parts(croissant: Mapping[str, Json], *, source: str) -> list[Part]:
    """The parts of the distribution, in its order."""
    files = {
        _id(entry): entry for entry in _objects(croissant.get("distribution")) if _is(entry, "FileObject")
    }
    sets = [entry for entry in _objects(croissant.get("distribution")) if _is(entry, "FileSet")]
    containers = {
        name for entry in (*sets, *files.values()) for name in _references(entry.get("containedIn"))
    }
    columns = _audio_columns(croissant)
    parts = [
        part
        for name, entry in files.items()
        if name not in containers
        for part in _file_parts(entry, files, columns=columns.get(name, ()))
    ]
    parts += [
        part for entry in sets for part in _set_parts(entry, files, columns=columns.get(_id(entry), ()))
    ]
    if not parts:
        raise SourceBroken(source=source, reason="its distribution names no files")
    return parts


def _file_parts(
    entry: Mapping[str, Json], files: Mapping[str, Mapping[str, Json]], *, columns: tuple[str, ...]
) -> Iterator[Part]:
    url = text_of(entry, "contentUrl") or _id(entry)
    inside = _references(entry.get("containedIn"))
    if not inside:
        yield Part(url=url, audio_columns=columns)
    for name in inside:
        yield Part(
            url=text_of(files.get(name, {}), "contentUrl") or name, includes=(url,), audio_columns=columns
        )


def _set_parts(
    entry: Mapping[str, Json], files: Mapping[str, Mapping[str, Json]], *, columns: tuple[str, ...]
) -> Iterator[Part]:
    includes = entry.get("includes")
    listed = includes if isinstance(includes, list) else [includes]
    globs = tuple(glob for glob in listed if isinstance(glob, str))
    containers: list[str | None] = [*_references(entry.get("containedIn"))]
    for name in containers or [None]:
        container = files.get(name or "", {})
        # a repository is not an archive: the file set is in the folder of the Croissant file
        archive = name is not None and "git" not in (text_of(container, "encodingFormat") or "")
        url = (text_of(container, "contentUrl") or name) if archive else None
        yield Part(url=url, includes=globs, audio_columns=columns)


def _audio_columns(croissant: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    """For each file or file set, the columns that record sets declare to be audio."""
    columns: dict[str, tuple[str, ...]] = {}
    for record_set in _objects(croissant.get("recordSet")):
        for entry in _objects(record_set.get("field")):
            source, kinds = entry.get("source"), str(entry.get("dataType"))
            if not isinstance(source, dict) or "AudioObject" not in kinds:
                continue
            extract = source.get("extract")
            column = text_of(extract, "column") if isinstance(extract, dict) else None
            for name in _references(source.get("fileObject")) + _references(source.get("fileSet")):
                if column is not None:
                    columns[name] = (*columns.get(name, ()), column)
    return columns


def is_croissant(value: Mapping[str, Json]) -> bool:
    """Whether a JSON object is a Croissant description."""
    return "distribution" in value and (
        "mlcommons.org/croissant" in str(value.get("conformsTo")) or "@context" in value
    )


def _objects(value: Json) -> list[dict[str, Json]]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def _references(value: Json) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    texts = [entry.get("@id") if isinstance(entry, dict) else entry for entry in entries]
    return [text for text in texts if isinstance(text, str)]


def _is(entry: Mapping[str, Json], kind: str) -> bool:
    types = entry.get("@type")
    return any(
        isinstance(t, str) and t.rpartition(":")[2].rpartition("/")[2] == kind
        for t in (types if isinstance(types, list) else [types])
    )


def _id(entry: Mapping[str, Json]) -> str:
    return text_of(entry, "@id", "name") or ""
