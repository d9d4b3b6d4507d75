"""The columns of a Parquet or Arrow table that hold audio, name it, or describe it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from earwitness.api.datasets.entries.embedded_audio import ARRAY_NAMES
from earwitness.api.datasets.entries.stretch_names import named_like_range, stretch_column
from earwitness.api.datasets.manifests.columns import (
    AUDIO_WORDS,
    PATH_KEYS,
    TEXT_KEYS,
    named_like_audio,
    plain_name,
)
from earwitness.api.datasets.manifests.json_text import BadJson, json_object
from earwitness.api.datasets.names import label
from earwitness.api.datasets.source_errors import NoAudioColumn
from earwitness.api.datasets.tables.column_kinds import audio_fields_within, kind_of

BYTES_NAMES: Final = frozenset(
    {"bytes", "audio_bytes", "data", "content", "binary", "blob", "buffer", "payload", "value"}
)
_OTHER_WORDS: Final = frozenset({
    "image", "img", "picture", "photo", "thumbnail", "cover", "spectrogram", "mel", "embedding",
    "embeddings", "hash", "sha256", "md5", "signature", "fingerprint", "mask", "pdf", "midi", "features",
    "codes", "tokens",
})  # fmt: skip
_DESCRIBING: Final = frozenset({"text", "plain", "object", "list of text", "list of object"})
_AUDIO_KINDS: Final = frozenset({"struct", "samples", "bytes", "array"})
_ARTISTS: Final = frozenset({"artist", "artist_name", "artists", "artist_names", "performer"})
_NAMING: Final = frozenset({"text", "object", "list of text", "list of object"})
_TITLES: Final = frozenset({"title", "track_name", "song", "song_name", "track_title", "name"})
_IDENTIFYING: Final = frozenset({
    "isrc", "ytid", "youtube_id", "yt_id", "youtube", "video_id", "song_id", "spotify_id", "spotify",
    "youtube_url", "video_url", "spotify_url", "track_uri", "spotify_uri", "spotify_track_id", "track_url",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its unique ``name``, its position (the ``nth`` of the name ``stored``), and its kind.

    Kinds: ``struct`` ({bytes, path}), ``samples`` ({array, sampling_rate}), ``bytes``, ``array``, ``text``,
    ``plain``, ``object`` (a struct of plain fields), ``other``; those of lists begin with ``list of``.
    """

    name: str
    stored: str
    nth: int
    kind: str
    inside: tuple[str, ...] = ()
    """Path of fields to the audio in a column of objects."""
    sure: bool = True
    """Whether it is audio by its type, its name or a declaration; else each value is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a table's rows are read.

    Attributes
    ----------
    audio_columns : tuple of Column
        Columns that hold audio.
    detail_columns : tuple of Column
        Plain columns and texts, which may name audio, state a stretch of it or describe it.
    left_out : tuple of str
        Columns that also hold audio, beside the one that was requested.
    """

    audio_columns: tuple[Column, ...]
    detail_columns: tuple[Column, ...]
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of all columns that are read."""
        return list(dict.fromkeys(column.stored for column in (*self.audio_columns, *self.detail_columns)))

    @property
    def one_item_per_row(self) -> bool:
        """Whether every row is one item for any values."""
        texts = [column for column in self.detail_columns if column.kind not in {"plain", "array"}]
        if not self.audio_columns:
            unnamed = [column.kind for column in texts if plain_name(column.name) not in TEXT_KEYS]
            return len(unnamed) <= 1 and not any(" of " in kind for kind in unnamed)
        kind = self.audio_columns[0].kind
        return (
            len(self.audio_columns) == 1
            and not self.audio_columns[0].inside
            and " of " not in kind
            and not any(named_like_audio(c.name) for c in texts)
        )


def plan_of(schema: Any, *, source: str, requested: str | None, declared: Iterable[str] = ()) -> Plan:
    """How to read a table of this Arrow schema.

    Raises
    ------
    NoAudioColumn
        No column holds audio, names it or identifies a recording; or the requested one does not.
    """
    columns = list(_columns(schema))
    declared_audio = {
        *declared,
        *_declared(schema.metadata or {}, "Audio"),
        *_declared(schema.metadata or {}, "Video"),
    }
    not_audio = _declared(schema.metadata or {}, "Image")
    audio_columns = [
        audio for column in columns if (audio := _as_audio(column, declared_audio, not_audio)) is not None
    ]
    described = tuple(column for column in columns if _describes(column))
    if requested is not None:
        return _requested(requested, columns, audio_columns, described, source=source)
    if any(column.sure for column in audio_columns):
        audio_columns = [column for column in audio_columns if column.sure or column.kind == "bytes"]
    elif any(plain_name(column.name) in BYTES_NAMES for column in audio_columns):
        audio_columns = [
            replace(column, sure=plain_name(column.name) in BYTES_NAMES) for column in audio_columns
        ]
    if not audio_columns and not _identifies_audio(described):
        raise NoAudioColumn(source=source, columns=tuple(label(column.name) for column in columns))
    return Plan(audio_columns=tuple(audio_columns), detail_columns=described)


def _requested(
    requested: str,
    columns: list[Column],
    audio_columns: list[Column],
    described: tuple[Column, ...],
    *,
    source: str,
) -> Plan:
    chosen = [column for column in columns if column.name == requested]
    chosen = chosen or [column for column in columns if plain_name(column.name) == plain_name(requested)]
    names = tuple(label(column.name) for column in columns)
    kind = chosen[0].kind.removeprefix("list of ") if chosen else ""
    if kind not in _AUDIO_KINDS | {"text", "object"}:
        raise NoAudioColumn(source=source, columns=names, wanted=label(requested), is_there=bool(chosen))
    left_out = tuple(label(each.name) for each in audio_columns if each.sure and each.name != chosen[0].name)
    if kind in _AUDIO_KINDS:
        return Plan(audio_columns=(chosen[0],), detail_columns=described, left_out=left_out)
    return Plan(audio_columns=(), detail_columns=described, left_out=left_out)


def _columns(schema: Any) -> Iterator[Column]:
    seen: dict[str, int] = {}
    for field in schema:
        nth = seen[field.name] = seen.get(field.name, -1) + 1
        name = field.name if not nth else f"{field.name} {nth + 1}"
        kind = kind_of(field.type)
        yield Column(name=name, stored=field.name, nth=nth, kind=kind)
        if kind.removeprefix("list of ") in {"other", "object"}:
            for inside, inner in audio_fields_within(field.type):
                within = ".".join((name, *inside))
                yield Column(name=within, stored=field.name, nth=nth, kind=inner, inside=inside)


def _as_audio(column: Column, declared: set[str], not_audio: set[str]) -> Column | None:
    """The column, if it may hold audio, with ``sure`` set; else None."""
    kind, plain = column.kind.removeprefix("list of "), plain_name(column.name)
    words = set(plain.split("_"))
    if column.name in declared:
        return column if kind in _AUDIO_KINDS else None
    if column.name in not_audio or kind not in _AUDIO_KINDS or words & _OTHER_WORDS:
        return None
    if kind in {"struct", "samples"}:
        return column
    if kind == "array":
        return (
            column
            if column.kind == "array" and (plain in ARRAY_NAMES or words & {"audio", "waveform"})
            else None
        )
    sure = plain in PATH_KEYS or bool(words & AUDIO_WORDS)
    return replace(column, sure=sure)


def _describes(column: Column) -> bool:
    """Whether a column may describe the audio; a column of times does so with any type."""
    if column.inside:
        return False
    if column.kind == "array":
        return named_like_range(column.name) or stretch_column(column.name) is not None
    return column.kind in _DESCRIBING or (column.kind == "bytes" and stretch_column(column.name) is not None)


def _identifies_audio(described: tuple[Column, ...]) -> bool:
    """Whether the rows of a table without audio name files, or identify recordings."""
    names = {plain_name(column.name) for column in described}
    if names & set(PATH_KEYS) or any(name in _IDENTIFYING for name in names):
        return True
    if any(
        column.kind in _NAMING and set(plain_name(column.name).split("_")) & AUDIO_WORDS
        for column in described
    ):
        return True
    return bool(names & _ARTISTS) and bool(names & _TITLES)


def _declared(metadata: Mapping[bytes, bytes], kind: str) -> set[str]:
    """Columns that the Hugging Face features in a schema's metadata declare to have this type."""
    try:
        info = json_object(metadata.get(b"huggingface", b"{}"))
    except BadJson:
        return set()
    inner = info.get("info")
    features = inner.get("features") if isinstance(inner, dict) else None
    if not isinstance(features, dict):
        return set()
    return {name for name, each in features.items() if _is_declared(each, kind)}


def _is_declared(feature: object, kind: str) -> bool:
    while isinstance(feature, list) and feature:
        feature = feature[0]
    if isinstance(feature, dict) and feature.get("_type") in {"Sequence", "List", "LargeList"}:
        return _is_declared(feature.get("feature"), kind)
    return isinstance(feature, dict) and feature.get("_type") == kind
