"""Recognises the layout of a delimited manifest by its first lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from earwitness.api.datasets.entries.clock_times import is_absent, time_of
from earwitness.api.datasets.entries.resolve_path import is_url
from earwitness.api.datasets.entries.stretch_names import named_like_stretch
from earwitness.api.datasets.manifests.columns import (
    ID_KEYS,
    PATH_KEYS,
    TEXT_KEYS,
    plain_name,
)
from earwitness.api.datasets.manifests.delimited import cells_of, delimiter_of
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.members import called_like_audio

_YOUTUBE_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_SHOWN_ROWS: Final = 50
"""Rows by which a layout is recognised."""


def layout_of(lines: Sequence[str], kind: str, *, path_column: str | None = None) -> Layout:
    """The layout of a delimited manifest, by its first lines."""
    skip = 0
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    comments = skip
    while comments < len(lines) and lines[comments].startswith("#"):
        comments += 1
    body = [line for line in lines[comments:] if line.strip()]
    delimiter = delimiter_of(body or lines) or ("\t" if kind == "tsv" else ",")
    maker = _LayoutMaker(delimiter=delimiter, path_column=path_column)
    if comments > skip:
        # AudioSet begins with comments; the last one is the header
        header = _cells(lines[comments - 1].lstrip("#"), delimiter)
        if [cell.lower() for cell in header[:3]] == ["ytid", "start_seconds", "end_seconds"]:
            return maker.layout(
                "AudioSet",
                columns=("ytid", "start_seconds", "end_seconds", "positive_labels"),
                skip_rows=comments,
            )
        if _is_header(header, path_column) and (not body or len(header) == len(_cells(body[0], delimiter))):
            return maker.layout(None, columns=_distinct(header), skip_rows=comments)
    if not body:
        return maker.layout(None, skip_rows=comments)
    rows = [_cells(line, delimiter) for line in body[:_SHOWN_ROWS]]
    return _known(maker, rows, skip=comments) or _headed(maker, rows, skip=comments)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LayoutMaker:
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


def _known(maker: _LayoutMaker, rows: Sequence[Sequence[str]], *, skip: int) -> Layout | None:
    lower = [[cell.lower() for cell in row] for row in rows]
    head = set(lower[0])
    if {"ytid", "start_s", "end_s", "caption"} <= head:
        return maker.layout("MusicCaps", skip_rows=skip)
    if lower[0][:4] == ["track_id", "artist_id", "album_id", "path"]:
        return maker.layout("MTG-Jamendo", skip_rows=skip)
    if {"track_id", "track_title", "track_file"} <= head:
        return maker.layout("FMA", skip_rows=skip)
    if len(lower) >= 3 and lower[0][1:2] == ["album"] and lower[2][0] == "track_id":
        columns = ("track_id", *(f"{a}.{b}" for a, b in zip(lower[0][1:], lower[1][1:], strict=False)))
        return maker.layout("FMA", columns=columns, skip_rows=skip + 3)
    if all(_is_vggsound(row) for row in rows):
        return maker.layout("VGGSound", columns=("ytid", "start_seconds", "label", "split"), skip_rows=skip)
    return None


def _headed(maker: _LayoutMaker, rows: Sequence[Sequence[str]], *, skip: int) -> Layout:
    """The first line is a header unless it looks like a row; without a header the columns are numbered."""
    first = rows[0]
    requested = maker.path_column
    if _is_header(first, requested) or not _is_row(first, rows, maker.delimiter):
        return maker.layout(None, skip_rows=skip)
    at = max(range(len(first)), key=lambda n: (sum(_names_audio(row, n) for row in rows), -n))
    if requested is not None and requested.isdigit() and int(requested) < len(first):
        at = int(requested)
    columns = _numbered(rows, at)
    layout = maker.layout(None, columns=columns, skip_rows=skip)
    return layout if requested is None else replace(layout, path_column="path")


def _numbered(rows: Sequence[Sequence[str]], at: int) -> tuple[str, ...]:
    """Names of columns without a header; rows that share a file and differ in times mean parts of it."""
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
    """Whether more than half of a column's cells are times, without its empty cells."""
    stated = [row for row in rows if n < len(row) and not is_absent(row[n])]
    return sum(_time(row, n) is not None for row in stated) * 2 > len(stated)


def _time(row: Sequence[str], n: int) -> float | None:
    return time_of(row[n]) if n < len(row) else None


def _names_audio(row: Sequence[str], n: int) -> bool:
    return n < len(row) and (called_like_audio(row[n]) or is_url(row[n]))


def _is_header(cells: Sequence[str], requested: str | None) -> bool:
    """Whether these cells name columns: one has a column's usual name, and none names audio."""
    if any(_names_audio(cells, n) for n in range(len(cells))):
        return False
    names = [plain_name(cell) for cell in cells]
    if requested is not None and plain_name(requested) in names and not requested.isdigit():
        return True
    known = {*PATH_KEYS, *ID_KEYS, *TEXT_KEYS}
    if len(set(filter(None, names))) < len([name for name in names if name]):
        return False  # no two columns have one name
    return any(name in known for name in names) or any(map(named_like_stretch, cells))


def _is_row(first: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether a first line that names no column is a row: it names audio, or starts with an id."""
    if any(_names_audio(first, n) for n in range(len(first))):
        return True
    if any(_names_audio(row, n) for row in rows[1:] for n in range(len(row))):
        return False
    # LJSpeech is id|text|text, the only usual form with bars and no header
    return delimiter == "|" and bool(first[0]) and not any(map(str.isspace, first[0]))


def _cells(line: str, delimiter: str) -> list[str]:
    cells = cells_of(line, delimiter)
    return [cell.strip() for cell in (line.rstrip("\r\n").split(delimiter) if cells is None else cells)]


def _distinct(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell if cells.index(cell) == n else f"{cell} {n}" for n, cell in enumerate(cells))


def _is_vggsound(row: Sequence[str]) -> bool:
    return (
        len(row) >= 4
        and bool(_YOUTUBE_ID.fullmatch(row[0]))
        and row[1].isdigit()
        and row[-1] in {"train", "test"}
    )
