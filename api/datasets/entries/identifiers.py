"""Finds identifiers (YouTube, Spotify, ISRC, artist and title) in an entry's metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from earwitness.api.datasets.items import Identifiers, Json
from earwitness.api.datasets.manifests.json_text import text_of
from earwitness.index.names.recording_ids import isrc_of

_YOUTUBE_URL: Final = re.compile(
    r"(?:youtu\.be/|youtube(?:-nocookie)?\.com/(?:watch\?(?:[^#\s]*&)?v=|embed/|shorts/|v/)|music\.youtube\.com/watch\?v=)"
    r"([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])"
)
_SPOTIFY: Final = re.compile(
    r"(?:open\.spotify\.com/(?:intl-[a-z]+/)?track/|spotify:track:)([A-Za-z0-9]{22})\b"
)
_YOUTUBE_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_SPOTIFY_ID: Final = re.compile(r"[A-Za-z0-9]{22}")

YOUTUBE_KEYS: Final = ("ytid", "youtube_id", "yt_id", "youtube", "video_id", "song_id")
_SPOTIFY_KEYS: Final = ("spotify_id", "spotify", "spotify_track_id", "spotify_uri", "track_uri")
_URL_KEYS: Final = ("url", "link", "href", "youtube_url", "video_url", "source", "track_url", "spotify_url")
_ARTIST_KEYS: Final = ("artist", "artist_name", "artists", "artist_names", "performer")
_TITLE_KEYS: Final = ("title", "track_title", "track_name", "song_name", "name", "song")


def identifiers_of(row: Mapping[str, Json]) -> Identifiers | None:
    """The identifiers of the recording in this metadata; None when there are none."""
    lower = {key.lower().strip(): value for key, value in row.items()}
    urls = " ".join(filter(None, (text_of(lower, key) for key in (*_URL_KEYS, *_SPOTIFY_KEYS))))
    identifiers = Identifiers(
        youtube=(clip_id(lower) or (None,))[0] or _within(urls, _YOUTUBE_URL),
        spotify=_exact(lower, _SPOTIFY_KEYS, _SPOTIFY_ID) or _within(urls, _SPOTIFY),
        isrc=isrc_of(text_of(lower, "isrc") or ""),
        artist=_joined(lower, _ARTIST_KEYS),
        title=_joined(lower, _TITLE_KEYS),
    )
    return identifiers if identifiers else None


_CLIP_ID: Final = re.compile(r"([A-Za-z0-9_-]{11})_(\d{1,6})")


def clip_id(row: Mapping[str, Json]) -> tuple[str, float | None] | None:
    """The YouTube video, and its start in seconds if the id states it (VGGSounder's ``<id>_000030``)."""
    for key in YOUTUBE_KEYS:
        value = text_of(row, key)
        if value is None:
            continue
        if _YOUTUBE_ID.fullmatch(value):
            return value, None
        if match := _CLIP_ID.fullmatch(value):
            return match[1], float(match[2])
    return None


def youtube_of(url: str) -> str | None:
    """The video's id in a YouTube URL; None for any other text."""
    return _within(url, _YOUTUBE_URL)


def _exact(row: Mapping[str, Json], keys: tuple[str, ...], form: re.Pattern[str]) -> str | None:
    for key in keys:
        value = text_of(row, key)
        if value is not None and form.fullmatch(value):
            return value
    return None


def _within(text: str, form: re.Pattern[str]) -> str | None:
    match = form.search(text)
    return match.group(1) if match else None


def _joined(row: Mapping[str, Json], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = row.get(key)
        if isinstance(value, list):
            names = [name for name in value if isinstance(name, str)]
            if names:
                return ", ".join(names)
        elif text := text_of(row, key):
            return text
    return None
