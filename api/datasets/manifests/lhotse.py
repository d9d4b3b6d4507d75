"""Lhotse recordings and cuts, packed or not: files and URLs are read, commands are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.embedded_audio import base64_audio
from earwitness.api.datasets.entries.entry_errors import StretchUnclear
from earwitness.api.datasets.entries.entry_items import EntryDetails, item_of_bytes, item_of_path
from earwitness.api.datasets.entries.resolve_path import Resolver, short_id, shortened
from earwitness.api.datasets.entries.stretch import WHOLE_FILE, BadStretch, Stretch
from earwitness.api.datasets.entries.stretch_columns import stretch_of
from earwitness.api.datasets.item_errors import BadEntry, CommandRefused, ItemRefused
from earwitness.api.datasets.items import (
    NONE_PASSED_OVER,
    Json,
    Skipped,
    SourceItem,
    SourceLimits,
    Written,
)
from earwitness.api.datasets.manifests.json_rows import json_rows
from earwitness.api.datasets.manifests.json_text import BadJson, parse_json, text_of
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.manifests.lines import cut_off, head_lines
from earwitness.api.datasets.manifests.manifest_rows import Row, rows
from earwitness.api.datasets.names import Names

_READ: Final = frozenset({"file", "url"})


class LhotseReader:
    """Reads a recordings or cuts manifest; an item's id is the recording's or cut's own.

    A recording of several sources is several items: ``id/0``, ``id/1``.
    """

    format = "lhotse"
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Location, *, resolver: Resolver, limits: SourceLimits) -> None:
        self._place, self._resolver, self._limits = place, resolver, limits
        self._is_one_text = _is_one_text(place, limits)

    @cached_property
    def total(self) -> int:
        """How many recordings or tracks of cuts there are."""
        return sum(1 for _ in self)

    def written(self) -> Iterator[Written]:
        """The manifest's lines, unpacked; a mixed cut's line stands for all its tracks."""
        for line, items in self._lines(Names()):
            yield Written(text=line, item_ids=tuple(item.item_id for item in items))

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        names = Names()
        try:
            for _, items in self._lines(names):
                yield from items
        except (OSError, ItemRefused) as error:
            yield Skipped.of(cut_off(error, self._place), item_id=names.take(f"{self._place.name}#rest"))

    def _lines(self, names: Names) -> Iterator[tuple[bytes, list[SourceItem | Skipped]]]:
        for row in self._rows():
            where = f"{self._place.name}#{row.number}"
            if row.is_header:
                yield row.text, []
            elif row.error is not None:
                yield row.text, [self._skipped(BadEntry(name=where, detail=row.error), names.take(where))]
            else:
                cuts = [item for cut in cuts_of(row.fields) for item in self._items(cut, where, names)]
                empty = BadEntry(name=where, detail="it has only padding")
                yield row.text, cuts or [self._skipped(empty, names.take(where))]

    def _rows(self) -> Iterator[Row]:
        if self._is_one_text:
            return json_rows(self._place, limits=self._limits)
        return rows(self._place, "jsonl", layout=Layout(name=None), limits=self._limits)

    def _items(self, cut: Mapping[str, Json], where: str, names: Names) -> Iterator[SourceItem | Skipped]:
        """The items of one recording or cut: one for each of its sources."""
        base = short_id(text_of(cut, "id") or where)
        sources = _sources_of(cut)
        if not sources:
            yield self._skipped(BadEntry(name=base, detail="it has no audio source"), names.take(base))
        for n, source in enumerate(sources):
            item_id = names.take(base if len(sources) == 1 else f"{base}/{n}")
            yield self._item(source, cut, item_id)

    def _item(
        self, source: Mapping[str, Json], cut: Mapping[str, Json], item_id: str
    ) -> SourceItem | Skipped:
        kind, path = text_of(source, "type"), text_of(source, "source")
        if kind == "command":
            return self._skipped(CommandRefused(name=item_id, detail=shortened(path or "")), item_id)
        try:
            details = EntryDetails(stretch=_stretch(cut))
            if kind == "memory" and path is not None:
                audio = base64_audio(path, max_bytes=self._limits.item_bytes)
                if audio is not None:
                    return item_of_bytes(audio, item_id=item_id, path=self._place.name, details=details)
        except BadStretch as error:
            return self._skipped(StretchUnclear(name=item_id, detail=str(error)), item_id)
        except ItemRefused as error:
            return self._skipped(error, item_id)
        if kind not in _READ or path is None:
            return self._skipped(
                BadEntry(name=item_id, detail=f"a source of type {shortened(kind or '')}"), item_id
            )
        return item_of_path(
            path, item_id=item_id, resolver=self._resolver, limits=self._limits, details=details
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self._place.name)


def _stretch(cut: Mapping[str, Json]) -> Stretch:
    """The stretch of a cut; a recording (whose duration is its own) has none."""
    if "recording" not in cut:
        return WHOLE_FILE
    return stretch_of({key: cut.get(key) for key in ("start", "duration")})


def cuts_of(entry: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """The entry itself, or the tracks that a mixed cut is mixed from."""
    tracks = entry.get("tracks")
    if not isinstance(tracks, list):
        yield entry
        return
    for track in tracks:
        cut = track.get("cut") if isinstance(track, dict) else None
        if isinstance(cut, dict) and cut.get("type") != "PaddingCut":
            yield cut


def is_lhotse(entry: Mapping[str, Json]) -> bool:
    """Whether a first JSON entry is that of a Lhotse recordings or cuts manifest."""
    return bool(_sources_of(next(iter(cuts_of(entry)), {})))


def _sources_of(cut: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The sources of a recording; of a cut, those with one of its channels."""
    recording = cut.get("recording", cut)
    listed = recording.get("sources") if isinstance(recording, dict) else None
    sources: list[Mapping[str, Json]] = [
        each
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict) and "type" in each and "source" in each
    ]
    channels = cut.get("channel")
    requested = (
        set(channels if isinstance(channels, list) else [channels]) - {None} if "recording" in cut else set()
    )
    with_channels = [each for each in sources if _channels(each) & requested]
    return with_channels or sources


def _channels(source: Mapping[str, Json]) -> set[Json]:
    channels = source.get("channels")
    return {each for each in channels if isinstance(each, int)} if isinstance(channels, list) else set()


def _is_one_text(place: Location, limits: SourceLimits) -> bool:
    """Whether this is one JSON array, not lines of JSON."""
    try:
        lines = head_lines(place, limits)
        first = next((line for line in lines if line.strip()), "{}")
        return not isinstance(parse_json(first), dict)
    except (OSError, ItemRefused):
        return False
    except BadJson:
        return first.lstrip().startswith("[") or first.strip() == "{"
