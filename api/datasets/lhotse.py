"""Lhotse recordings and cuts (JSON lines, gzipped or not): files and URLs are read, commands are refused."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Final

from api.datasets.entries import named_item
from api.datasets.json_text import BadJson, json_object, seconds_of, text_of
from api.datasets.labels import Names, label
from api.datasets.places import Place
from api.datasets.resolve import Resolver
from api.datasets.streams import Counted, Readable, Unpacked, item_stream
from api.datasets.types import NONE_PASSED_OVER, Json, Recording, Skipped, SourceLimits, Written
from api.errors import BadEntry, CommandRefused, ItemRefused, SourceCutOff

_READ: Final = frozenset({"file", "url"})


class LhotseReader:
    """Reads a recordings or cuts manifest; an item's id is the recording's or cut's own."""

    format = "lhotse"
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Place, *, resolver: Resolver, limits: SourceLimits) -> None:
        self._place, self._resolver, self._limits = place, resolver, limits
        self._total: int | None = None

    @property
    def total(self) -> int:
        """How many recordings or tracks of cuts there are."""
        if self._total is None:
            self._total = sum(1 for _ in self)
        return self._total

    def written(self) -> Iterator[Written]:
        """The manifest's lines, unpacked; a mixed cut's line stands for all its tracks."""
        for line, items in self._lines(Names()):
            yield Written(text=line, item_ids=tuple(item.item_id for item in items))

    def __iter__(self) -> Iterator[Recording | Skipped]:
        names = Names()
        try:
            for _, items in self._lines(names):
                yield from items
        except ItemRefused as error:
            broken = SourceCutOff(name=self._place.name, detail=error.detail)
            yield Skipped.of(broken, item_id=names.take(f"{self._place.name}#rest"))

    def _lines(self, names: Names) -> Iterator[tuple[bytes, list[Recording | Skipped]]]:
        for number, line in enumerate(lines(self._place, self._limits)):
            if line.strip():
                yield line, list(self._entry(line, f"{self._place.name}#{number}", names))

    def _entry(self, line: bytes, where: str, names: Names) -> Iterator[Recording | Skipped]:
        try:
            entry = json_object(line)
        except BadJson as error:
            yield self._skipped(BadEntry(name=where, detail=str(error)), names.take(where))
            return
        for cut in cuts_of(entry):
            item_id = names.take(label(text_of(cut, "id") or where))
            yield self._item(cut, item_id)

    def _item(self, cut: Mapping[str, Json], item_id: str) -> Recording | Skipped:
        recording = cut.get("recording", cut)
        source = _first_source(recording if isinstance(recording, dict) else {})
        if source is None:
            return self._skipped(BadEntry(name=item_id, detail="no audio source"), item_id)
        kind, path = text_of(source, "type"), text_of(source, "source")
        if kind == "command":
            return self._skipped(CommandRefused(name=item_id, detail=label(path or "")), item_id)
        if kind not in _READ or path is None:
            return self._skipped(
                BadEntry(name=item_id, detail=f"a source of type {label(kind or '')}"), item_id
            )
        start_s, length_s = seconds_of(cut, "start"), seconds_of(cut, "duration")
        end_s = start_s + length_s if start_s is not None and length_s is not None else None
        return named_item(
            path, item_id=item_id, resolver=self._resolver, limits=self._limits, start_s=start_s, end_s=end_s
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self._place.name)


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
    """Whether a first JSON line is that of a Lhotse recordings or cuts manifest."""
    recording = next(iter(cuts_of(entry)), {})
    inner = recording.get("recording", recording)
    return isinstance(inner, dict) and _first_source(inner) is not None


def _first_source(recording: Mapping[str, Json]) -> Mapping[str, Json] | None:
    sources = recording.get("sources")
    first = sources[0] if isinstance(sources, list) and sources else None
    return first if isinstance(first, dict) and "type" in first and "source" in first else None


def lines(place: Place, limits: SourceLimits) -> Iterator[bytes]:
    """Lines of a manifest, gzipped or not, each no longer than its cap."""
    with closing(place.open()) as stream:
        source: Readable = stream
        if place.head(2) == b"\x1f\x8b":
            packed = Counted(stream)
            plain: Readable = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]
            source = Unpacked(packed=packed, plain=plain, name=place.name, limits=limits)
        text = item_stream(source, name=place.name, max_bytes=limits.total_bytes)
        while line := text.readline(limits.header_bytes):
            yield line
