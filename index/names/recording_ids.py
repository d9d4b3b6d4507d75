"""Identifiers of recordings: their forms, and the links of the services that give them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

LONGEST_LINK: Final = 2_000
"""Characters of a text that may be a link."""


class RecordingId(NamedTuple):
    """An identifier in its normal form; `kind` is one of `KINDS`."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_YOUTUBE: Final = re.compile(r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")
"""64 bits in base 64: the last character can have 16 values only."""
_YOUTUBE_CLIP: Final = re.compile(r"Y?(?P<id>[A-Za-z0-9_-]{11})(?:_\d{1,9}){0,2}(?:\.[a-z0-9]{2,4})?")
_SPOTIFY: Final = re.compile(r"[A-Za-z0-9]{22}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER: Final = re.compile(r"(?:track_)?0*(?P<number>[1-9][0-9]{0,11})(?:\.0)?")
_PLACE: Final = re.compile(r"[a-z0-9_-]{1,100}/[\w.~%-]{1,300}")


def isrc_of(text: str) -> str | None:
    """Return an ISRC without hyphens and in upper case; None when the text is no ISRC."""
    plain = text.replace("-", "").replace(" ", "").upper()
    return plain if _ISRC.fullmatch(plain) else None


def _youtube(text: str) -> str | None:
    """Return the id of a video, also from the name of a clip (``<id>_<start>``) or of its file."""
    if _YOUTUBE.fullmatch(text):
        return text
    clip = _YOUTUBE_CLIP.fullmatch(text)
    return clip["id"] if clip is not None and _YOUTUBE.fullmatch(clip["id"]) else None


def _spotify(text: str) -> str | None:
    plain = text.removeprefix("spotify:track:")
    return plain if _SPOTIFY.fullmatch(plain) else None


def _uuid(text: str) -> str | None:
    plain = text.lower()
    return plain if _UUID.fullmatch(plain) else None


def _number(text: str) -> str | None:
    match = _NUMBER.fullmatch(text)
    return None if match is None else match["number"]


def _freesound(text: str) -> str | None:
    """Return the number of a sound; the names of its files begin with it (``1234__user__name.wav``)."""
    return _number(text.split("__", 1)[0].removesuffix(".wav"))


def _place(text: str) -> str | None:
    plain = text.lower().strip("/")
    return plain if _PLACE.fullmatch(plain) else None


_FORMS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "isrc": isrc_of,
    "youtube": _youtube,
    "spotify": _spotify,
    "musicbrainz": _uuid,
    "deezer": _number,
    "freesound": _freesound,
    "jamendo": _number,
    "soundcloud": _place,
    "bandcamp": _place,
    "acoustid": _uuid,
}
KINDS: Final = tuple(_FORMS)
"""Kinds of identifier: ``musicbrainz`` is a recording there, ``soundcloud`` and ``bandcamp`` are the names of
the artist's page and of the track."""
SHOWN_KINDS: Final[Mapping[str, str]] = {
    "isrc": "ISRC",
    "youtube": "YouTube",
    "spotify": "Spotify",
    "musicbrainz": "MusicBrainz",
    "deezer": "Deezer",
    "freesound": "Freesound",
    "jamendo": "Jamendo",
    "soundcloud": "SoundCloud",
    "bandcamp": "Bandcamp",
    "acoustid": "AcoustID",
}
"""How each kind is written for people."""


def recording_id(kind: str, text: str) -> RecordingId | None:
    """Return an identifier of this kind, given as itself or as a link; None when the text is none."""
    text = text.strip()
    if len(text) > LONGEST_LINK:
        return None
    value = _FORMS[kind](text)
    if value is not None:
        return RecordingId(kind, value)
    linked = linked_id(text) if "/" in text else None
    return linked if linked is not None and linked.kind == kind else None


def ids_of(pairs: Iterable[tuple[str, str]]) -> tuple[RecordingId, ...]:
    """Return the valid identifiers among texts by kind, each once."""
    found = (recording_id(kind, text) for kind, text in pairs)
    return tuple(dict.fromkeys(each for each in found if each is not None))


@lru_cache(maxsize=4096)
def linked_id(text: str) -> RecordingId | None:
    """Return the identifier in a link that somebody pasted; None for any other text.

    Links to albums, playlists and artists identify no recording.
    """
    text = text.strip()
    if text.startswith("spotify:track:"):
        return _made("spotify", text)
    if not text or len(text) > LONGEST_LINK or any(map(str.isspace, text)):
        return None
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
        path, query = [part for part in parts.path.split("/") if part], parts.query
    except ValueError:
        return None
    if host in _SERVICES:
        return _SERVICES[host](path, query)
    page = host.removesuffix(".bandcamp.com")
    if page != host and len(path) == 2 and path[0] == "track":
        return _made("bandcamp", f"{page}/{path[1]}")
    return None


def _made(kind: str, text: str) -> RecordingId | None:
    value = _FORMS[kind](text)
    return None if value is None else RecordingId(kind, value)


_Link = Callable[[Sequence[str], str], RecordingId | None]


def _watched(path: Sequence[str], query: str) -> RecordingId | None:
    if path == ["watch"]:
        return _made("youtube", (parse_qs(query).get("v") or [""])[0])
    known = len(path) == 2 and path[0] in {"embed", "shorts", "v", "live"}
    return _made("youtube", path[1]) if known else None


def _shortened(path: Sequence[str], _: str) -> RecordingId | None:
    return _made("youtube", path[0]) if len(path) == 1 else None


def _after(kind: str, word: str) -> _Link:
    """Read the part of a path that follows a word, whatever comes before the word: a language, a user."""

    def read(path: Sequence[str], _: str) -> RecordingId | None:
        at = path.index(word) if word in path else len(path)
        return _made(kind, path[at + 1]) if at + 1 < len(path) else None

    return read


def _freesound_page(path: Sequence[str], query: str) -> RecordingId | None:
    return _after("freesound", "s" if path[:1] == ["s"] else "sounds")(path, query)


_NO_TRACKS: Final = frozenset(
    {"sets", "tracks", "albums", "likes", "followers", "following", "reposts", "popular-tracks", "comments"}
)
_NO_USERS: Final = frozenset(
    {"discover", "stream", "you", "search", "charts", "upload", "pages", "terms-of-use"}
)


def _soundcloud_page(path: Sequence[str], _: str) -> RecordingId | None:
    is_track = len(path) in {2, 3} and path[0] not in _NO_USERS and path[1] not in _NO_TRACKS
    return _made("soundcloud", f"{path[0]}/{path[1]}") if is_track else None


_SERVICES: Final[Mapping[str, _Link]] = {
    "youtube.com": _watched,
    "music.youtube.com": _watched,
    "youtube-nocookie.com": _watched,
    "youtu.be": _shortened,
    "open.spotify.com": _after("spotify", "track"),
    "soundcloud.com": _soundcloud_page,
    "deezer.com": _after("deezer", "track"),
    "musicbrainz.org": _after("musicbrainz", "recording"),
    "acoustid.org": _after("acoustid", "track"),
    "freesound.org": _freesound_page,
    "jamendo.com": _after("jamendo", "track"),
}
