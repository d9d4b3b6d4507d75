"""Layouts of manifests: how a row becomes an entry, in the usual form and in well-known ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.entries.identifiers import clip_id, identifiers_of
from earwitness.api.datasets.entries.stretch import WHOLE_FILE, BadStretch, Stretch
from earwitness.api.datasets.entries.stretch_columns import stretch_of
from earwitness.api.datasets.items import Identifiers, Json
from earwitness.api.datasets.manifests.columns import (
    ID_KEYS,
    PATH_KEYS,
    AudioField,
    audio_fields,
    plain_name,
)
from earwitness.api.datasets.manifests.json_text import text_of

_CLIPS: Final = frozenset({"AudioSet", "VGGSound", "MusicCaps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a row means: its audio, or the usual names of its file, and its metadata.

    Attributes
    ----------
    audio : tuple of AudioField
        The values that name or hold audio; empty where only usual names can be tried.
    guesses : tuple of str
        Names, without suffix, under which the usual scripts store the file.
    path : str or None
        The path as written, where ``guesses`` are made from it.
    stretch : Stretch
        The stretch that the row means; not known where ``problem`` is set.
    problem : BadStretch or None
        Why the stretch is not clear.
    """

    item_id: str | None
    audio: tuple[AudioField, ...]
    guesses: tuple[str, ...] = ()
    path: str | None = None
    stretch: Stretch = WHOLE_FILE
    problem: BadStretch | None = None
    identifiers: Identifiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a manifest's rows are read.

    Attributes
    ----------
    name : str or None
        The name of a well-known layout; it is part of the output.
    columns : tuple of str or None
        Names of the columns where no header gives them.
    skip_rows : int
        Lines before the header, or before the rows where ``columns`` are given.
    path_column : str or None
        The one column that was requested.
    """

    name: str | None
    columns: tuple[str, ...] | None = None
    skip_rows: int = 0
    delimiter: str = ","
    path_column: str | None = None

    def path_at(self, names: Sequence[str]) -> int | None:
        """Index of the column with the path; None where no column is named like one."""
        plain = [plain_name(name) for name in names]
        if self.path_column is not None:
            requested = plain_name(self.path_column)
            return plain.index(requested) if requested in plain else None
        if self.name in _CLIPS:
            return None
        ranked = [(PATH_KEYS.index(name), n) for n, name in enumerate(plain) if name in PATH_KEYS]
        return min(ranked)[1] if ranked else None

    def entry(self, row: Mapping[str, Json], *, own_rate: Callable[[AudioField], float | None]) -> Entry:
        """The entry of one row; ``own_rate`` gives the sampling rate in Hz of the file that a field names."""
        lower = {key.strip().lower(): value for key, value in row.items()}
        audio = self._audio(row)
        stretch, problem = WHOLE_FILE, None
        try:
            stretch = stretch_of(row, own_rate=lambda: own_rate(audio[0]) if audio else None)
        except BadStretch as error:
            problem = error
        item_id = _item_id(row)
        path = text_of(lower, "path") if self.name == "MTG-Jamendo" else None
        try_names = self.path_column is None and not audio
        return Entry(
            item_id=item_id,
            audio=audio,
            guesses=self._guesses(lower, item_id, path, stretch) if try_names else (),
            path=path,
            stretch=stretch,
            problem=problem,
            identifiers=identifiers_of(lower),
        )

    def _guesses(
        self, lower: Mapping[str, Json], item_id: str | None, path: str | None, stretch: Stretch
    ) -> tuple[str, ...]:
        """The usual names of the file of a row that names none."""
        if self.name == "FMA":
            return fma_names(item_id or "")
        if self.name == "MTG-Jamendo":
            return tuple(filter(None, [(path or "").removesuffix(".mp3")]))
        if (clip := clip_id(lower)) is not None:
            return clip_names(clip[0], stretch.start_s if clip[1] is None else clip[1], stretch.end_s)
        is_name = item_id is not None and not item_id.isdigit() and len(item_id) < 200
        return (item_id,) if item_id is not None and is_name else ()

    def _audio(self, row: Mapping[str, Json]) -> tuple[AudioField, ...]:
        if self.path_column is not None:
            requested = plain_name(self.path_column)
            fields = [
                AudioField(column=key, value=value, sure=True)
                for key, value in row.items()
                if (key == self.path_column or plain_name(key) == requested) and value not in (None, "")
            ]
            return tuple(fields[:1])
        return () if self.name is not None else audio_fields(row)


def _item_id(row: Mapping[str, Json]) -> str | None:
    ids = (text_of({"": value}, "") for key, value in row.items() if plain_name(key) in ID_KEYS)
    return next((item_id for item_id in ids if item_id), None)


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
