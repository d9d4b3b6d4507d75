"""Layouts of manifests: well-known ones told by their header or first rows, and how all others are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.entries.clock_times import is_absent, time_of
from earwitness.api.datasets.entries.identifiers import clip_id, identifiers_of
from earwitness.api.datasets.entries.resolve_path import is_url
from earwitness.api.datasets.entries.stretch import WHOLE_FILE, BadStretch, Stretch
from earwitness.api.datasets.entries.stretch_columns import stretch_of
from earwitness.api.datasets.entries.stretch_names import named_like_stretch
from earwitness.api.datasets.items import Identifiers, Json
from earwitness.api.datasets.manifests.columns import (
    ID_KEYS,
    PATH_KEYS,
    TEXT_KEYS,
    AudioField,
    audio_fields,
    plain_name,
)
from earwitness.api.datasets.manifests.delimited import cells_of, delimiter_of
from earwitness.api.datasets.manifests.json_text import text_of
from earwitness.api.datasets.members import called_like_audio

_YOUTUBE_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_CLIPS: Final = frozenset({"AudioSet", "VGGSound", "MusicCaps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row, understood: what names its audio, or where it should lie, and what it says.

    Attributes
    ----------
    named : tuple of Named
        The row's own words; empty where only guesses can be made.
    guesses : tuple of str
        Names under which the usual scripts store it.
    stretch : Stretch
        The part that is meant; of ``problem``, where that is set, nothing is known but that there is one.
    """

    item_id: str | None
    audio: tuple[AudioField, ...]
    guesses: tuple[str, ...] = ()
    path: str | None = None
    """The path as written, where the file is looked for by guesses from it."""
    stretch: Stretch = WHOLE_FILE
    problem: BadStretch | None = None
    identifiers: Identifiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a manifest's rows are read: a name for the output, and the columns where there is no header."""

    name: str | None
    columns: tuple[str, ...] | None = None
    skip_rows: int = 0
    delimiter: str = ","
    path_column: str | None = None
    """The one column that was asked for."""

    def path_at(self, names: Sequence[str]) -> int | None:
        """Which of these columns holds the path; None where none is called so."""
        plain = [plain_name(name) for name in names]
        if self.path_column is not None:
            wanted = plain_name(self.path_column)
            return plain.index(wanted) if wanted in plain else None
        if self.name in _CLIPS:
            return None
        ranked = [(PATH_KEYS.index(name), n) for n, name in enumerate(plain) if name in PATH_KEYS]
        return min(ranked)[1] if ranked else None

    def entry(self, row: Mapping[str, Json], *, own_rate: Callable[[AudioField], float | None]) -> Entry:
        """Understand one row; ``own_rate`` says the sampling rate of what it names."""
        lower = {key.strip().lower(): value for key, value in row.items()}
        audio = self._audio(row)
        stretch, problem = WHOLE_FILE, None
        try:
            stretch = stretch_of(row, own_rate=lambda: own_rate(audio[0]) if audio else None)
        except BadStretch as error:
            problem = error
        identifiers = identifiers_of(lower)
        item_id = next(
            (
                text
                for key, value in row.items()
                if plain_name(key) in ID_KEYS and (text := text_of({"": value}, ""))
            ),
            None,
        )
        guesses: tuple[str, ...] = ()
        path = text_of(lower, "path") if self.name == "MTG-Jamendo" else None
        clip = clip_id(lower)
        if self.path_column is None and not audio:
            if self.name == "FMA":
                guesses = fma_names(item_id or "")
            elif self.name == "MTG-Jamendo":
                guesses = tuple(filter(None, [(path or "").removesuffix(".mp3")]))
            elif clip is not None:
                guesses = clip_names(clip[0], stretch.start_s if clip[1] is None else clip[1], stretch.end_s)
            elif item_id is not None and not item_id.isdigit() and len(item_id) < 200:
                guesses = (item_id,)
        return Entry(
            item_id=item_id,
            audio=audio,
            guesses=guesses,
            path=path,
            stretch=stretch,
            problem=problem,
            identifiers=identifiers,
        )

    def _audio(self, row: Mapping[str, Json]) -> tuple[AudioField, ...]:
        if self.path_column is not None:
            wanted = plain_name(self.path_column)
            found = [
                AudioField(column=key, value=value, sure=True)
                for key, value in row.items()
                if (key == self.path_column or plain_name(key) == wanted) and value not in (None, "")
            ]
            return tuple(found[:1])
        if self.name is not None:
            return ()
        return audio_fields(row)


def clip_names(youtube: str, start_s: float | None, end_s: float | None) -> tuple[str, ...]:
    """The names, without suffix, under which the usual download scripts store a clip of a YouTube video."""
    stems = [youtube]
    if start_s is not None:
        stems += [f"{youtube}_{start_s:g}", f"{youtube}_{start_s:06.0f}", f"{youtube}_{start_s * 1000:.0f}"]
        if end_s is not None:
            stems += [
                f"{youtube}_{start_s:g}_{end_s:g}",
                f"{youtube}_{start_s:.0f}_{end_s:.0f}",
                f"{youtube}_{start_s * 1000:.0f}_{end_s * 1000:.0f}",
                f"{youtube}_{start_s:.3f}_{end_s:.3f}",
            ]
    return tuple(dict.fromkeys([*stems, *(f"Y{stem}" for stem in stems)]))


def fma_names(track: str) -> tuple[str, ...]:
    """Where the FMA archives store a track, without suffix: ``fma_*/000/000002``."""
    if not track.isdigit() or len(track) > 9:
        return ()
    name = f"{int(track):06d}"
    roots = ("", "fma_small/", "fma_medium/", "fma_large/", "fma_full/", "../fma_small/")
    return tuple(f"{root}{name[:3]}/{name}" for root in roots)


def layout_of(lines: Sequence[str], kind: str, *, path_column: str | None = None) -> Layout:
    """Tell the layout of a delimited manifest from its first lines."""
    skip = 0
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    comments = skip
    while comments < len(lines) and lines[comments].startswith("#"):
        comments += 1
    body = [line for line in lines[comments:] if line.strip()]
    delimiter = delimiter_of(body or lines) or ("\t" if kind == "tsv" else ",")
    made = _Made(delimiter=delimiter, path_column=path_column)
    if comments > skip:
        # AudioSet's begin with comments, of which the last is the header
        header = _cells(lines[comments - 1].lstrip("#"), delimiter)
        if [cell.lower() for cell in header[:3]] == ["ytid", "start_seconds", "end_seconds"]:
            return made.layout(
                "AudioSet",
                columns=("ytid", "start_seconds", "end_seconds", "positive_labels"),
                skip_rows=comments,
            )
        if _is_header(header, path_column) and (not body or len(header) == len(_cells(body[0], delimiter))):
            return made.layout(None, columns=_distinct(header), skip_rows=comments)
    if not body:
        return made.layout(None, skip_rows=comments)
    known = _known(made, [_cells(line, delimiter) for line in body[:50]], skip=comments)
    return known or _headed(made, [_cells(line, delimiter) for line in body[:50]], skip=comments)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    delimiter: str
    path_column: str | None

    def layout(
        self, name: str | None, *, columns: tuple[str, ...] | None = None, skip_rows: int = 0
    ) -> Layout:
        return Layout(
            name=name,
            columns=columns,
            skip_rows=skip_rows,
            delimiter=self.delimiter,
            path_column=self.path_column,
        )


def _known(made: _Made, rows: Sequence[Sequence[str]], *, skip: int) -> Layout | None:
    lower = [[cell.lower() for cell in row] for row in rows]
    head = set(lower[0])
    if {"ytid", "start_s", "end_s", "caption"} <= head:
        return made.layout("MusicCaps", skip_rows=skip)
    if lower[0][:4] == ["track_id", "artist_id", "album_id", "path"]:
        return made.layout("MTG-Jamendo", skip_rows=skip)
    if {"track_id", "track_title", "track_file"} <= head:
        return made.layout("FMA", skip_rows=skip)
    if len(lower) >= 3 and lower[0][1:2] == ["album"] and lower[2][0] == "track_id":
        columns = ("track_id", *(f"{a}.{b}" for a, b in zip(lower[0][1:], lower[1][1:], strict=False)))
        return made.layout("FMA", columns=columns, skip_rows=skip + 3)
    if all(_is_vggsound(row) for row in rows):
        return made.layout("VGGSound", columns=("ytid", "start_seconds", "label", "split"), skip_rows=skip)
    return None


def _headed(made: _Made, rows: Sequence[Sequence[str]], *, skip: int) -> Layout:
    """The first line is a header unless it looks like the rows: then the columns are numbered."""
    first = rows[0]
    wanted = made.path_column
    if _is_header(first, wanted) or not _is_row(first, rows, made.delimiter):
        return made.layout(None, skip_rows=skip)
    at = max(range(len(first)), key=lambda n: (sum(_names_audio(row, n) for row in rows), -n))
    if wanted is not None and wanted.isdigit() and int(wanted) < len(first):
        at = int(wanted)
    columns = _numbered(rows, at)
    layout = made.layout(None, columns=columns, skip_rows=skip)
    return (
        layout
        if wanted is None
        else Layout(name=None, columns=columns, skip_rows=skip, delimiter=made.delimiter, path_column="path")
    )


def _numbered(rows: Sequence[Sequence[str]], at: int) -> tuple[str, ...]:
    """Names for columns without a header. Rows that share a file and differ in times mean parts of it."""
    names = ["path" if n == at else f"column {n}" for n in range(len(rows[0]))]
    paths = [row[at] for row in rows if at < len(row)]
    times = [n for n in range(len(names)) if n != at and _holds_times(rows, n)]
    if len(set(paths)) == len(paths) or not times:
        return tuple(names)
    pairs = [(_time(row, times[0]), _time(row, times[-1])) for row in rows]
    if len(times) == 2 and all(
        start_s < end_s for start_s, end_s in pairs if start_s is not None and end_s is not None
    ):
        names[times[0]], names[times[1]] = "start", "end"
    else:
        names[times[0]] = f"start (column {times[0]}, without a header)"
    return tuple(names)


def _holds_times(rows: Sequence[Sequence[str]], n: int) -> bool:
    """Whether more than half of a column's cells are times, of those that state anything."""
    stated = [row for row in rows if n < len(row) and not is_absent(row[n])]
    return sum(_time(row, n) is not None for row in stated) * 2 > len(stated)


def _time(row: Sequence[str], n: int) -> float | None:
    return time_of(row[n]) if n < len(row) else None


def _names_audio(row: Sequence[str], n: int) -> bool:
    return n < len(row) and (called_like_audio(row[n]) or is_url(row[n]))


def _is_header(cells: Sequence[str], wanted: str | None) -> bool:
    """Whether these cells name columns: one is called like a column, and none is called like audio."""
    if any(_names_audio(cells, n) for n in range(len(cells))):
        return False
    names = [plain_name(cell) for cell in cells]
    if wanted is not None and plain_name(wanted) in names and not wanted.isdigit():
        return True
    known = {*PATH_KEYS, *ID_KEYS, *TEXT_KEYS}
    if len(set(filter(None, names))) < len([name for name in names if name]):
        return False  # no two columns have one name
    return any(name in known for name in names) or any(map(named_like_stretch, cells))


def _is_row(first: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether a first line that names no column is a row: it has audio where the others have, or ids."""
    if any(_names_audio(first, n) for n in range(len(first))):
        return True
    if any(_names_audio(row, n) for row in rows[1:] for n in range(len(row))):
        return False
    # LJSpeech: id|text|text, and nothing else is written with bars and no header
    return delimiter == "|" and bool(first[0]) and not any(map(str.isspace, first[0]))


def _cells(line: str, delimiter: str) -> list[str]:
    found = cells_of(line, delimiter)
    return [cell.strip() for cell in (line.rstrip("\r\n").split(delimiter) if found is None else found)]


def _distinct(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell if cells.index(cell) == n else f"{cell} {n}" for n, cell in enumerate(cells))


def _is_vggsound(row: Sequence[str]) -> bool:
    return (
        len(row) >= 4
        and bool(_YOUTUBE_ID.fullmatch(row[0]))
        and row[1].isdigit()
        and row[-1] in {"train", "test"}
    )
