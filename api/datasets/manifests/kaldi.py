"""Kaldi data folders: ``wav.scp`` names the audio, ``segments`` cuts it; commands are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.clock_times import number_of
from earwitness.api.datasets.entries.entry_items import NO_DETAILS, EntryDetails, item_of_path
from earwitness.api.datasets.entries.resolve_path import Resolver, short_id
from earwitness.api.datasets.entries.stretch import Stretch
from earwitness.api.datasets.item_errors import BadEntry, ItemMissing
from earwitness.api.datasets.items import (
    NONE_PASSED_OVER,
    Skipped,
    SourceItem,
    SourceLimits,
    Written,
)
from earwitness.api.datasets.manifests.lines import lines_of
from earwitness.api.datasets.names import Names


class KaldiReader:
    """Reads a ``wav.scp``, and the ``segments`` beside it; an item's id is its utterance."""

    format = "kaldi"
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(
        self, wav_scp: Location, segments: Location | None, *, resolver: Resolver, limits: SourceLimits
    ) -> None:
        self._wav_scp, self._segments = wav_scp, segments
        self._resolver, self._limits = resolver, limits

    @cached_property
    def total(self) -> int:
        """How many utterances there are."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        return (item for _, item in self._entries())

    def written(self) -> Iterator[Written]:
        """The lines of ``segments``, or of ``wav.scp`` where there are none."""
        for line, item in self._entries():
            yield Written(text=line.encode("utf-8", "surrogateescape") + b"\n", item_ids=(item.item_id,))

    def _entries(self) -> Iterator[tuple[str, SourceItem | Skipped]]:
        names = Names()
        for line, item in self._cut(self._segments) if self._segments else self._uncut():
            yield line, replace(item, item_id=names.take(item.item_id))

    def _uncut(self) -> Iterator[tuple[str, SourceItem | Skipped]]:
        for number, line in self._lines(self._wav_scp):
            yield line, self._recording(line, number)

    def _lines(self, place: Location) -> Iterator[tuple[int, str]]:
        """Numbered lines that are not empty, each within the length limit."""
        number = 0
        for line in lines_of(place, self._limits):
            if text := line.text.strip():
                yield number, text
            number += bool(line.text)

    def _recording(self, line: str, number: int) -> SourceItem | Skipped:
        name, path = _split(line)
        if not path:
            return self._bad(f"{self._wav_scp.name}#{number}", "it has no path")
        return self._named(path, name)

    def _cut(self, segments: Location) -> Iterator[tuple[str, SourceItem | Skipped]]:
        paths: Mapping[str, str] = dict(_split(line) for _, line in self._lines(self._wav_scp))
        for number, line in self._lines(segments):
            yield line, self._segment(line, f"{segments.name}#{number}", paths)

    def _segment(self, line: str, where: str, paths: Mapping[str, str]) -> SourceItem | Skipped:
        words = line.split()
        start_s, end_s = (number_of(word) for word in (*words[2:4], "", "")[:2])
        if start_s is None or end_s is None:
            return self._bad(where, "a line needs utterance, recording, start and end")
        name, recording = words[0], words[1]
        if end_s == -1:  # the end of the file
            end_s = None
        if not 0.0 <= start_s < (1e9 if end_s is None else end_s) <= 1e9:
            return self._bad(short_id(name), f"from {start_s} s to {end_s} s")
        if recording not in paths:
            missing = ItemMissing(
                name=short_id(name), detail=f"no recording {short_id(recording)} in wav.scp"
            )
            return Skipped.of(missing, item_id=short_id(name))
        return self._named(
            paths[recording], name, EntryDetails(stretch=Stretch(start_s=start_s, end_s=end_s))
        )

    def _named(self, path: str, name: str, details: EntryDetails = NO_DETAILS) -> SourceItem | Skipped:
        return item_of_path(
            path, item_id=short_id(name), resolver=self._resolver, limits=self._limits, details=details
        )

    def _bad(self, item_id: str, detail: str) -> Skipped:
        return Skipped.of(BadEntry(name=item_id, detail=detail), item_id=item_id, path=self._wav_scp.name)


def _split(line: str) -> tuple[str, str]:
    name, _, path = line.replace("\t", " ").partition(" ")
    return name, path.strip()
