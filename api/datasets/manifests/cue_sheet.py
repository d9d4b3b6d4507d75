"""CUE sheets: texts that name audio files, and where in them each track begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_items import EntryDetails, item_of_path
from earwitness.api.datasets.entries.identifiers import identifiers_of
from earwitness.api.datasets.entries.resolve_path import Resolver, shortened
from earwitness.api.datasets.entries.stretch import Stretch
from earwitness.api.datasets.item_errors import BadEntry, ItemRefused
from earwitness.api.datasets.items import NONE_PASSED_OVER, Json, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.lines import Line, cut_off, lines_of
from earwitness.api.datasets.names import Names

FRAMES_PER_S: Final = 75
"""Frames of a compact disc, in which the times of a CUE sheet are counted."""
_INDEX: Final = re.compile(r"0*1\s+(\d{1,6}):(\d{1,2}):(\d{1,2})")
_TRACK: Final = re.compile(r"(\d{1,6})\s+(\S+)")
_KINDS: Final = frozenset({"WAVE", "MP3", "AIFF", "BINARY", "MOTOROLA", "FLAC", "APE", "WV", "OGG", "AAC"})
_WITHOUT_HEADER: Final = frozenset({"BINARY", "MOTOROLA"})
_TEXTS: Final = {"TITLE": "title", "PERFORMER": "artist", "ISRC": "isrc"}
_NO_SOUND: Final = frozenset({
    "REM", "CATALOG", "CDTEXTFILE", "FLAGS", "PREGAP", "POSTGAP", "SONGWRITER", "ARRANGER", "COMPOSER",
    "MESSAGE", "DISC_ID", "GENRE", "SIZE_INFO", "TOC_INFO", "TOC_INFO1", "TOC_INFO2", "UPC_EAN", "DATE",
})  # fmt: skip
"""Commands that say nothing about where sound is; pregaps and postgaps are silence that no file holds."""


@dataclass(slots=True, kw_only=True)
class _Track:
    """A track; it begins where its INDEX 01 is."""

    number: int
    texts: dict[str, str]
    problem: str | None = None
    file: str | None = None
    start_s: float | None = None
    is_first: bool = False
    """Whether it is the first of its file: then it begins with the file, so that no second is left out."""


@dataclass(slots=True, kw_only=True)
class _Sheet:
    """What the lines of a sheet said so far."""

    texts: dict[str, str] = field(default_factory=dict)
    file: str | None = None
    file_problem: str | None = None
    has_track: bool = True
    """Whether a track begins in the file."""
    track: _Track | None = None
    begun: _Track | None = None
    """The track of the file that began last; it ends where the next one begins."""


class CueReader:
    """Reads one CUE sheet; a track is an item, the stretch of its file up to where the next one begins.

    The first track of a file begins with the file and the last one ends with it. An item's id is
    ``sheet.cue#track``.
    """

    format = "cue"
    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(self, place: Location, *, resolver: Resolver, limits: SourceLimits) -> None:
        self._place, self._resolver, self._limits = place, resolver, limits

    @cached_property
    def total(self) -> int:
        """How many tracks there are, and lines that cannot be understood."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        names = Names()
        for item in self._items():
            yield replace(item, item_id=names.take(item.item_id))

    def _items(self) -> Iterator[SourceItem | Skipped]:
        sheet, number, cut = _Sheet(), 0, None
        try:
            for line in lines_of(self._place, self._limits):
                number += bool(line.text)
                yield from self._line(sheet, line, f"line {number}")
        except (OSError, ItemRefused) as error:
            cut = Skipped.of(cut_off(error, self._place), item_id=f"{self._place.name}#rest")
        yield from self._end_of_file(sheet, "end")
        yield from self._without_start(sheet)
        if cut is not None:
            yield cut

    def _line(self, sheet: _Sheet, line: Line, where: str) -> Iterator[SourceItem | Skipped]:
        command, rest = (*line.text.split(None, 1), "", "")[:2]
        command, rest = command.upper(), rest.strip()
        if line.too_long:
            yield self._bad(where, "the line is too long")
        elif command == "FILE":
            yield from self._end_of_file(sheet, where)
            sheet.file, sheet.file_problem = _file_of(rest)
            sheet.has_track = False
        elif command == "TRACK":
            yield from self._without_start(sheet)
            yield from self._new_track(sheet, rest, where)
        elif command == "INDEX":
            yield from self._index(sheet, rest, where)
        elif command in _TEXTS:
            texts = sheet.texts if sheet.track is None else sheet.track.texts
            texts[_TEXTS[command]] = rest.strip('"')
        elif command and command not in _NO_SOUND:
            yield self._bad(where, f"{shortened(command)} is no command of a CUE sheet")

    def _new_track(self, sheet: _Sheet, rest: str, where: str) -> Iterator[Skipped]:
        match = _TRACK.fullmatch(rest)
        sheet.track = None
        if match is None:
            yield self._bad(where, "TRACK needs a number and a type")
            return
        is_audio = match[2].upper() == "AUDIO"
        problem = None if is_audio else f"it is a track of type {shortened(match[2])}, not of sound"
        album = {"album": sheet.texts["title"]} if "title" in sheet.texts else {}
        artist = {"artist": sheet.texts["artist"]} if "artist" in sheet.texts else {}
        sheet.track = _Track(number=int(match[1]), texts=album | artist, problem=problem)

    def _index(self, sheet: _Sheet, rest: str, where: str) -> Iterator[SourceItem | Skipped]:
        """Begin a track at its INDEX 01; other indices are within a track, or before it."""
        if (*rest.split(None, 1), "")[0].lstrip("0") != "1":
            return
        track, start_s = sheet.track, _seconds_of(rest)
        if track is None or track.start_s is not None or sheet.file is None:
            yield self._bad(where, "INDEX 01 needs a FILE and a TRACK of its own before it")
        elif start_s is None:
            track.problem = f"{shortened(rest)} is no time of minutes, seconds and frames"
        else:
            track.file, track.start_s, track.is_first = sheet.file, start_s, not sheet.has_track
            track.problem = track.problem or sheet.file_problem
            yield from self._end_of_track(sheet, end_s=start_s)
            sheet.begun, sheet.has_track = track, True

    def _end_of_track(self, sheet: _Sheet, *, end_s: float | None) -> Iterator[SourceItem | Skipped]:
        """The track that began last, which ends here; None is the end of its file."""
        track, sheet.begun = sheet.begun, None
        if track is None:
            return
        assert track.start_s is not None
        assert track.file is not None
        start_s = None if track.is_first else track.start_s
        if track.problem is None and end_s is not None and end_s <= track.start_s:
            track.problem = f"it is from {track.start_s:g} s to {end_s:g} s"
        if track.problem is not None:
            yield self._bad(str(track.number), track.problem)
            return
        metadata: dict[str, Json] = {"track": track.number, **track.texts}
        details = EntryDetails(
            identifiers=identifiers_of(metadata),
            metadata=metadata,
            stretch=Stretch(start_s=start_s, end_s=end_s),
        )
        yield item_of_path(
            track.file,
            item_id=f"{self._place.name}#{track.number}",
            resolver=self._resolver,
            limits=self._limits,
            details=details,
        )

    def _end_of_file(self, sheet: _Sheet, where: str) -> Iterator[SourceItem | Skipped]:
        yield from self._end_of_track(sheet, end_s=None)
        if not sheet.has_track:
            yield self._bad(where, f"no track begins in {shortened(sheet.file or '')}")
            sheet.has_track = True

    def _without_start(self, sheet: _Sheet) -> Iterator[Skipped]:
        """Report a track that has no INDEX 01, or one that is no time."""
        track, sheet.track = sheet.track, None
        if track is not None and track.start_s is None:
            yield self._bad(str(track.number), track.problem or "it has no INDEX 01")

    def _bad(self, where: str, detail: str) -> Skipped:
        item_id = f"{self._place.name}#{where}"
        return Skipped.of(BadEntry(name=item_id, detail=detail), item_id=item_id, path=self._place.name)


def _file_of(rest: str) -> tuple[str, str | None]:
    """The name that a FILE command gives, and why the file's sound is not read, if it is not."""
    before, _, last = rest.rpartition(" ")
    kind = last.upper() if before and last.upper() in _KINDS else ""
    name = (before if kind else rest).strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1]
    headless = f"its FILE is of type {kind}: samples without a header, which are not read"
    return name, headless if kind in _WITHOUT_HEADER else None


def _seconds_of(rest: str) -> float | None:
    """Seconds of an INDEX 01, ``01 mm:ss:ff`` with 75 frames a second; None where it is no such time."""
    match = _INDEX.fullmatch(rest)
    if match is None:
        return None
    minutes, seconds, frames = map(int, match.groups())
    if seconds >= 60 or frames >= FRAMES_PER_S:
        return None
    return 60 * minutes + seconds + frames / FRAMES_PER_S


_FILE_LINE: Final = re.compile(r"\s*FILE\s+\S.*", re.IGNORECASE | re.DOTALL)
_TRACK_LINE: Final = re.compile(r"\s*TRACK\s+\d+\s+(?:AUDIO|CDG|CDI|MODE\d)\S*\s*", re.IGNORECASE)


def is_cue_sheet(lines: Sequence[str]) -> bool:
    """Whether a line names a file, and another one a track."""
    return any(map(_FILE_LINE.fullmatch, lines)) and any(map(_TRACK_LINE.fullmatch, lines))
