"""Layouts of well-known manifests, told by their header or first rows, and columns guessed for all others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.datasets.identify import identifiers_of
from api.datasets.json_text import seconds_of, text_of
from api.datasets.types import Identifiers, Json

_PATH_KEYS: Final = (
    "path", "audio", "audio_path", "audio_filepath", "filepath", "file_path", "file_name", "filename",
    "file", "audio_file", "wav", "location", "track_path", "clip", "audio_url", "url", "download_url", "uri",
    "source_url",
)  # fmt: skip
_ID_KEYS: Final = (
    "id", "item_id", "clip_id", "track_id", "utt_id", "utterance_id", "key", "uid", "ytid", "youtube_id",
)  # fmt: skip
_START_KEYS: Final = (
    "start",
    "start_s",
    "start_time",
    "start_seconds",
    "start_sec",
    "offset",
    "begin",
    "onset",
)
_END_KEYS: Final = ("end", "end_s", "end_time", "end_seconds", "end_sec", "stop")
_YOUTUBE_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row, understood: where its audio should lie (guesses, in order) and what it says besides."""

    item_id: str | None
    paths: tuple[str, ...]
    start_s: float | None = None
    end_s: float | None = None
    identifiers: Identifiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a manifest's rows are read: a name for the output, and the columns where there is no header."""

    name: str | None
    columns: tuple[str, ...] | None = None
    skip_rows: int = 0

    def entry(self, row: Mapping[str, Json], *, path_column: str | None) -> Entry:
        """Understand one row."""
        lower = {key.strip().lower(): value for key, value in row.items()}
        start_s, end_s = _span(lower)
        item_id = text_of(lower, *_ID_KEYS)
        return Entry(
            item_id=item_id,
            paths=self._paths(lower, item_id, start_s, end_s, path_column=path_column),
            start_s=start_s,
            end_s=end_s,
            identifiers=identifiers_of(lower),
        )

    def _paths(
        self,
        row: Mapping[str, Json],
        item_id: str | None,
        start_s: float | None,
        end_s: float | None,
        *,
        path_column: str | None,
    ) -> tuple[str, ...]:
        if path_column is not None:
            return tuple(filter(None, [text_of(row, path_column.strip().lower())]))
        if self.name in {"AudioSet", "VGGSound", "MusicCaps"}:
            return clip_names(item_id or "", start_s, end_s)
        if self.name == "FMA":
            return fma_names(item_id or "")
        path = text_of(row, *_PATH_KEYS)
        if path is None:
            return ()
        return (
            (path, f"audio/{path}", path.replace(".mp3", ".low.mp3"))
            if self.name == "MTG-Jamendo"
            else (path,)
        )


def _span(row: Mapping[str, Json]) -> tuple[float | None, float | None]:
    start_s, end_s = seconds_of(row, *_START_KEYS), seconds_of(row, *_END_KEYS)
    length_s = seconds_of(row, "duration", "duration_s", "length")
    if end_s is None and start_s is not None and length_s is not None:
        end_s = start_s + length_s
    return start_s, end_s


def clip_names(youtube: str, start_s: float | None, end_s: float | None) -> tuple[str, ...]:
    """The names under which the usual download scripts store a clip of a YouTube video."""
    stems = [youtube]
    if start_s is not None:
        stems += [f"{youtube}_{start_s:g}", f"{youtube}_{start_s:06.0f}", f"{youtube}_{start_s * 1000:.0f}"]
        if end_s is not None:
            stems += [
                f"{youtube}_{start_s:g}_{end_s:g}",
                f"{youtube}_{start_s * 1000:.0f}_{end_s * 1000:.0f}",
            ]
    stems += [f"Y{stem}" for stem in stems]
    folders = ("", "audio/", "wav/", "data/", "clips/")
    return tuple(
        f"{folder}{stem}{ending}"
        for folder in folders
        for stem in stems
        for ending in (".wav", ".flac", ".mp3", ".m4a")
    )


def fma_names(track: str) -> tuple[str, ...]:
    """Where the FMA archives store a track: ``fma_*/000/000002.mp3``."""
    if not track.isdigit() or len(track) > 9:
        return ()
    name = f"{int(track):06d}"
    roots = ("", "fma_small/", "fma_medium/", "fma_large/", "fma_full/", "../fma_small/")
    return tuple(f"{root}{name[:3]}/{name}.mp3" for root in roots)


def layout_of(lines: Sequence[str], delimiter: str) -> Layout:
    """Tell the layout from the first lines of a delimited manifest."""
    rows = [[cell.strip().strip('"') for cell in line.lstrip("#").split(delimiter)] for line in lines]
    lower = [[cell.lower() for cell in row] for row in rows]
    for n, (line, row) in enumerate(zip(lines, lower, strict=True)):
        if line.startswith("#") and row[:3] == ["ytid", "start_seconds", "end_seconds"]:
            clip = ("ytid", "start_seconds", "end_seconds", "positive_labels")
            return Layout(name="AudioSet", columns=clip, skip_rows=n + 1)
    head = set(lower[0]) if lower else set()
    if {"ytid", "start_s", "end_s", "caption"} <= head:
        return Layout(name="MusicCaps")
    if lower and lower[0][:4] == ["track_id", "artist_id", "album_id", "path"]:
        return Layout(name="MTG-Jamendo")
    if {"track_id", "track_title", "track_file"} <= head:
        return Layout(name="FMA")
    if len(lower) >= 3 and lower[0][1:2] == ["album"] and lower[2][0] == "track_id":
        columns: tuple[str, ...] = (
            "track_id",
            *(f"{a}.{b}" for a, b in zip(lower[0][1:], lower[1][1:], strict=False)),
        )
        return Layout(name="FMA", columns=columns, skip_rows=3)
    if rows and all(_is_vggsound(row) for row in rows):
        return Layout(name="VGGSound", columns=("ytid", "start_seconds", "label", "split"))
    return Layout(name=None)


def _is_vggsound(row: Sequence[str]) -> bool:
    return (
        len(row) >= 4
        and bool(_YOUTUBE_ID.fullmatch(row[0]))
        and row[1].isdigit()
        and row[-1] in {"train", "test"}
    )
