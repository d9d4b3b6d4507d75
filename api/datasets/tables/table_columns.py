"""Which columns of a Parquet or Arrow table hold audio, which name it, and which describe it."""

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

BYTES_NAMES: Final = frozenset(
    {"bytes", "audio_bytes", "data", "content", "binary", "blob", "buffer", "payload", "value"}
)
_PICTURE_WORDS: Final = frozenset({
    "image", "img", "picture", "photo", "thumbnail", "cover", "spectrogram", "mel", "embedding",
    "embeddings", "hash", "sha256", "md5", "signature", "fingerprint", "mask", "pdf", "midi", "features",
    "codes", "tokens",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: how it is shown (``name``), where it is (the ``nth`` called ``stored``), and its kind.

    Kinds: ``struct`` ({bytes, path}), ``samples`` ({array, sampling_rate}), ``bytes``, ``array``, ``text``,
    ``plain``, ``object`` (a struct of plain fields), ``other``; those of lists begin with ``list of``.
    """

    name: str
    stored: str
    nth: int
    kind: str
    inside: tuple[str, ...] = ()
    """Fields, one in another, in which the audio of a column of objects lies."""
    sure: bool = True
    """Whether it is audio by its shape, its name or a declaration; else each value is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a table's rows are read.

    Attributes
    ----------
    held : tuple of Column
        They hold audio.
    detail_columns : tuple of Column
        Plain columns and texts, which may name audio, say a stretch of it or describe it.
    left_out : tuple of str
        Columns that hold audio, too, where another one was asked for.
    """

    held: tuple[Column, ...]
    detail_columns: tuple[Column, ...]
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of all columns that are read."""
        return list(dict.fromkeys(column.stored for column in (*self.held, *self.detail_columns)))

    @property
    def one_item_per_row(self) -> bool:
        """Whether every row is one item, whatever its values."""
        texts = [column for column in self.detail_columns if column.kind not in {"plain", "array"}]
        if not self.held:
            unnamed = [column.kind for column in texts if plain_name(column.name) not in TEXT_KEYS]
            return len(unnamed) <= 1 and not any(" of " in kind for kind in unnamed)
        held = self.held[0].kind
        return (
            len(self.held) == 1
            and not self.held[0].inside
            and " of " not in held
            and not any(named_like_audio(c.name) for c in texts)
        )


def plan_of(schema: Any, *, source: str, wanted: str | None, declared: Iterable[str] = ()) -> Plan:
    """How to read a table of this schema (pyarrow has no types).

    Raises
    ------
    NoAudioColumn
        It has no column that holds audio, names it or identifies a recording; or not the one asked for.
    """
    columns = list(_columns(schema))
    said = {*declared, *_declared(schema.metadata or {}, "Audio"), *_declared(schema.metadata or {}, "Video")}
    not_audio = _declared(schema.metadata or {}, "Image")
    held = [found for column in columns if (found := _as_audio(column, said, not_audio)) is not None]
    described = tuple(column for column in columns if _describes(column))
    if wanted is not None:
        return _wanted(wanted, columns, held, described, source=source)
    if any(column.sure for column in held):
        held = [column for column in held if column.sure or column.kind == "bytes"]
    elif any(plain_name(column.name) in BYTES_NAMES for column in held):
        held = [replace(column, sure=plain_name(column.name) in BYTES_NAMES) for column in held]
    if not held and not _says_something(described):
        raise NoAudioColumn(source=source, columns=tuple(label(column.name) for column in columns))
    return Plan(held=tuple(held), detail_columns=described)


_DESCRIBING: Final = frozenset({"text", "plain", "object", "list of text", "list of object"})
_DEEPEST: Final = 6
_AUDIO_KINDS: Final = frozenset({"struct", "samples", "bytes", "array"})


def _wanted(
    wanted: str, columns: list[Column], held: list[Column], described: tuple[Column, ...], *, source: str
) -> Plan:
    chosen = [column for column in columns if column.name == wanted]
    chosen = chosen or [column for column in columns if plain_name(column.name) == plain_name(wanted)]
    names = tuple(label(column.name) for column in columns)
    kind = chosen[0].kind.removeprefix("list of ") if chosen else ""
    if kind not in _AUDIO_KINDS | {"text", "object"}:
        raise NoAudioColumn(source=source, columns=names, wanted=label(wanted), is_there=bool(chosen))
    left_out = tuple(label(each.name) for each in held if each.sure and each.name != chosen[0].name)
    if kind in _AUDIO_KINDS:
        return Plan(held=(chosen[0],), detail_columns=described, left_out=left_out)
    return Plan(held=(), detail_columns=described, left_out=left_out)


def _columns(schema: Any) -> Iterator[Column]:
    seen: dict[str, int] = {}
    for field in schema:
        nth = seen[field.name] = seen.get(field.name, -1) + 1
        name = field.name if not nth else f"{field.name} {nth + 1}"
        kind = kind_of(field.type)
        yield Column(name=name, stored=field.name, nth=nth, kind=kind)
        if kind.removeprefix("list of ") in {"other", "object"}:
            for inside, inner in _nested(field.type):
                within = ".".join((name, *inside))
                yield Column(name=within, stored=field.name, nth=nth, kind=inner, inside=inside)


def _nested(type_: Any, *, depth: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
    """The fields of an object, or of objects in it or in lists, that hold audio; each with its kind."""
    import pyarrow.types as t

    if depth > _DEEPEST:
        return
    if is_list(type_):
        yield from _nested(type_.value_type, depth=depth + 1)
    elif t.is_struct(type_) or is_map(type_):
        fields = (
            [("key", type_.key_type), ("value", type_.item_type)]
            if is_map(type_)
            else [(type_.field(n).name, type_.field(n).type) for n in range(type_.num_fields)]
        )
        for name, inner in fields:
            kind = kind_of(inner)
            if kind.removeprefix("list of ") in {"struct", "samples", "bytes"}:
                yield (name,), kind
            elif kind.removeprefix("list of ") == "other":
                yield from (((name, *below), each) for below, each in _nested(inner, depth=depth + 1))


def _as_audio(column: Column, said: set[str], not_audio: set[str]) -> Column | None:
    """The column as one of audio, surely or perhaps; None when it is none."""
    kind, plain = column.kind.removeprefix("list of "), plain_name(column.name)
    words = set(plain.split("_"))
    if column.name in said:
        return column if kind in _AUDIO_KINDS else None
    if column.name in not_audio or kind not in _AUDIO_KINDS or words & _PICTURE_WORDS:
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
    """Whether a column says something of the audio: of times, also where it is of another type."""
    if column.inside:
        return False
    if column.kind == "array":
        return named_like_range(column.name) or stretch_column(column.name) is not None
    return column.kind in _DESCRIBING or (column.kind == "bytes" and stretch_column(column.name) is not None)


def _says_something(described: tuple[Column, ...]) -> bool:
    """Whether the rows of a table without audio name some, or identify recordings."""
    names = {plain_name(column.name) for column in described}
    if names & set(PATH_KEYS) or any(name in _IDENTIFYING for name in names):
        return True
    if any(
        column.kind in _NAMING and set(plain_name(column.name).split("_")) & AUDIO_WORDS
        for column in described
    ):
        return True
    return bool(names & _ARTISTS) and bool(names & _TITLES)


_ARTISTS: Final = frozenset({"artist", "artist_name", "artists", "artist_names", "performer"})
_NAMING: Final = frozenset({"text", "object", "list of text", "list of object"})
_TITLES: Final = frozenset({"title", "track_name", "song", "song_name", "track_title", "name"})
_IDENTIFYING: Final = frozenset({
    "isrc", "ytid", "youtube_id", "yt_id", "youtube", "video_id", "song_id", "spotify_id", "spotify",
    "youtube_url", "video_url", "spotify_url", "track_uri", "spotify_uri", "spotify_track_id", "track_url",
})  # fmt: skip


def kind_of(type_: Any) -> str:
    """What values of an Arrow type are to us."""
    import pyarrow.types as t

    if hasattr(type_, "storage_type"):  # an extension type
        return kind_of(type_.storage_type)
    if t.is_dictionary(type_):
        return kind_of(type_.value_type)
    if t.is_struct(type_):
        return _struct_kind({type_.field(n).name: type_.field(n).type for n in range(type_.num_fields)})
    if (
        t.is_binary(type_)
        or t.is_large_binary(type_)
        or t.is_binary_view(type_)
        or t.is_fixed_size_binary(type_)
    ):
        return "bytes"
    if t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_):
        return "text"
    if is_list(type_):
        inner = kind_of(type_.value_type)
        number = t.is_integer(type_.value_type) or t.is_floating(type_.value_type)
        return (
            "array" if number or inner == "array" else f"list of {inner}" if " of " not in inner else "other"
        )
    plain = (
        t.is_integer(type_) or t.is_floating(type_) or t.is_boolean(type_) or t.is_decimal(type_)
        or t.is_temporal(type_) or t.is_null(type_)
    )  # fmt: skip
    return "plain" if plain else "other"


def is_map(type_: Any) -> bool:
    """Whether values of this type are maps, which are lists of objects of a key and a value."""
    import pyarrow.types as t

    return bool(t.is_map(type_))


def is_list(type_: Any) -> bool:
    """Whether values of this type are lists."""
    import pyarrow.types as t

    return bool(
        t.is_list(type_) or t.is_large_list(type_) or t.is_fixed_size_list(type_)
        or t.is_list_view(type_) or t.is_large_list_view(type_)
    )  # fmt: skip


def _struct_kind(fields: Mapping[str, Any]) -> str:
    kinds = {name.lower(): kind_of(type_) for name, type_ in fields.items()}
    if kinds.get("bytes") == "bytes" or (bytes_field(kinds) and len(kinds) <= 4):
        return "struct"
    if array_field(kinds) and any(name in _RATES for name in kinds):
        return "samples"
    return "object" if set(kinds.values()) <= {"text", "plain", "array", "list of text"} else "other"


_RATES: Final = frozenset({"sampling_rate", "sample_rate", "sr", "rate"})


def bytes_field(kinds: Mapping[str, str]) -> str | None:
    """The field of a struct that holds a file's bytes."""
    return next((name for name, kind in kinds.items() if kind == "bytes"), None)


def array_field(kinds: Mapping[str, str]) -> str | None:
    """The field of a struct that holds samples."""
    return next((name for name, kind in kinds.items() if kind == "array"), None)


def _declared(metadata: Mapping[bytes, bytes], kind: str) -> set[str]:
    """Columns that the Hugging Face features in a schema's metadata declare to be of this kind."""
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
