"""Recognises lists of names: known layouts of public datasets, and any list with names or identifiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from earwitness.api.datasets.entries.resolve_path import is_url
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.manifests.columns import audio_fields, plain_name
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.name_lists.list_columns import (
    LINK,
    NameColumn,
    columns_of,
    role_of,
    row_in,
    texts_of,
)
from earwitness.index.names.recording_ids import SHOWN_KINDS, recording_id

ROWS_SHOWN: Final = 50
"""Rows by which a list is recognised."""
_FEWEST: Final = 0.5
"""Share of these rows that must name something; chosen by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameLayout:
    """How the rows of a list are read as names.

    Attributes
    ----------
    name : str
        Name of a known layout, or the roles of the columns, for people.
    """

    name: str
    columns: tuple[NameColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A known layout: its name, the columns by which it is known, and their roles where names mislead."""

    name: str
    has: frozenset[str]
    roles: Mapping[str, str] | None = None


_KNOWN: Final = (
    _Known(name="AudioSet", has=frozenset({"ytid", "start_seconds", "end_seconds"})),
    _Known(name="VGGSound", has=frozenset({"ytid", "start_seconds", "label", "split"})),
    _Known(name="VGGSounder", has=frozenset({"video_id", "label", "modality"})),
    _Known(name="AudioCaps", has=frozenset({"audiocap_id", "youtube_id", "start_time"})),
    _Known(name="MusicCaps", has=frozenset({"ytid", "start_s", "end_s", "caption"})),
    _Known(name="LAION-DISCO-12M", has=frozenset({"song_id", "title", "artist_names", "artist_ids"})),
    _Known(
        name="MTG-Jamendo",
        has=frozenset({"track_id", "artist_id", "album_id", "path"}),
        roles={"track_id": "jamendo"},
    ),
    _Known(name="FMA", has=frozenset({"track_id", "artist_name", "track_title"})),
)


def recognised(rows: Sequence[Mapping[str, Json]], *, with_audio: bool = False) -> NameLayout | None:
    """Return how a list is read, by its first rows; None where they name nothing.

    Parameters
    ----------
    with_audio
        Whether rows that hold or name audio are names too.
    """
    if not rows:
        return None
    names = {plain_name(name) for row in rows for name in row}
    columns = columns_of(rows)
    known = next((each for each in _KNOWN if each.has <= names), None)
    if known is not None:
        roles = known.roles or {}
        columns = tuple(_with_role(each, roles) for each in columns)
        return NameLayout(name=known.name, columns=columns) if _says_enough(rows, columns) else None
    if names == {"index", "id"}:
        return _of_black_list(rows)
    if (not with_audio and _hold_audio(rows)) or not _says_enough(rows, columns):
        return None
    return NameLayout(name=_roles_of(columns), columns=columns)


def _with_role(column: NameColumn, roles: Mapping[str, str]) -> NameColumn:
    return replace(column, role=roles.get(plain_name(column.path[-1]), column.role))


def _of_black_list(rows: Sequence[Mapping[str, Json]]) -> NameLayout | None:
    """Recognise WavCaps' lists of clips that are left out: names of files that hold an identifier."""
    for kind, is_kind in _CLIPS.items():
        texts = [text for row in rows for text in texts_of(row.get("id"))]
        if sum(map(is_kind, texts)) > _FEWEST * len(rows):
            return NameLayout(name="WavCaps black list", columns=(NameColumn(path=("id",), role=kind),))
    return None


_CLIPS: Final[Mapping[str, Callable[[str], bool]]] = {
    "youtube": lambda text: text.startswith("Y") and recording_id("youtube", text) is not None,
    "freesound": lambda text: recording_id("freesound", text) is not None,
}


def _says_enough(rows: Sequence[Mapping[str, Json]], columns: Sequence[NameColumn]) -> bool:
    n_named = sum(row_in(columns, row, place="") is not None for row in rows)
    return n_named >= _FEWEST * len(rows)


def _hold_audio(rows: Sequence[Mapping[str, Json]]) -> bool:
    """Whether the rows hold audio or name files of it; a link to a page is none."""
    unsure = 0
    for row in rows:
        for each in audio_fields(row):
            if not isinstance(each.value, str):
                return True
            is_file = called_like_audio(each.value.strip())
            is_link = (role_of((each.column,)) or (0, ""))[1] in {LINK, *SHOWN_KINDS}
            if each.sure and (is_file or not (is_link or is_url(each.value))):
                return True
            unsure += is_file
    return unsure >= _FEWEST * len(rows)


def _roles_of(columns: Sequence[NameColumn]) -> str:
    roles = dict.fromkeys(SHOWN_KINDS.get(each.role, each.role) for each in columns)
    return f"a list of {', '.join(roles)}"
