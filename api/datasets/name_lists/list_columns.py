"""What the columns of a list of names mean, and the names in a row."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.entries.clock_times import time_of
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.manifests.columns import plain_name
from earwitness.index.names.name_entries import MOST_NAMES
from earwitness.index.names.recording_ids import LONGEST_LINK, RecordingId, linked_id, recording_id
from earwitness.index.names.stored_rows import StoredRow, stored_row

LINK: Final = "link"
"""Kind of a text that may be a link of any service, or several links."""

_ARTISTS: Final = (
    "artist", "artist_name", "artists", "artist_names", "artists_names", "track_artist", "song_artist",
    "performer", "performers", "artist_display_name", "creator", "creator_name",
)  # fmt: skip
_TITLES: Final = (
    "title", "track_title", "track_name", "song_name", "song_title", "recording_title", "song", "track",
    "name",
)  # fmt: skip
_ALBUMS: Final = ("album", "album_name", "album_title", "release", "release_name", "release_title")
_DURATIONS: Final = (
    "duration", "duration_s", "duration_sec", "duration_seconds", "track_duration", "song_duration", "length",
    "length_s", "length_seconds", "duration_ms", "length_ms",
)  # fmt: skip
_IDS: Final[Mapping[str, tuple[str, ...]]] = {
    "isrc": ("isrc", "isrcs", "track_isrc", "external_ids_isrc", "isrc_code"),
    "youtube": (
        "ytid", "youtube_id", "yt_id", "youtube", "video_id", "song_id", "youtube_video_id", "yt_video_id",
        "youtube_ids", "videoid", "youtube_url", "video_url",
    ),
    "spotify": (
        "spotify_id", "spotify", "spotify_track_id", "spotify_uri", "track_uri", "spotify_url", "track_id",
        "spotify_ids",
    ),
    "musicbrainz": (
        "mbid", "musicbrainz_id", "recording_mbid", "musicbrainz_recording_id", "musicbrainz_recordingid",
        "musicbrainz_trackid", "musicbrainz", "mb_recording_id", "recording_id", "track_mbid",
    ),
    "deezer": ("deezer_id", "deezer", "deezer_track_id", "dz_sng_id"),
    "freesound": ("freesound_id", "freesound", "fsid", "sound_id", "freesound_sound_id"),
    "jamendo": ("jamendo_id", "jamendo", "jamendo_track_id"),
    "soundcloud": ("soundcloud", "soundcloud_url"),
    "bandcamp": ("bandcamp", "bandcamp_url"),
    "acoustid": ("acoustid", "acoustid_id", "acoust_id"),
}  # fmt: skip
_LINKS: Final = frozenset({
    "url", "urls", "link", "links", "href", "webpage_url", "permalink", "permalink_url", "track_url", "page",
    "source", "source_url", "uri", "ids",
})  # fmt: skip
_BETWEEN_LINKS: Final = re.compile(r"[\s;|]+")
_LISTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_ROLES: Final[Mapping[str, str]] = {
    **{name: kind for kind, names in _IDS.items() for name in names},
    **dict.fromkeys(_LINKS, LINK),
    **dict.fromkeys(_ARTISTS, "artist"),
    **dict.fromkeys(_TITLES, "title"),
    **dict.fromkeys(_ALBUMS, "album"),
    **dict.fromkeys(_DURATIONS, "duration"),
}
_SUREST: Final[Mapping[str, int]] = {
    name: n for names in (_ARTISTS, _TITLES, _ALBUMS, _DURATIONS) for n, name in enumerate(names)
}
_NAMES: Final = frozenset({"artist", "title", "album", "duration"})
"""Roles that are no identifiers."""
_LONGEST_LIST: Final = 6 * LONGEST_LINK
_DEEPEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NameColumn:
    """One column, or a field of objects in a column, and its role.

    Attributes
    ----------
    path : tuple of str
        The column's name, and those of the fields within it.
    role : str
        ``artist``, ``title``, ``album``, ``duration``, a kind of identifier, or `LINK`.
    """

    path: tuple[str, ...]
    role: str

    def value(self, fields: Mapping[str, Json]) -> Json:
        """Return its value in a row; null where the row has none."""
        value: Json = fields.get(self.path[0])
        for name in self.path[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        return value


def role_of(path: Sequence[str]) -> tuple[int, str] | None:
    """Return how sure the role of a column is (less is surer), and the role; None where it has none."""
    plain = [plain_name(name) for name in path]
    last = plain[-1]
    if len(plain) > 1 and last in {"name", "id"}:  # the name of an artist, not a title
        outer = _ROLES.get(plain[-2]) if last == "name" else None
        return (_SUREST.get(plain[-2], 0), outer) if outer in {"artist", "album", "title"} else None
    for name in ("_".join(plain), last):
        if (role := _ROLES.get(name)) is not None:
            return _SUREST.get(name, 0), role
    return (0, LINK) if last.endswith(("_url", "_link", "_uri")) else None


def columns_of(rows: Iterable[Mapping[str, Json]]) -> tuple[NameColumn, ...]:
    """Return the columns with a role, by the first rows of a list; of each name, the surest column first."""
    found: dict[tuple[str, ...], tuple[int, str]] = {}
    for row in rows:
        for path in _paths(row):
            if path not in found and (role := role_of(path)) is not None:
                found[path] = role
    ordered = sorted(found.items(), key=lambda each: (each[1][0], len(each[0])))
    return tuple(NameColumn(path=path, role=role) for path, (_, role) in ordered)


def _paths(fields: Mapping[str, Json], *, depth: int = 0) -> Iterator[tuple[str, ...]]:
    for name, value in fields.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from ((name, *path) for path in _paths(value, depth=depth + 1))
        yield (name,)


def row_in(columns: Sequence[NameColumn], fields: Mapping[str, Json], *, place: str) -> StoredRow | None:
    """Return the names in a row of a list; None where it names nothing.

    What has the wrong form is left out, such as an identifier that is not valid.
    """
    artists: list[str] = []
    title = album = duration_s = None
    ids: list[RecordingId] = []
    for column in columns:
        value, role = column.value(fields), column.role
        if value is None or value == "":
            continue
        if role == "artist":
            artists = artists or texts_of(value)
        elif role == "title":
            title = title or next(iter(texts_of(value)), None)
        elif role == "album":
            album = album or next(iter(texts_of(value)), None)
        elif role == "duration":
            duration_s = _seconds(value, column.path[-1]) if duration_s is None else duration_s
        else:
            ids += _ids(role, texts_of(value))
    if len(ids) > 1:
        ids = list(dict.fromkeys(ids))[:MOST_NAMES]
    return stored_row(place, artists=artists, title=title, album=album, duration_s=duration_s, ids=ids)


def _ids(role: str, texts: Sequence[str]) -> Iterator[RecordingId]:
    for text in texts:
        if role != LINK:
            found = recording_id(role, text)
            if found is not None:
                yield found
            continue
        for part in _BETWEEN_LINKS.split(text)[:MOST_NAMES]:
            found = linked_id(part)
            if found is not None:
                yield found


def unknown_ids(columns: Sequence[NameColumn], fields: Mapping[str, Json]) -> Iterator[str]:
    """Yield the texts of a row that stand where identifiers or links belong, and are none that is known."""
    for column in columns:
        if column.role not in _NAMES:
            for text in texts_of(column.value(fields)):
                parts = _BETWEEN_LINKS.split(text) if column.role == LINK else [text]
                yield from (part for part in parts if part and not any(_ids(column.role, [part])))


def texts_of(value: Json) -> list[str]:
    """Return the texts in a value: itself, the elements of a list, or the names of objects."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] == "[" and text[-1:] == "]" and len(text) < _LONGEST_LIST:
            return _written_list(text)
        return [text[:LONGEST_LINK]] if text else []
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int):
        return [str(value)] if abs(value) < 1 << 63 else []
    if isinstance(value, float):
        return [str(int(value))] if value.is_integer() and abs(value) < 1 << 53 else []
    if isinstance(value, dict):
        return texts_of(next((value[key] for key in ("name", "title", "id") if key in value), None))
    return [text for each in value[:MOST_NAMES] if not isinstance(each, list) for text in texts_of(each)]


def _written_list(text: str) -> list[str]:
    """Return the texts of a list that was written as text, as JSON or as Python writes it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        pieces = (one or two for one, two in _LISTED.findall(text))
        return [piece.strip()[:LONGEST_LINK] for piece in pieces if piece.strip()][:MOST_NAMES] or [text]
    return [str(each).strip()[:LONGEST_LINK] for each in value[:MOST_NAMES] if isinstance(each, str | int)]


def _seconds(value: Json, name: str) -> float | None:
    seconds = value if type(value) in {int, float} else time_of(value)
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds <= 0:
        return None
    return seconds / 1000.0 if plain_name(name).endswith("_ms") else seconds
