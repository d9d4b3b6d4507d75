"""Names of columns: those that name audio, and those that name the entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from earwitness.api.datasets.entries.embedded_audio import begins_as_audio_in_base64
from earwitness.api.datasets.entries.identifiers import youtube_of
from earwitness.api.datasets.entries.resolve_path import is_url
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.members import called_like_audio

PATH_KEYS: Final = (
    "path", "audio", "audio_path", "audio_filepath", "audio_file_path", "filepath", "file_path",
    "file_name", "filename", "file", "audio_file", "audio_filename", "audio_file_name", "wav", "wav_path",
    "wav_filename", "wav_file", "wav_filepath", "mp3", "mp3_path", "mp3_file", "flac", "flac_path", "ogg",
    "opus", "sound", "sound_path", "sound_file", "recording", "recording_path", "recording_file",
    "song_path", "music_path", "media", "media_path", "media_file", "speech", "speech_path", "location",
    "track_path", "track_file", "clip", "clip_path", "clip_file", "segment_path", "relative_path",
    "rel_path", "relpath", "local_path", "full_path", "fullpath", "abs_path", "fname", "fn", "fpath",
    "video_path", "video_file", "video", "source_path", "src", "src_path", "src_audio", "input",
    "input_path", "content_url", "audio_url", "url", "download_url", "file_url", "wav_url", "mp3_url",
    "preview_url", "uri", "source_url", "href", "source", "begin_file",
)  # fmt: skip
"""Names of columns with a path or URL, the surest first; compared without case and punctuation."""

ID_KEYS: Final = (
    "id", "item_id", "clip_id", "track_id", "utt_id", "utterance_id", "uttid", "utt", "key", "uid", "uuid",
    "ytid", "youtube_id", "audio_id", "sample_id", "segment_id", "recording_id", "song_id",
)  # fmt: skip

TEXT_KEYS: Final = frozenset({
    "text", "sentence", "transcript", "transcription", "title", "label", "labels", "artist", "album",
    "name", "caption", "genre", "tags", "speaker", "speaker_id", "client_id", "split", "duration",
    "category", "class", "target", "fold", "isrc", "spotify_id", "video_id", "language", "locale",
    "gender", "age", "accent", "up_votes", "down_votes",
})  # fmt: skip
"""Other names that show a first line to be a header."""

_DEEPEST: Final = 3
"""Levels of objects within objects that are searched for audio."""
_GENERIC: Final = frozenset(
    {"path", "file", "file_name", "filename", "fname", "name", "relative_path", "location"}
)
AUDIO_WORDS: Final = frozenset({
    "audio", "wav", "mp3", "flac", "ogg", "opus", "sound", "song", "music", "speech", "vocals", "vocal",
    "voice", "drums", "bass", "guitar", "piano", "other", "mix", "mixture", "mixdown", "accompaniment",
    "instrumental", "instrumentals", "backing", "karaoke", "stem", "stems", "track", "noise", "noisy",
    "clean", "clip", "reverb", "dry", "wet", "target", "reference", "ref", "enrollment", "left", "right",
    "mic", "channel", "recording", "rec", "chosen", "rejected", "prompt", "response", "answer", "question",
    "source", "src", "s1", "s2", "s3",
})  # fmt: skip
"""Words in names of columns that hold audio or name it."""
_FORMER_WORDS: Final = frozenset(
    {"original", "orig", "old", "former", "raw", "name", "title", "text", "image", "spectrogram"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioField:
    """One value that names or holds audio.

    Attributes
    ----------
    column : str
        The column's name, for the item's id.
    value : Json
        A path or URL, or an object that holds audio.
    sure : bool
        Whether the column's name means audio, so that a missing file is an error of the entry.
    """

    column: str
    value: Json
    sure: bool
    around: Mapping[str, Json] = field(default_factory=dict)
    """The fields of the objects that the value is in; the innermost one's where several have one name."""


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A column's name without case, blanks and punctuation: ``Audio File`` is ``audio_file``."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")


def audio_fields(row: Mapping[str, Json]) -> tuple[AudioField, ...]:
    """The values of a row that name or hold audio, the surest column first.

    A URL beside a path is taken as another way to get the same audio, and is left out.
    """
    fields = [each for _, each in sorted(_candidates(row), key=lambda each: each[0])]
    return tuple(
        each
        for n, each in enumerate(fields)
        if not n
        or not isinstance(each.value, str)
        or _names_file(each.value)
        or begins_as_audio_in_base64(each.value)
    )


def _names_file(text: str) -> bool:
    return called_like_audio(text.strip()) and not is_url(text)


_RANKS: Final = {name: rank for rank, name in enumerate(PATH_KEYS)}


def _candidates(row: Mapping[str, Json], *, depth: int = 0) -> Iterator[tuple[int, AudioField]]:
    """The fields that may name or hold audio, each with its rank; the lowest is the surest."""
    for key, value in row.items():
        plain = plain_name(key)
        rank = _RANKS.get(plain)
        for column, element in _flat(key, value):
            if isinstance(element, str):
                yield from _of_text(column, element, plain)
            elif isinstance(element, dict):
                if (rank is None and not set(plain.split("_")) & AUDIO_WORDS) or not _holds(element):
                    if depth < _DEEPEST:
                        yield from _inner(column, element, depth=depth)
                    continue
                order = len(PATH_KEYS) if rank is None else rank
                yield order, AudioField(column=column, value=element, sure=True)


def _of_text(column: str, text: str, plain: str) -> Iterator[tuple[int, AudioField]]:
    rank, words = _RANKS.get(plain), set(plain.split("_"))
    is_audio_path = called_like_audio(text.strip()) and "\n" not in text and len(text) < 4096
    if rank is None and begins_as_audio_in_base64(text):
        yield len(_RANKS), AudioField(column=column, value=text, sure=True)
        return
    if not text.strip() or (rank is None and (not is_audio_path or is_url(text))):
        return
    sure = (
        plain not in _GENERIC and not words & _FORMER_WORDS and bool(words & AUDIO_WORDS or rank is not None)
    )
    order = len(PATH_KEYS) if rank is None else rank
    # a link to a video or a page comes after the path of a file
    if youtube_of(text) or (is_url(text) and not called_like_audio(text)):
        order += 1000
    yield order, AudioField(column=column, value=text, sure=sure)


def _inner(column: str, value: Mapping[str, Json], *, depth: int) -> Iterator[tuple[int, AudioField]]:
    """The audio in objects within a field, where an inner field is named like audio."""
    for rank, inner in _candidates(value, depth=depth + 1):
        text = inner.value if isinstance(inner.value, str) else None
        if text is not None and begins_as_audio_in_base64(text):
            is_audio = True
        else:
            is_audio = named_like_audio(inner.column.rpartition(".")[2])
            is_audio = is_audio and (text is None or called_like_audio(text.strip()))
        if is_audio:
            around = {key: each for key, each in value.items() if not _is_deep(each)}
            yield (
                rank + 500,
                replace(inner, column=f"{column}.{inner.column}", around={**around, **inner.around}),
            )


def _is_deep(value: Json) -> bool:
    """Whether a value holds objects."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(e, dict) for e in value))


def _flat(key: str, value: Json) -> Iterator[tuple[str, Json]]:
    if (
        isinstance(value, list)
        and 0 < len(value) <= 1000
        and all(isinstance(each, str | dict) for each in value)
    ):
        for n, each in enumerate(value):
            yield (key if len(value) == 1 else f"{key}/{n}"), each
    else:
        yield key, value


def _holds(value: Mapping[str, Json]) -> bool:
    return bool(
        value.keys() & {"path", "bytes", "array", "src", "url", "file", "filepath", "filename", "file_name"}
    )


def stem_of(text: str) -> str:
    """The last part of a path, without its suffix and case."""
    return text.replace("\\", "/").rstrip("/").rpartition("/")[2].rpartition(".")[0].lower() or text


def named_like_audio(name: str) -> bool:
    """Whether a column's name means audio of its own, and not the file of the row."""
    plain = plain_name(name)
    words = set(plain.split("_"))
    return plain not in _GENERIC and not words & _FORMER_WORDS and bool(words & AUDIO_WORDS)
